"""Inserts letters into a PostgreSQL table; its primary key is the message id, so each stands there once."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import orjson
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert

from features.errors import ConfigError
from serving.dispatch.claim import Letter
from serving.dispatch.outcome import SENT, Outcome
from serving.dispatch.settings import Postgres


class TableSink:
    """One table of one database."""

    def __init__(self, lane: Postgres) -> None:
        url = os.environ.get(lane.url_env, "").strip()
        scheme, _, address = url.partition("://")
        if scheme not in ("postgresql", "postgres", "postgresql+psycopg"):
            raise ConfigError(f"${lane.url_env} holds no URL such as postgresql://user:password@host/shop (not shown).")
        wait = {"connect_timeout": max(1, round(lane.timeout_seconds))}
        try:
            self._engine = sa.create_engine(
                f"postgresql+psycopg://{address}", connect_args=wait, pool_pre_ping=True, hide_parameters=True
            )
        except (sa.exc.ArgumentError, ValueError) as error:
            raise ConfigError(f"${lane.url_env} cannot be read as a URL (it is not shown).") from error
        texts = (sa.Column(name, sa.Text, nullable=False) for name in ("customer_id", "action", "channel"))
        key = sa.Column("message_id", sa.Text, primary_key=True)
        payload = sa.Column("payload", JSONB, nullable=False)
        added_at = sa.Column("added_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
        self._table = sa.Table(lane.table, sa.MetaData(), key, *texts, payload, added_at)
        self._is_there = False

    def refusal(self) -> str | None:
        """A database can always be tried."""
        return None

    def deliver(self, letters: Sequence[Letter]) -> Mapping[str, Outcome]:
        """All in one transaction."""
        try:
            connection = self._engine.connect()
        except sa.exc.SQLAlchemyError as error:
            return _all(letters, Outcome("failed", f"no connection ({type(error).__name__})"))
        try:
            with connection, connection.begin():
                if not self._is_there:
                    self._table.create(connection, checkfirst=True)
                connection.execute(insert(self._table).on_conflict_do_nothing(), [_row(letter) for letter in letters])
        except sa.exc.SQLAlchemyError as error:
            # It may have broken between the commit and its answer.
            return _all(letters, Outcome("doubtful", f"the database did not answer ({type(error).__name__})"))
        self._is_there = True
        return _all(letters, SENT)

    def close(self) -> None:
        """End the connections."""
        self._engine.dispose()


def _all(letters: Sequence[Letter], outcome: Outcome) -> dict[str, Outcome]:
    return {letter.message_id: outcome for letter in letters}


def _row(letter: Letter) -> dict[str, object]:
    names = ("message_id", "customer_id", "action", "channel")
    return {name: getattr(letter, name) for name in names} | {"payload": orjson.loads(letter.payload)}
