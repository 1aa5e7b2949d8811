"""Appends letters to a CSV file, each once: what is in the file already is not written again, also after a crash.

Line breaks within a field become spaces (the payload is JSON and has none), so a line is a record, and a last line
without its end was torn by a crash and is cut off.
"""

from __future__ import annotations

import csv
import fcntl
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from serving.dispatch.claim import Letter
from serving.dispatch.outcome import SENT, Outcome

COLUMNS = ("message_id", "customer_id", "action", "channel", "payload")


class CsvSink:
    """One file; several workers and processes may append to it."""

    def __init__(self, path: Path) -> None:
        self._path, self._known, self._read_to = path, set[str](), 0

    def refusal(self) -> str | None:
        """A file can always be tried."""
        return None

    def deliver(self, letters: Sequence[Letter]) -> Mapping[str, Outcome]:
        """All in one write, on the disk before this returns; none of them when it fails."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a+b", buffering=0) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                self._append(file, letters)
        except OSError as error:
            return {letter.message_id: Outcome("failed", f"not written: {error.strerror}") for letter in letters}
        self._known |= {letter.message_id for letter in letters}
        return {letter.message_id: SENT for letter in letters}

    def close(self) -> None:
        """Nothing stays open."""

    def _append(self, file: BinaryIO, letters: Sequence[Letter]) -> None:
        end = self._catch_up(file)
        header = [] if end else [COLUMNS]
        new = [letter for letter in letters if letter.message_id not in self._known]
        content = lines([*header, *(_fields(letter) for letter in new)])
        try:
            written = file.write(content)
            if written != len(content):
                raise OSError(None, "the disk took only a part")
            os.fsync(file.fileno())
        except OSError:
            file.truncate(end)
            raise
        self._read_to = end + len(content)

    def _catch_up(self, file: BinaryIO) -> int:
        """Learn the ids that stand in the file, cut off a torn line, and say where it ends."""
        size = os.fstat(file.fileno()).st_size
        if size < self._read_to:  # somebody began the file anew
            self._known, self._read_to = set(), 0
        file.seek(self._read_to)
        added = file.read()
        whole = added.rfind(b"\n") + 1
        if whole < len(added):
            file.truncate(self._read_to + whole)
        records = csv.reader(io.StringIO(added[:whole].decode(errors="replace"), newline=""))
        self._known |= {record[0] for record in records if record}
        self._read_to += whole
        return self._read_to


def lines(records: Sequence[Sequence[str]]) -> bytes:
    """The records as CSV."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(records)
    return text.getvalue().encode()


def _fields(letter: Letter) -> tuple[str, ...]:
    fields = (letter.message_id, letter.customer_id, letter.action, letter.channel, letter.payload)
    return tuple(" ".join(field.splitlines()) for field in fields)
