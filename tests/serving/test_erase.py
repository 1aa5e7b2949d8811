"""Erasing a person: every row and file, on SQLite and on a real PostgreSQL; the hash and the receipt stay."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import orjson
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from features.errors import ServingError
from serving.dispatch.sinks.csv_file import COLUMNS, lines
from serving.erase import erase
from serving.inbox.database import INBOX_URL, inbox_url, open_database, writing
from serving.inbox.erased import erased_file, read_erased
from serving.inbox.inbox import RECEIVED
from serving.outbox.erasing import without
from serving.outbox.lists import blocked
from serving.outbox.person import person_of
from serving.outbox.tables import ARMS, ATTEMPTS, DECISIONS, MESSAGES, METADATA, OUTCOMES, RUNS
from serving.settings import HOME, Places
from serving.store import CELLS, write_store
from tests.serving.one_message import AT_US, KEY, insert_message
from tests.serving.rows import event
from tests.serving.shop import ROOT

GONE, STAYS = "gone-77", "gone-778"
PARAMS = """dispatch:
  endpoint_url: "https://shop.example"
  destinations:
    letters: {kind: eml, channels: [email], path: data/outbox/letters}
    list: {kind: csv, channels: [sms], path: data/outbox/list.csv}
    crm: {kind: webhook, channels: [push], url: "https://crm.example/in", secret_env: CRM_SECRET}
