"""The tables in code and in the migrations are the same, on both databases; the ledger of control groups stays."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.engine import Engine

from serving.inbox.database import HEAD, inbox_url, open_database, upgrade, writing
from serving.outbox.person import person_of
from serving.outbox.tables import ARMS, ERASURES, METADATA
from tests.serving.migrating import migrate_down


@pytest.fixture
def engine(either_database: None, tmp_path: Path) -> Engine:
    (tmp_path / "data").mkdir()
    return open_database(inbox_url(tmp_path))


def test_tables_and_migrations_say_the_same(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": _is_ours})
        assert compare_metadata(context, METADATA) == []


def test_back_and_forth_leaves_the_same_tables(engine: Engine) -> None:
    migrate_down(engine, "0002")
    assert not sa.inspect(engine).has_table("messages")
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT version_num FROM alembic_version")) == HEAD
        assert sa.inspect(connection).has_table("messages")


def test_an_arm_is_never_changed_and_goes_only_with_the_person(engine: Engine) -> None:
    arm = {"person": "p1", "scope": "all", "holdout_version": 1, "in_control": True, "since_us": 1}
    erasure = {"person": "p1", "receipt_id": "r1", "asked_us": 2, "receipt_json": "{}"}
    with writing(engine) as connection:
        connection.execute(sa.insert(ARMS), arm)
    for change in (sa.update(ARMS).values(in_control=False), sa.delete(ARMS)):
        with pytest.raises(sa.exc.DBAPIError, match="never"), writing(engine) as connection:
            connection.execute(change)
    with writing(engine) as connection:
        connection.execute(sa.insert(ERASURES), erasure)
        assert connection.execute(sa.delete(ARMS)).rowcount == 1
        connection.execute(sa.delete(ERASURES))


def test_a_person_is_named_by_the_key_alone() -> None:
    assert person_of("c1", b"key") == person_of("c1", b"key")
    assert len({person_of("c1", b"key"), person_of("c2", b"key"), person_of("c1", b"other"), "c1"}) == 4


def _is_ours(name: str | None, kind: str, _: object) -> bool:
    return kind != "table" or name in METADATA.tables
