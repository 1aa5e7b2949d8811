"""Spark on this machine gives what the local engine gives, whatever the shape of the tables, and says what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import features
from features.block import block_of
from features.errors import ConfigError, DataError, RekindleError, SourceError
from features.tables import ENGAGEMENT, ORDER_ITEMS, ORDERS
from pipeline import paths
from pipeline.event_log import absent
from pipeline.featurize import featurize
from pipeline.featurizing.output import Made
from pipeline.featurizing.spark import featurized, spark_features
from pipeline.featurizing.spark_errors import in_plain_words
from pipeline.featurizing.spark_session import spark_session
from pipeline.featurizing.spark_tables import read_shop, survey
from pipeline.params import Params
from tests.pipeline.spark_shop import as_exported, assert_same, needs_spark, spark_params, write_shop

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

BLOCKS = 5
pytestmark = [needs_spark, pytest.mark.slow]
OWN_FEATURES = '''
"""Features of a shop of its own, outside the project's folders."""

import numpy as np

from features.registry import feature


@feature(unit="count", empty=0.0, windows_days=(45,))
def own_orders(past):
    """Orders in a window of the shop's own choice."""
    return past.of("order").count()
'''
BROKEN = OWN_FEATURES.replace("own_orders", "broken_orders").replace(
    "return", "raise ZeroDivisionError('oh')\n    return"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A working directory with clean tables, own feature modules, one of them broken, and the local engine's result."""
    root = tmp_path_factory.mktemp("shop")
    write_shop(root / paths.CLEAN)
    (root / "spark_own.py").write_text(OWN_FEATURES)
    (root / "spark_broken.py").write_text(BROKEN)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setattr(features, "__path__", [*features.__path__, str(root)])
        yield root


@pytest.fixture(scope="module")
def local(folder: Path) -> dict[str, pa.Table]:
    featurize(with_extra(spark_params("local"), "features.spark_own"))
    return {"history": pq.read_table(paths.HISTORY), "current": pq.read_table(paths.CURRENT)}


@pytest.fixture(scope="module")
def spark(folder: Path) -> Iterator[SparkSession]:
    with spark_session(spark_params().features.spark) as session:
        yield session


@pytest.fixture(scope="module")
def ours(spark: SparkSession) -> tuple[Made, dict[str, pa.Table]]:
    return made(spark, with_extra(spark_params(blocks=BLOCKS), "features.spark_own"))


def made(spark: SparkSession, params: Params) -> tuple[Made, dict[str, pa.Table]]:
    """The run's own account of itself, and its two tables."""
    files = Path("made_history.parquet"), Path("made_current.parquet")
    with in_plain_words():
        account = featurized(spark, params, files, proof_customers=5)
    return account, {"history": pq.read_table(files[0]), "current": pq.read_table(files[1])}


def with_extra(params: Params, module: str) -> Params:
    return params.model_copy(update={"features": params.features.model_copy(update={"extra": [module]})})


def test_history_and_today_equal_the_local_engine(
    ours: tuple[Made, dict[str, pa.Table]], local: dict[str, pa.Table]
) -> None:
    assert local["history"].num_rows > 100
    for name, table in ours[1].items():
        assert_same(table, local[name])


def test_rows_are_sorted_by_block_customer_and_cutoff(ours: tuple[Made, dict[str, pa.Table]]) -> None:
    for table in ours[1].values():
        keys = list(zip(table[0].to_pylist(), table[1].to_pylist(), strict=True))
        assert keys == sorted(keys, key=lambda key: (block_of(key[0], BLOCKS), key))


def test_the_run_counts_what_it_wrote(ours: tuple[Made, dict[str, pa.Table]]) -> None:
    account, tables = ours
    history = tables["history"].to_pandas()
    assert account.history.rows == len(history)
    assert account.current.rows == tables["current"].num_rows
    assert account.history.rows_at == (history["cutoff"].astype("int64")).value_counts().to_dict()
    assert tuple(sorted(account.history.rows_at)) == account.calendar.cutoffs_us
    empty = history.isna().sum()
    assert account.history.empty == {name: empty[name] for name in account.history.empty}
    assert empty.max() > 0


def test_what_the_shop_does_not_have_is_found_as_on_one_machine(ours: tuple[Made, dict[str, pa.Table]]) -> None:
    assert ours[0].survey.absent == absent(paths.CLEAN) == frozenset({"units"})


def test_a_feature_of_the_shops_own_reaches_the_executors(ours: tuple[Made, dict[str, pa.Table]]) -> None:
    counted = ours[1]["history"].to_pandas()
    assert (counted["own_orders_45d"] <= counted["orders_ever"]).all()
    assert counted["own_orders_45d"].max() > 0


def test_the_sample_for_the_proof_is_clean_tables_of_whole_customers(ours: tuple[Made, dict[str, pa.Table]]) -> None:
    orders, engagement, items = ours[0].proof
    assert [table.schema for table in ours[0].proof] == [ORDERS, ENGAGEMENT, ORDER_ITEMS]
    chosen = set(orders["customer_id"].to_pylist())
    assert len(chosen) == 5
    for table, name in ((orders, "orders"), (engagement, "engagement")):
        clean = pq.read_table(paths.CLEAN / f"{name}.parquet")
        assert table.num_rows == pc.sum(pc.is_in(clean["customer_id"], pa.array(chosen))).as_py()
    assert set(items["order_id"].to_pylist()) <= set(orders["order_id"].to_pylist())
    assert items.num_rows > 10


def test_an_export_in_parts_and_capitals_gives_the_same_features(
    spark: SparkSession, local: dict[str, pa.Table], tmp_path: Path
) -> None:
    as_exported(paths.CLEAN, tmp_path)
    _, tables = made(spark, with_extra(spark_params(clean=str(tmp_path)), "features.spark_own"))
    for name, table in tables.items():
        assert_same(table, local[name])


def test_a_shop_without_items_is_told_that_their_features_are_left_out(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_shop(tmp_path)
    (tmp_path / "order_items.parquet").unlink()
    assert "order_items" in survey(read_shop(spark, str(tmp_path))).absent
    assert "order_items.parquet: the features that need it are left out" in capsys.readouterr().out


def test_an_error_of_a_block_is_told_without_a_java_trace(spark: SparkSession) -> None:
    with pytest.raises(DataError, match=r"broken_orders_45d.*oh") as told:
        made(spark, with_extra(spark_params(), "features.spark_broken"))
    assert "org.apache" not in str(told.value)


def test_tables_that_are_not_there_are_named(spark: SparkSession) -> None:
    with pytest.raises(SourceError, match=r"finds no table at file:/nowhere/orders.parquet"):
        made(spark, spark_params(clean="/nowhere"))


def test_a_column_that_is_not_there_is_named_with_those_that_are(spark: SparkSession, tmp_path: Path) -> None:
    write_shop(tmp_path)
    orders = pq.read_table(tmp_path / "orders.parquet")
    pq.write_table(orders.rename_columns(["order_id", "buyer", *orders.column_names[2:]]), tmp_path / "orders.parquet")
    with pytest.raises(SourceError, match=r"orders.parquet has no column customer_id; it has order_id, buyer,"):
        made(spark, spark_params(clean=str(tmp_path)))


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("kind", "telepathy", "unknown kinds: telepathy. Known are session,"),
        ("customer_id", None, "1 without customer"),
    ],
)
def test_rows_that_check_would_have_refused_are_counted(
    spark: SparkSession, tmp_path: Path, column: str, value: str | None, message: str
) -> None:
    write_shop(tmp_path)
    events = pq.read_table(tmp_path / "engagement.parquet")
    place = events.column_names.index(column)
    changed = pa.array([value, *events[column].to_pylist()[1:]], pa.string())
    pq.write_table(events.set_column(place, column, changed), tmp_path / "engagement.parquet")
    with pytest.raises(DataError, match=message):
        made(spark, spark_params(clean=str(tmp_path)))


def test_object_storage_without_its_connector_says_what_to_add(spark: SparkSession) -> None:
    with pytest.raises(SourceError, match=r"cannot read the object storage.*spark\.jars\.packages"):
        made(spark, spark_params(clean="s3a://bucket/clean"))


@pytest.mark.parametrize(
    ("work", "kind", "message"),
    [
        ("import a_package_nobody_has", ConfigError, "the Python of Spark's workers has no a_package_nobody_has"),
        ("raise MemoryError", DataError, r"did not fit in the memory.*Raise features\.spark\.blocks"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", DataError, r"did not fit in the memory"),
    ],
)
def test_a_worker_in_trouble_says_what_to_do(
    spark: SparkSession, work: str, kind: type[RekindleError], message: str
) -> None:
    def troubled(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        exec(work)  # noqa: S102  written above
        yield from batches

    with pytest.raises(kind, match=message), in_plain_words():
        spark.range(1).mapInArrow(troubled, "id long").collect()


def test_a_bug_of_ours_keeps_its_traceback(spark: SparkSession) -> None:
    def wrong(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        raise KeyError("revenue")

    with pytest.raises(Exception, match="KeyError: 'revenue'") as told, in_plain_words():
        spark.range(1).mapInArrow(wrong, "id long").collect()
    assert not isinstance(told.value, RekindleError)


def test_no_file_appears_when_what_follows_fails(
    spark: SparkSession, local: dict[str, pa.Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.featurizing.spark.spark_session", lambda _: nullcontext(spark))
    before = paths.HISTORY.read_bytes(), paths.CURRENT.read_bytes()
    with pytest.raises(DataError, match="the proof failed"), spark_features(spark_params(), 5):
        raise DataError("the proof failed")
    assert (paths.HISTORY.read_bytes(), paths.CURRENT.read_bytes()) == before
    assert not list(paths.HISTORY.parent.glob(".*"))
