"""Files and tables: each message stands there once, whatever was torn, repeated or refused before."""

from __future__ import annotations

import csv
import email
import email.policy
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson
import psycopg
import pytest

from features.errors import ConfigError
from serving.dispatch.claim import Letter
from serving.dispatch.settings import Eml, Postgres
from serving.dispatch.sinks.csv_file import COLUMNS, CsvSink
from serving.dispatch.sinks.letters import EmlSink, words
from serving.dispatch.sinks.table import TableSink
from tests.pipeline import postgres
from tests.serving.outbox_rows import NOW_US
from tests.serving.shop import ROOT

PAYLOAD = {
    "message_id": "m-1",
    "decision_id": "d-1",
    "customer_id": "c 1\r\nBcc: x@y.z",
    "action": "follow_up",
    "intent": "service",
    "channel": "email",
    "churn_probability": 0.62,
    "reasons_in_words": ["no order for 60 days"],
    "unsubscribe_url": "https://shop.example/u?email",
}


def letter(name: str = "m-1", customer: str = "c1") -> Letter:
    payload = orjson.dumps(PAYLOAD | {"message_id": name}).decode()
    return Letter(name, 1, customer, "follow_up", "email", payload, 1, None)


def letters(*names: str) -> list[Letter]:
    return [letter(name) for name in names]


def rows(file: Path) -> list[list[str]]:
    with file.open(newline="") as opened:
        return list(csv.reader(opened))


def results(outcomes: object) -> set[str]:
    return {outcome.result for outcome in outcomes.values()}  # type: ignore[attr-defined]


def test_a_line_is_written_once_also_by_another_worker_and_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "out" / "messages.csv"
    first, second = CsvSink(file), CsvSink(file)
    assert results(first.deliver(letters("1", "2"))) == {"sent"}
    assert results(second.deliver(letters("2", "3"))) == {"sent"}
    assert results(first.deliver(letters("3", "4"))) == {"sent"}
    assert results(CsvSink(file).deliver(letters("1", "4"))) == {"sent"}
    assert [row[0] for row in rows(file)] == ["message_id", "1", "2", "3", "4"]
    assert rows(file)[0] == list(COLUMNS)


@pytest.mark.parametrize("torn", ["m-9", 'm-9,c1,follow_up,email,"{""type"": ', ""])
def test_a_torn_last_line_is_cut_off_and_written_anew(tmp_path: Path, torn: str) -> None:
    file = tmp_path / "messages.csv"
    CsvSink(file).deliver(letters("1"))
    with file.open("a") as opened:
        opened.write(torn)
    CsvSink(file).deliver(letters("m-9", "1"))
    assert [row[0] for row in rows(file)] == ["message_id", "1", "m-9"]


def test_a_line_break_in_an_id_tears_no_line(tmp_path: Path) -> None:
    file = tmp_path / "messages.csv"
    CsvSink(file).deliver([letter("1", 'a\r\n"b",c')])
    assert rows(file)[1][:2] == ["1", 'a "b",c']
    assert len(file.read_text().splitlines()) == 2


def test_workers_at_once_write_each_line_once(tmp_path: Path) -> None:
    file = tmp_path / "messages.csv"
    batches = [[str(number) for number in range(start, start + 20)] for start in range(0, 100, 5)]

    def write(names: Sequence[str]) -> None:
        CsvSink(file).deliver(letters(*names))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, batches))
    found = [row[0] for row in rows(file)[1:]]
    assert len(found) == len(set(found)) == 115


FULL = """
import sys
from pathlib import Path
from serving.dispatch.claim import Letter
from serving.dispatch.settings import Eml
from serving.dispatch.sinks.csv_file import CsvSink
from serving.dispatch.sinks.letters import EmlSink
folder = Path(sys.argv[1])
names = ("customer_id", "action", "intent", "channel", "decision_id", "message_id", "unsubscribe_url")
payload = "{" + ", ".join(f'"{name}": "{"x" * 90}"' for name in names) + "}"
two, three = (Letter(name, 1, "c", "a", "email", payload + " " * 200, 1, None) for name in ("2", "3"))
lane = Eml(kind="eml", channels=["email"], path="x")
print(*(each.told for each in CsvSink(folder / "messages.csv").deliver([two, three]).values()), sep="; ")
long = EmlSink(lane, folder / "mail", lambda: 1)
print(*(each.told for each in long.deliver([two]).values()))
"""


