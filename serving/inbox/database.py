"""Opens the database of received events: `data/inbox.db`, or the one $REKINDLE_INBOX_URL names.

Rows are only ever added, by one writer at a time, so a number (`seq`) that is visible says that all below it are.
A commit is on the disk before it returns: SQLite writes ahead with `synchronous = FULL`, PostgreSQL does by default.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from features.errors import ServingError

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

INBOX_URL = "REKINDLE_INBOX_URL"
REVISIONS = ("0001", "0002", "0003")  # of migrations/versions, oldest first
HEAD = REVISIONS[-1]
BUSY_SECONDS = 30
_LOCK = 7_261_901  # any number that nobody else on the database locks
_MIGRATIONS = Path(__file__).parent / "migrations"


def inbox_file(home: Path) -> Path:
    """Where the inbox lies without a URL."""
    return home / "data" / "inbox.db"


def inbox_url(home: Path) -> str:
    """The URL in the environment, else the file below `home`; it may hold a password and is never shown."""
    url = os.environ.get(INBOX_URL, "").strip()
    if not url:
        return f"sqlite:///{inbox_file(home)}"
    name, colon, rest = url.partition("://")
    if not colon or name not in ("postgresql", "postgres", "postgresql+psycopg", "sqlite"):
        raise ServingError(
            f"${INBOX_URL} is no database URL this code knows (its value is not shown). "
            "It should look like postgresql://user:password@host:5432/shop or sqlite:////folder/inbox.db."
        )
    return url if name == "sqlite" else f"postgresql+psycopg://{rest}"


def connect(url: str) -> Engine:
    """An engine, not yet connected; raises ServingError for a URL nobody can read."""
    is_sqlite = url.startswith("sqlite")
    timeout = {"timeout": BUSY_SECONDS} if is_sqlite else {"connect_timeout": 5}
    try:
        engine = sa.create_engine(url, connect_args=timeout, pool_pre_ping=not is_sqlite, hide_parameters=True)
    except (sa.exc.ArgumentError, ValueError) as error:
        raise ServingError(f"${INBOX_URL} cannot be read as a URL (its value is not shown).") from error
    except ModuleNotFoundError as error:
        raise ServingError(f"${INBOX_URL} needs the package {error.name}; install it beside the endpoint.") from error
    if is_sqlite:
        sa.event.listen(engine, "connect", _settle)
        sa.event.listen(engine, "begin", _begin)
    return engine


def open_database(url: str) -> Engine:
    """Connect; an empty database gets its tables. Raises ServingError for one of another revision, or unreachable."""
    engine = connect(url)
    with told():
        with engine.connect() as connection:
            found = _revision(connection)
        if found is None:
            upgrade(engine)
        elif found != HEAD:
            raise _other_revision(found)
    return engine


def upgrade(engine: Engine) -> None:
    """Run the migrations that are missing, all or none; several processes may ask at once."""
    # Loaded here, for it takes long and an endpoint that finds its tables never needs it.
    from alembic import command
    from alembic.config import Config

    settings = Config()
    settings.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with told(), writing(engine) as connection:
        found = _revision(connection)
        if found is not None and found not in REVISIONS:
            raise _other_revision(found)
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that no other writer overlaps."""
    with engine.connect().execution_options(is_writer=True) as connection, connection.begin():
        if connection.dialect.name != "sqlite":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        yield connection


@contextmanager
def told() -> Iterator[None]:
    """What a database refuses becomes a ServingError without its address."""
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        raise ServingError(
            f"the inbox of received events does not answer ({type(error).__name__}). Is its folder writable and its "
            f"disk free, or, with ${INBOX_URL}, its server up and the login right?"
        ) from error


def _revision(connection: Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _other_revision(found: str) -> ServingError:
    if found in REVISIONS:
        behind = len(REVISIONS) - 1 - REVISIONS.index(found)
        return ServingError(
            f"the inbox of received events is at revision {found}, {behind} behind this code's {HEAD}. "
            "Back it up, then run `python -m serving.inbox`."
        )
    return ServingError(
        f"the inbox of received events is at revision {found}, which this code (at {HEAD}) does not know: it is ahead. "
        "Run the newer code, or go back to a copy from before the upgrade."
    )


def _settle(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # The driver shall not begin transactions of its own: `_begin` does.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA secure_delete = ON")  # what is deleted is gone from the file too
    cursor.close()


def _begin(connection: Connection) -> None:
    # A writer waits for its turn at the start; one that began by reading could not wait any more.
    is_writer = connection.get_execution_options().get("is_writer", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writer else "BEGIN")
