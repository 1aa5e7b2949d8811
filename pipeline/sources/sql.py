"""A PostgreSQL database: tables or queries, read in one read-only snapshot and streamed to Parquet.

Every value arrives as PostgreSQL's own text (ISO dates, UTC offsets on `timestamptz`), so that a database and a CSV
export of it are checked alike. The URL comes from the environment and is never printed, nor an error that repeats it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from features.errors import ConfigError, SourceError
from pipeline.params import Sql, SqlTable
from pipeline.sources.columns import chosen_columns, raw_table
from pipeline.stage import progress

TABLES = ("orders", "order_items", "engagement", "customers")
ROWS_PER_CHUNK = 50_000
CONNECT_SECONDS = 10
# The order makes the same database give the same file, and places new rows at its end.
ORDERED_BY = ("ordered_at", "occurred_at", "order_id", "event_id", "customer_id", "product_id")

Connection = psycopg.Connection[tuple[str | None, ...]]


def pull_sql(settings: Sql, raw: Path) -> dict[str, int]:
    """Write one raw Parquet file per table or query that is set in params; returns the rows of each."""
    wanted = {table: _source(table, getattr(settings, table)) for table in TABLES}
    if wanted["orders"] is None:
        raise ConfigError("pull.sql.orders names neither a table nor a query; set one of them.")
    rows: dict[str, int] = {}
    with _connected(settings.url_env) as connection:
        for table, source in wanted.items():
            if source is not None:
                name, count = _pull_table(connection, table, getattr(settings, table), raw)
                rows[name] = count
    return rows


def _source(table: str, wanted: SqlTable) -> sql.Composable | None:
    if wanted.table is not None and wanted.query is not None:
        raise ConfigError(f"pull.sql.{table} names a table and a query; keep one of them.")
    if wanted.query is not None:
        query = wanted.query.strip().rstrip(";")
        return sql.SQL("(\n{}\n) AS source").format(sql.SQL(query))
    return sql.Identifier(*wanted.table.split(".")) if wanted.table is not None else None


@contextmanager
def _connected(url_env: str) -> Iterator[Connection]:
    url = os.environ.get(url_env)
    if not url:
        raise ConfigError(
            f"${url_env} is not set. Export it, e.g. {url_env}=postgresql://user:password@host:5432/shop, "
            "or name another variable in pull.sql.url_env."
        )
    where = _where(url, url_env)
    try:
        connection: Connection = psycopg.connect(url, connect_timeout=CONNECT_SECONDS, autocommit=False)
    except psycopg.Error as error:
        raise SourceError(_refusal(str(error), where, url_env)) from None  # the cause may repeat the URL
    with connection:
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.execute("SET LOCAL TimeZone = 'UTC'")
        connection.execute("SET LOCAL DateStyle = 'ISO, YMD'")
        yield connection


def _where(url: str, url_env: str) -> str:
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:
        parts = {"port": "unreadable"}
    user, host, base, port = (str(parts.get(name) or "(default)") for name in ("user", "host", "dbname", "port"))
    # An unencoded @ or / in the password moves a part of it into host, port or database: show none of them then.
    strayed = "@" in user + host + base or not port.replace(",", "").replace("(default)", "0").isdigit()
    if strayed:
        raise ConfigError(
            f"${url_env} is not a PostgreSQL URL (its value is not shown). It should look like "
            "postgresql://user:password@host:5432/shop; a password with @, / or % in it must be percent-encoded."
        ) from None
    return f"the database {base} at {host}:{port} as user {user}"


def _refusal(message: str, where: str, url_env: str) -> str:
    if "password" in message or "authentication" in message or "role" in message:
        return f"{where} refused the login. Mend user and password in ${url_env}."
    if "does not exist" in message:
        return f"{where}: there is no such database. Mend its name in ${url_env}."
    return f"{where} does not answer. Start it, or mend host and port in ${url_env}, then pull again."


def _pull_table(connection: Connection, table: str, wanted: SqlTable, raw: Path) -> tuple[str, int]:
    key = f"pull.sql.{table}"
    source = _source(table, wanted) or sql.SQL("")
    shown = wanted.table or f"the query of {key}"
    try:
        available = _columns(connection, source)
        columns = chosen_columns(table, wanted.columns, available, shown, f"{key}.columns")
        name = raw_table(table, wanted.columns, available)
        rows = _stream(connection, _select(source, columns), columns, raw / f"{name}.parquet", wanted.table or key)
    except psycopg.errors.UndefinedTable as error:
        raise SourceError(f"{key}: there is no table {shown} for this user. Mend the name (schema.table).") from error
    except psycopg.Error as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise SourceError(
            f"{key}: {shown} cannot be read: {first}. Mend it, or grant SELECT, then pull again."
        ) from error
    if rows == 0:
        raise SourceError(f"{key}: {shown} has no rows. Fill it, or set table and query to null.")
    progress(f"{name}: {rows:,} rows from {shown}")
    return name, rows


def _columns(connection: Connection, source: sql.Composable) -> list[str]:
    cursor = connection.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(source))
    return [column.name for column in cursor.description or ()]


def _select(source: sql.Composable, columns: dict[str, str]) -> sql.Composed:
    texts = [
        sql.SQL("{}::text AS {}").format(sql.Identifier(column), sql.Identifier(name))
        for name, column in columns.items()
    ]
    order = [sql.Identifier(columns[name]) for name in ORDERED_BY if name in columns]
    statement = sql.SQL("SELECT {} FROM {} ORDER BY {}")
    return statement.format(sql.SQL(", ").join(texts), source, sql.SQL(", ").join(order))


def _stream(connection: Connection, select: sql.Composed, columns: dict[str, str], path: Path, shown: str) -> int:
    texts = [pa.field(name, pa.string()) for name in columns]
    schema = pa.schema([*texts, pa.field("source_file", pa.string()), pa.field("source_row", pa.int64())])
    rows = 0
    with connection.cursor("rekindle_pull") as cursor, pq.ParquetWriter(path, schema, compression="zstd") as writer:
        cursor.execute(select)
        while chunk := cursor.fetchmany(ROWS_PER_CHUNK):
            values = [pa.array(column, pa.string()) for column in zip(*chunk, strict=True)]
            places = pa.array(range(rows + 1, rows + len(chunk) + 1), pa.int64())
            files = pa.repeat(pa.scalar(shown), len(chunk))
            writer.write_table(pa.Table.from_arrays([*values, files, places], schema=schema))
            rows += len(chunk)
    return rows