def test_a_full_disk_leaves_nothing_half_and_is_tried_again(tmp_path: Path) -> None:
    file = tmp_path / "messages.csv"
    CsvSink(file).deliver(letters("1"))
    before = file.read_bytes()

    def small_disk() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 300, len(before) + 300))

    command = [sys.executable, "-B", "-c", FULL, str(tmp_path)]
    ran = subprocess.run(command, cwd=ROOT, preexec_fn=small_disk, capture_output=True, text=True, check=True)
    assert ran.stdout.count("not written") == 3, ran.stdout
    assert file.read_bytes() == before
    assert not any(path.is_file() for path in (tmp_path / "mail").glob("*"))
    CsvSink(file).deliver(letters("2", "3"))
    assert [row[0] for row in rows(file)] == ["message_id", "1", "2", "3"]


def test_an_email_has_what_one_click_needs_and_no_header_of_the_customers_making(tmp_path: Path) -> None:
    lane = Eml(kind="eml", channels=["email"], path="x", sender="shop@shop.example")
    sink = EmlSink(lane, tmp_path, lambda: NOW_US)
    assert results(sink.deliver([letter("m-1", "c 1\r\nBcc: x@y.z")])) == {"sent"}
    (file,) = tmp_path.iterdir()
    found = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert file.name == "m-1.eml"
    assert found["List-Unsubscribe"] == "<https://shop.example/u?email>"
    assert found["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (found["To"], found["Bcc"]) == ("c-1--Bcc--x-y.z@customers.invalid", None)
    assert found["Date"] == "Tue, 18 Nov 2025 12:00:00 +0000"
    assert found.get_content().splitlines()[:4] == [
        "follow_up (service) for customer c 1 Bcc: x@y.z by email",
        "Chance to lose this customer: 62%",
        "Because:",
        "- no order for 60 days",
    ]
    before = file.stat().st_mtime_ns
    sink.deliver([letter("m-1")])
    assert file.stat().st_mtime_ns == before


def test_a_touch_in_words_needs_no_reasons() -> None:
    bare = {name: value for name, value in PAYLOAD.items() if name not in ("churn_probability", "reasons_in_words")}
    assert words(bare).splitlines()[1:] == ["Decision d-1, message m-1"]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres.started() as host:
        yield f"postgresql://postgres@/postgres?host={host}"


def test_a_row_of_a_table_is_there_once(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_URL", server)
    lane = Postgres(kind="postgres", channels=["email"], url_env="SHOP_URL", table="touches")
    for names in (("1", "2"), ("2", "3")):
        sink = TableSink(lane)
        assert results(sink.deliver(letters(*names))) == {"sent"}
        assert results(sink.deliver(letters(*names))) == {"sent"}
        sink.close()
    with psycopg.connect(server) as connection:
        found = connection.execute("SELECT message_id, payload->>'action' FROM touches ORDER BY 1").fetchall()
    assert found == [("1", "follow_up"), ("2", "follow_up"), ("3", "follow_up")]


def test_a_database_that_is_not_there_got_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_URL", "postgresql://me:hidden@127.0.0.1:9/x")
    outcome = TableSink(Postgres(kind="postgres", channels=[], url_env="SHOP_URL")).deliver(letters("1"))["1"]
    assert outcome.result == "failed"
    assert "hidden" not in outcome.told
    monkeypatch.setenv("SHOP_URL", "mysql://me:hidden@h/x")
    with pytest.raises(ConfigError, match=r"\$SHOP_URL holds no URL such as postgresql://"):
        TableSink(Postgres(kind="postgres", channels=[], url_env="SHOP_URL"))