"""


@pytest.fixture
def home(either_database: None, tmp_path: Path) -> Path:
    (tmp_path / "data/external").mkdir(parents=True)
    (tmp_path / "params.yaml").write_text(PARAMS)
    return tmp_path


@pytest.fixture
def engine(home: Path) -> Engine:
    engine = open_database(inbox_url(home))
    with writing(engine) as connection:
        for name in (GONE, STAYS):
            live_through(connection, name)
    write_store(home / "data/serving.db", {}, [(name, *(name.encode(),) * len(CELLS)) for name in (GONE, STAYS)])
    (home / "data/last_good").mkdir()
    os.link(home / "data/serving.db", home / "data/last_good/serving.db")
    letters = home / "data/outbox/letters"
    letters.mkdir(parents=True)
    for name in (GONE, STAYS):
        (letters / f"{'m-' + name.rjust(20, '0')}.eml").write_text(f"To: {name}")
    rows = [(f"m-{place}", name, "a", "sms", f'{{"customer_id":"{name}"}}') for place, name in enumerate((GONE, STAYS))]
    (home / "data/outbox/list.csv").write_bytes(lines([COLUMNS, *rows]))
    return engine


def live_through(connection: Connection, name: str) -> None:
    """A run, a decision, an arm, a sent message with attempt and outcome, and what was received."""
    person, message_id = person_of(name, KEY), insert_message(connection, name, state="sent", destination="crm")
    answer = orjson.dumps({"decisions": [{"customer_id": name, "x": 1}, {"customer_id": "other"}]}).decode()
    texts = dict.fromkeys(("request_digest", "policy_version", "policy_json", "model_version"), "x")
    instants = dict.fromkeys(("as_of_us", "created_us", "received_seq"), 1)
    run = {"run_id": person, "shop_json": "{}", "answer_json": answer, **texts, **instants}
    connection.execute(sa.insert(RUNS), run)
    decision = {"decision_id": f"d-{name}", "run_seq": 1, "customer_id": name, "person": person, "as_of_us": 1}
    connection.execute(sa.insert(DECISIONS), {**decision, "arm": "treatment", "content_json": f'{{"c":"{name}"}}'})
    arm = {"person": person, "scope": "all", "holdout_version": 1, "in_control": False, "since_us": 1}
    connection.execute(sa.insert(ARMS), arm)
    attempt = {"message_id": message_id, "lease_token": 1, "owner": "me", "started_us": 1}
    connection.execute(sa.insert(ATTEMPTS), attempt)
    outcome = {"provider": "crm", "provider_id": name, "message_id": message_id, "kind": "delivered"}
    connection.execute(sa.insert(OUTCOMES), {**outcome, "occurred_us": 1, "received_us": 1})
    connection.execute(sa.insert(RECEIVED), [event(f"{name}-{place}", name)._asdict() for place in range(2)])


def erased(home: Path, engine: Engine, at_us: int = AT_US) -> dict[str, object]:
    return erase(engine, Places(home), GONE, at_us)


def cells(engine: Engine) -> list[str]:
    """Every value of every table, as text."""
    found: list[str] = []
    with engine.connect() as connection:
        for table in (*METADATA.sorted_tables, RECEIVED):
            found += [str(value) for row in connection.execute(sa.select(table)) for value in row]
    return found


def test_every_row_goes_and_the_receipt_counts_them(home: Path, engine: Engine) -> None:
    before = cells(engine)
    receipt = erased(home, engine)
    assert receipt["removed"] == {
        "arms": 1,
        "attempts": 1,
        "data/last_good/serving.db": 1,
        "data/outbox/letters": 1,
        "data/outbox/list.csv": 1,
        "data/serving.db": 1,
        "decisions": 1,
        "messages": 1,
        "outcomes": 1,
        "received": 2,
        "runs": 1,
    }
    assert any(f'"{GONE}"' in cell for cell in before)
    assert [cell for cell in cells(engine) if GONE in cell.replace(STAYS, "")] == []
    assert len([cell for cell in cells(engine) if STAYS in cell]) == len([cell for cell in before if STAYS in cell])
    assert receipt["remains"][0] == "Ask the destination crm to erase too: 1 message(s) went there."  # type: ignore[index]
    assert GONE not in orjson.dumps(receipt).decode()


def test_the_person_stays_out_and_pull_is_told(home: Path, engine: Engine) -> None:
    receipt = erased(home, engine)
    person = person_of(GONE, KEY)
    assert receipt["person"] == person
    with engine.connect() as connection:
        assert blocked(connection, [person, person_of(STAYS, KEY)], "email") == {person: "erased"}
    assert read_erased(home) == {person}
    assert GONE not in erased_file(home).read_text()


def test_no_byte_of_the_files_names_them(home: Path, engine: Engine) -> None:
    erased(home, engine)
    for file in (file for file in (home / "data").rglob("*") if file.is_file()):
        assert GONE.encode() not in file.read_bytes().replace(STAYS.encode(), b""), file
    kept = (home / "data/outbox/list.csv").read_text().splitlines()
    assert kept[0] == ",".join(COLUMNS)
    assert kept[1].rstrip() == ",,,,"
    assert kept[2].startswith(f"m-1,{STAYS},")


def test_again_the_receipt_is_the_same_and_what_came_since_goes_too(home: Path, engine: Engine) -> None:
    first = erased(home, engine)
    with writing(engine) as connection:
        connection.execute(sa.insert(RECEIVED), event("later", GONE)._asdict())
    assert orjson.dumps(erased(home, engine, AT_US + 1)) == orjson.dumps(first)
    assert [cell for cell in cells(engine) if GONE in cell.replace(STAYS, "")] == []


def test_somebody_unknown_gets_a_receipt_and_stays_out(home: Path, engine: Engine) -> None:
    receipt = erase(engine, Places(home), "never seen", AT_US)
    assert receipt["removed"] == {}
    with engine.connect() as connection:
        assert blocked(connection, [str(receipt["person"])], "sms") == {receipt["person"]: "erased"}


def test_what_waits_is_cancelled_and_what_is_being_handed_over_goes_when_asked_again(
    home: Path, engine: Engine
) -> None:
    with writing(engine) as connection:
        insert_message(connection, "x", customer_id=GONE, person=person_of(GONE, KEY))
        lease = {"state": "leased", "lease_until_us": AT_US + 60_000_000}
        insert_message(connection, "y", customer_id=GONE, person=person_of(GONE, KEY), **lease)
    told = erased(home, engine)["remains"]
    assert "A message was just being handed over; erase again after 2026-01-01T00:01:00Z." in told  # type: ignore[operator]
    with engine.connect() as connection:
        rows = connection.execute(sa.select(MESSAGES.c.message_id).where(MESSAGES.c.customer_id == GONE)).all()
    assert [row.message_id for row in rows] == ["m-" + "y".rjust(20, "0")]
    (home / "data/outbox/letters" / f"{rows[0].message_id}.eml").write_text(GONE)
    erased(home, engine, AT_US + 61_000_000)
    assert [cell for cell in cells(engine) if GONE in cell.replace(STAYS, "")] == []
    assert len(list((home / "data/outbox/letters").iterdir())) == 1


def test_readers_of_the_old_store_go_on_and_new_ones_do_not_see_them(home: Path, engine: Engine) -> None:
    path = home / "data/serving.db"
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as reader:
        erased(home, engine)
        assert reader.execute("SELECT count(*) FROM customers").fetchone() == (2,)
    with closing(sqlite3.connect(path)) as store:
        assert store.execute("SELECT customer_id FROM customers").fetchall() == [(STAYS,)]


def test_a_part_that_stays_is_told_and_messages_are_cancelled_all_the_same(home: Path, engine: Engine) -> None:
    (home / "data/serving.db").write_bytes(b"no database at all" * 500)
    with writing(engine) as connection:
        waiting = insert_message(connection, "x", customer_id=GONE, person=person_of(GONE, KEY))
    with pytest.raises(ServingError, match=r"data/serving.db still holds the customer.*erase again"):
        erased(home, engine)
    with engine.connect() as connection:
        state = connection.scalar(sa.select(MESSAGES.c.state).where(MESSAGES.c.message_id == waiting))
        assert state == "cancelled"
        assert blocked(connection, [person_of(GONE, KEY)], "email")


def test_files_nobody_can_find_are_told(home: Path, engine: Engine) -> None:
    (home / "params.yaml").write_text("dispatch: {}\n")
    with pytest.raises(ServingError, match="mend this, then erase again"):
        erased(home, engine)


def test_the_command_prints_the_receipt(home: Path, engine: Engine) -> None:
    environment = {"PYTHONPATH": str(ROOT), HOME: str(home)} | {
        name: os.environ[name] for name in (INBOX_URL,) if name in os.environ
    }
    command = [sys.executable, "-m", "serving.erase", GONE]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert orjson.loads(ran.stdout)["removed"]["received"] == 2
    assert GONE not in ran.stdout + ran.stderr


def test_a_database_that_is_down_is_told(tmp_path: Path) -> None:
    environment = {"PYTHONPATH": str(ROOT), HOME: str(tmp_path), INBOX_URL: "postgresql://me:word@127.0.0.1:1/db"}
    command = [sys.executable, "-m", "serving.erase", GONE]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, "does not answer" in ran.stderr, GONE in ran.stderr) == (1, True, False)


def test_only_the_customers_own_entries_leave_an_answer() -> None:
    answer = {"a": ["x", "y"], "b": [{"customer_id": "x", "z": 1}, {"customer_id": "y"}], "x": 1, "n": [{"m": ["x"]}]}
    assert without(answer, "x") == {"a": ["y"], "b": [{"customer_id": "y"}], "n": [{"m": []}]}
