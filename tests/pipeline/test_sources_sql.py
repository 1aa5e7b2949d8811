"""A real PostgreSQL as a source: mapping, streaming, times, and errors that never show the password."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from features.errors import ConfigError, RekindleError, SourceError
from pipeline.check import check
from pipeline.params import Params
from pipeline.pull import pull
from pipeline.sources.sql import pull_sql
from tests.pipeline.postgres import PASSWORD, started, url
from tests.pipeline.shops import column, params_for

SHOP = {
    "table": "shop.Orders",
    "columns": {"order_id": "id", "customer_id": "buyer", "ordered_at": "at", "revenue": "sum"},
}


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    with started() as folder:
        yield folder


@pytest.fixture(autouse=True)
def _project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("REKINDLE_SOURCE_URL", url(host))
    Path("raw").mkdir()


def sql_params(zone: str | None = None, **tables: dict[str, object]) -> Params:
    nothing = {"table": None, "query": None, "columns": {}}
    names = ("orders", "order_items", "engagement", "customers")
    section = {name: nothing | tables.get(name, {}) for name in names}
    return params_for(source="sql", source_timezone=zone, sql={"url_env": "REKINDLE_SOURCE_URL", **section})


def pulled(**tables: dict[str, object]) -> dict[str, int]:
    return pull_sql(sql_params(**tables).pull.sql, Path("raw"))


def refusal(**tables: dict[str, object]) -> str:
    with pytest.raises(RekindleError, match=r"\.") as caught:
        pulled(**tables)
    told, cause = str(caught.value), caught.value.__cause__
    for secret in (PASSWORD, "s3cr", "wrong-one"):
        assert secret not in told
        assert secret not in str(cause)
    return told


def test_a_table_is_mapped_and_ordered_and_its_values_are_exact_text() -> None:
    assert pulled(orders=SHOP) == {"orders": 2}
    first, second = pq.read_table("raw/orders.parquet").to_pylist()
    assert first == {
        "order_id": "1",
        "customer_id": "007",
        "ordered_at": "2024-01-05 11:00:00+00",
        "revenue": "0.00001",
        "channel": None,
        "source_file": "shop.Orders",
        "source_row": 1,
    }
    assert (second["ordered_at"], second["revenue"], second["channel"]) == ("2024-07-05 10:00:00+00", "10.50", "web")


def test_a_query_is_read_like_a_table_and_large_ones_come_in_chunks() -> None:
    events = {"query": "SELECT * FROM visits WHERE event_id <> '7' -- not this one;\n;"}
    assert pulled(orders=SHOP, engagement=events) == {"orders": 2, "engagement": 119_999}
    visits = pq.read_table("raw/engagement.parquet")
    assert visits["source_row"].to_pylist() == list(range(1, 120_000))
    assert visits["occurred_at"][0].as_py() == "2024-01-01 00:01:00+00"


def test_times_with_and_without_zone_become_the_same_instants() -> None:
    aware = params_for(source="sql", sql=sql_params(orders=SHOP).pull.sql.model_dump())
    pull(aware)
    check(aware.model_copy(update={"check": aware.check.model_copy(update={"max_quarantine_share": 1.0})}))
    known = column("orders", "ordered_at")
    naive = SHOP | {"columns": {**SHOP["columns"], "ordered_at": "local"}}  # type: ignore[dict-item]
    local = sql_params("Europe/London", orders=naive)
    pull(local)
    check(local.model_copy(update={"check": local.check.model_copy(update={"max_quarantine_share": 1.0})}))
    assert column("orders", "ordered_at") == known == ["2024-07-05 10:00:00"]


def test_the_environment_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REKINDLE_SOURCE_URL")
    with pytest.raises(ConfigError, match=r"\$REKINDLE_SOURCE_URL is not set\. Export it"):
        pulled(orders=SHOP)


def test_a_wrong_password_is_said_and_never_shown(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("REKINDLE_SOURCE_URL", url(host, "wrong-one"))
    told = refusal(orders=SHOP)
    assert "as user reader refused the login. Mend user and password in $REKINDLE_SOURCE_URL." in told


def test_a_database_that_is_down(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("REKINDLE_SOURCE_URL", url(host, port=5999))
    assert "does not answer. Start it, or mend host and port in $REKINDLE_SOURCE_URL" in refusal(orders=SHOP)


def test_a_database_of_another_name(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    monkeypatch.setenv("REKINDLE_SOURCE_URL", url(host, database="elsewhere"))
    assert "there is no such database" in refusal(orders=SHOP)


@pytest.mark.parametrize(
    "broken",
    [
        "postgres//reader:{}@host/db",
        "postgresql://reader:{}%zz@host/db",
        "postgresql://reader:a@{}@host/db",
        "postgresql://reader:{}/t@host/db",
        "postgresql://reader:12/{}@host/db",
        "oops {}",
    ],
)
def test_a_url_that_is_none_is_not_shown_either(monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    monkeypatch.setenv("REKINDLE_SOURCE_URL", broken.format("s3cr"))
    assert "is not a PostgreSQL URL (its value is not shown)" in refusal(orders=SHOP)


def test_a_missing_table() -> None:
    with pytest.raises(SourceError, match=r"pull\.sql\.orders: there is no table shop\.Ordres for this user"):
        pulled(orders=SHOP | {"table": "shop.Ordres"})


def test_a_missing_column_is_named_with_the_nearest() -> None:
    mapped = SHOP | {"columns": {"customer_id": "byuer", "ordered_at": "at"}}
    with pytest.raises(SourceError, match=r"shop\.Orders has no column 'byuer' .*; did you mean buyer\? It has: id, "):
        pulled(orders=mapped)


def test_an_empty_table() -> None:
    with pytest.raises(SourceError, match=r"pull\.sql\.orders: nothing has no rows"):
        pulled(orders={"table": "nothing"})


def test_a_table_that_may_not_be_read() -> None:
    assert "hidden cannot be read: permission denied" in refusal(orders={"table": "hidden"})


def test_a_statement_that_writes_is_refused_by_the_database() -> None:
    writes = "SELECT lo_create(0)::text AS customer_id, now() AS ordered_at"
    assert "read-only transaction" in refusal(orders={"query": writes})


def test_a_name_is_quoted_and_never_run() -> None:
    with pytest.raises(SourceError, match="there is no table"):
        pulled(orders={"table": 'visits"; DROP TABLE visits; --'})
    assert pulled(orders=SHOP, engagement={"table": "visits"})["engagement"] == 120_000


def test_neither_table_nor_query_or_both() -> None:
    with pytest.raises(ConfigError, match=r"pull\.sql\.orders names neither a table nor a query"):
        pulled()
    with pytest.raises(ConfigError, match=r"pull\.sql\.orders names a table and a query"):
        pulled(orders=SHOP | {"query": "SELECT 1"})
