"""Removes a person from the files that are ours: the store of scores and what the outbox wrote as CSV and e-mail."""

from __future__ import annotations

import csv
import fcntl
import io
import os
import shutil
import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

from features.errors import ServingError

_EMPTY = b",,,,"


def clear_store(path: Path, customer_id: str) -> int:
    """Put a copy without the customer in the store's place, for readers of the old one go on; 1 if they were in it."""
    if not path.is_file():
        return 0
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as store:
            known = store.execute("SELECT 1 FROM customers WHERE customer_id = ?", [customer_id]).fetchone()
        if known is None:
            return 0
        shutil.copyfile(path, aside)
        with closing(sqlite3.connect(aside, isolation_level=None)) as copy:
            copy.execute("PRAGMA journal_mode = OFF")
            copy.execute("PRAGMA secure_delete = ON")
            copy.execute("DELETE FROM customers WHERE customer_id = ?", [customer_id])
        with aside.open("rb") as written:
            os.fsync(written.fileno())
        aside.replace(path)
    except (OSError, sqlite3.Error) as error:
        raise ServingError(f"{path} still holds the customer: {error}. Mend that, then erase again.") from error
    finally:
        aside.unlink(missing_ok=True)
    return 1


def clear_csv(path: Path, customer_id: str) -> int:
    """Blank the customer's lines where they stand, under the lock of who appends; places of other lines do not move."""
    if not path.is_file():
        return 0
    cleared = 0
    with path.open("r+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        place = 0
        for line in io.BufferedReader(io.FileIO(file.fileno(), closefd=False)):
            end = line.endswith(b"\n")
            content = line.rstrip(b"\r\n")
            fields = next(csv.reader([content.decode(errors="replace")]), [])
            if len(fields) > 1 and fields[1] == customer_id:
                blank = _EMPTY.ljust(len(content)) + line[len(content) :]
                os.pwrite(file.fileno(), blank, place)
                cleared += 1 if end else 0
            place += len(line)
        os.fsync(file.fileno())
    return cleared


def clear_letters(folder: Path, message_ids: Collection[str]) -> int:
    """Delete the e-mail files of the messages."""
    files = [folder / f"{name}.eml" for name in message_ids]
    there = [file for file in files if file.is_file()]
    for file in there:
        file.unlink()
    return len(there)
