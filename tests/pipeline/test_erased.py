"""The search for a customer finds what is packed, nested, deleted in place or cached, and tells ids apart."""

from __future__ import annotations

import gzip
import sqlite3
import subprocess
import sys
import zlib
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from pipeline.erased import found_in
from serving.inbox.database import INBOX_URL, open_database, writing
from serving.outbox.lists import stop
from tests.pipeline import postgres
from tests.serving.shop import ROOT

ID, LONGER = "c000042", "c0000421"


@pytest.fixture(autouse=True)
def _no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(INBOX_URL, raising=False)


def write(root: Path, place: str, content: bytes) -> None:
    file = root / place
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)


def test_it_is_found_wherever_it_stands(tmp_path: Path) -> None:
    for folder in ("data", ".dvc/cache/files/md5/ab"):
        (tmp_path / folder).mkdir(parents=True)
    tables = {"plain": [ID, LONGER], "nested": [[{"who": ID}], [{"who": LONGER}]], "inside": [f"x:{ID}:y", "z"]}
    for name, column in tables.items():
        pd.DataFrame({"a": [1, 2], "b": column}).to_parquet(tmp_path / "data" / f"{name}.parquet", compression="zstd")
    pd.DataFrame({"customer_id": [42, 421]}).to_parquet(tmp_path / ".dvc/cache/files/md5/ab/cdef")
    with closing(sqlite3.connect(tmp_path / "data/some.db")) as store:
        store.execute("CREATE TABLE t (a TEXT, b BLOB)")
        store.execute("INSERT INTO t VALUES (?, ?)", [LONGER, zlib.compress(f'"{ID}"'.encode())])
        store.commit()
    write(tmp_path, "reports/report.html", f"<td>{ID}</td>".encode())
    write(tmp_path, "mlartifacts/1/model/x.json.gz", gzip.compress(ID.encode()))
    assert dict(found_in(tmp_path, ID)) == {
        "data/inside.parquet": 1,
        "data/nested.parquet": 1,
        "data/plain.parquet": 1,
        "data/some.db": 1,
        "reports/report.html": 1,
        "mlartifacts/1/model/x.json.gz": 1,
    }
    assert dict(found_in(tmp_path, "42")) == {".dvc/cache/files/md5/ab/cdef": 1}
    assert dict(found_in(tmp_path, "c00004")) == {}


def test_a_row_that_was_deleted_but_still_stands_in_the_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with closing(sqlite3.connect(tmp_path / "data/some.db")) as store:
        store.execute("PRAGMA secure_delete = OFF")
        store.execute("CREATE TABLE t (a TEXT)")
        store.execute("INSERT INTO t VALUES (?)", [ID])
        store.commit()
        store.execute("DELETE FROM t")
        store.commit()
    assert [place for place, _ in found_in(tmp_path, ID)] == ["data/some.db"]


def test_an_id_is_told_from_a_longer_one_and_an_empty_file_holds_none(tmp_path: Path) -> None:
    write(tmp_path, "data/a.txt", f"{ID},{LONGER} x{ID}\n{ID}".encode())
    write(tmp_path, "data/b.txt", LONGER.encode())
    write(tmp_path, "data/c.txt", b"")
    assert dict(found_in(tmp_path, ID)) == {"data/a.txt": 2}


def test_a_database_behind_a_url_is_looked_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with postgres.started() as host:
        monkeypatch.setenv(INBOX_URL, f"postgresql://postgres:@/postgres?host={host}")
        with writing(open_database(f"postgresql+psycopg://postgres@/postgres?host={host}")) as connection:
            stop(connection, "all", f"because of {ID}", 1)
        assert dict(found_in(tmp_path, ID)) == {"$REKINDLE_INBOX_URL": 1}
        assert dict(found_in(tmp_path, "c1")) == {}


def test_the_command_says_where_and_what_to_do(tmp_path: Path) -> None:
    command, environment = [sys.executable, "-m", "pipeline.erased", ID], {"PYTHONPATH": str(ROOT)}
    nowhere = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert nowhere.stdout == "erased: named nowhere below this folder\n"
    write(tmp_path, "data/scores.txt", ID.encode())
    write(tmp_path, ".dvc/cache/files/md5/00/11", ID.encode())
    found = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert found.returncode == 1
    assert found.stdout.splitlines() == [
        "data/scores.txt: 1 time(s); `dvc repro`",
        ".dvc/cache/files/md5/00/11: 1 time(s); an older version: `dvc gc -w`, once `dvc repro` has run",
    ]
