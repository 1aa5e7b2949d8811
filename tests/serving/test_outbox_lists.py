"""Who is kept out and what is stopped, on SQLite and on a real PostgreSQL; what cannot be read lets nobody through."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from features.errors import ServingError
from serving.chunks import AT_ONCE
from serving.draws import HOLDOUT_KEY
from serving.inbox.database import connect, inbox_url, open_database, told, writing
from serving.inbox.inbox import RECEIVED
from serving.outbox.lists import Switch, blocked, opted_out, resume, stop, stopped, suppress, switches
from tests.serving.rows import event


@pytest.fixture
def engine(either_database: None, tmp_path: Path) -> Engine:
    (tmp_path / "data").mkdir()
    return open_database(inbox_url(tmp_path))


def test_a_suppression_of_the_channel_or_of_every_channel_keeps_out(engine: Engine) -> None:
    with writing(engine) as connection:
        assert suppress(connection, "p1", "email", "bounced", 1, "webhook")
        assert suppress(connection, "p2", "*", "unsubscribed", 1, "one-click")
        assert not suppress(connection, "p2", "*", "unsubscribed", 9, "again")
        assert blocked(connection, ["p1", "p2", "p3"], "email") == {"p1": "bounced", "p2": "unsubscribed"}
        assert blocked(connection, ["p1", "p2", "p3"], "sms") == {"p2": "unsubscribed"}


def test_the_weightiest_reason_is_told(engine: Engine) -> None:
    with writing(engine) as connection:
        for reason in ("bounced", "erased", "asked"):
            suppress(connection, "p1", "email", reason, 1, "test")
        assert blocked(connection, ["p1"], "email") == {"p1": "erased"}


def test_many_are_looked_up_in_parts_and_none_is_missed(engine: Engine) -> None:
    persons = [f"p{number}" for number in range(2 * AT_ONCE + 1)]
    with writing(engine) as connection:
        for person in (persons[0], persons[AT_ONCE], persons[-1]):
            suppress(connection, person, "*", "asked", 1, "test")
        assert set(blocked(connection, iter(persons), "email")) == {persons[0], persons[AT_ONCE], persons[-1]}
        assert blocked(connection, [], "email") == {}


def test_a_received_opt_out_or_complaint_counts_and_a_word_in_a_subject_does_not(engine: Engine) -> None:
    rows = [
        event("1", "c1", kind="unsubscribe"),
        event("2", "c2", kind="spam_complaint"),
        event("3", "c3", subject="how to unsubscribe"),
    ]
    with writing(engine) as connection:
        connection.execute(sa.insert(RECEIVED), [row._asdict() for row in rows])
        assert opted_out(connection, ["c1", "c2", "c3", "c4"]) == {"c1", "c2"}


def test_a_switch_stops_its_channel_or_destination_or_all_until_it_is_turned_back(engine: Engine) -> None:
    with writing(engine) as connection:
        assert stopped(connection, "email", "crm") is None
        stop(connection, "channel:email", "bad template", 1)
        assert stopped(connection, "email", "crm") == "channel:email: bad template"
        assert stopped(connection, "sms", "crm") is None
        stop(connection, "destination:crm", "moving", 2)
        assert stopped(connection, "sms", "crm") == "destination:crm: moving"
        assert stopped(connection, "sms", "file") is None
        resume(connection, "channel:email", "mended", 3)
        assert stopped(connection, "email") is None
        stop(connection, "all", "press", 4)
        assert stopped(connection, "push", "file") == "all: press"
        assert switches(connection)[1] == Switch("channel:email", False, "mended", 3)


def test_with_another_key_than_the_lists_were_made_with_everything_is_stopped(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with writing(engine) as connection:
        suppress(connection, "p1", "*", "asked", 1, "test")
        assert stopped(connection, "email", "crm") is None
        monkeypatch.setenv(HOLDOUT_KEY, "another key, so other hashes")
        assert stopped(connection, "email", "crm") == "key: the lists were made with another $REKINDLE_HOLDOUT_KEY"
        assert switches(connection) == []


def test_a_broken_file_raises_instead_of_letting_everybody_through(tmp_path: Path) -> None:
    path = tmp_path / "inbox.db"
    engine = open_database(f"sqlite:///{path}")
    with writing(engine) as connection:
        suppress(connection, "p1", "*", "asked", 1, "test")
    engine.dispose()
    for file in tmp_path.glob("inbox.db*"):
        file.write_bytes(b"no database at all" * 500)
    for look in (
        lambda connection: blocked(connection, ["p1"], "email"),
        lambda connection: opted_out(connection, ["c1"]),
        lambda connection: stopped(connection, "email", "crm"),
    ):
        with pytest.raises(ServingError, match="does not answer"), told(), engine.connect() as connection:
            look(connection)


def test_a_file_without_the_tables_raises_too(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(sa.exc.OperationalError, match="no such table"), engine.connect() as connection:
        blocked(connection, ["p1"], "email")
