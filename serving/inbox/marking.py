"""How DVC learns that something came in: a small file in `data/external/`, which `pull` depends on.

DVC looks at its dependencies after a stage has run. What came in while `pull` was running must not look as if it had
been pulled, so nobody but `pull` moves the mark while it runs, nor in the seconds after, when DVC looks.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from serving.inbox.inbox import Mark

QUIET_SECONDS = 5


def mark_file(home: Path) -> Path:
    """The file whose content changes when something came in."""
    return home / "data" / "external" / "received.json"


def write_mark(home: Path, mark: Mark) -> bool:
    """Write it if it says something else; an inbox that nothing came to or left leaves no mark. True when written."""
    file = mark_file(home)
    runs = {"runs": mark.runs} if mark.runs else {}
    text = json.dumps({"inbox": mark.inbox_id, "last": mark.last} | runs) + "\n"
    if mark.is_empty or (file.exists() and file.read_text(encoding="utf-8") == text):
        return False
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_name(f".{file.name}.{os.getpid()}.tmp")  # a name .dvcignore leaves out
    aside.write_text(text, encoding="utf-8")
    aside.replace(file)
    return True


@contextmanager
def pulling(home: Path) -> Iterator[None]:
    """While `pull` runs, only it moves the mark."""
    with _lock_file(home).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield
        finally:
            os.utime(lock.fileno())


def offer_mark(home: Path, mark: Mark) -> bool:
    """Write the mark unless a pull runs or ran just now; the caller asks again later. True when it stands."""
    return offered(home, lambda: write_mark(home, mark))


def offered(home: Path, write: Callable[[], object]) -> bool:
    """Write what `pull` depends on unless a pull runs or ran just now; True when it was written."""
    if not mark_file(home).parent.is_dir():
        return False  # an endpoint without a pipeline beside it
    file = _lock_file(home)
    if file.exists():
        with file.open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            if time.time() - file.stat().st_mtime < QUIET_SECONDS:
                return False
            write()
            return True
    write()
    return True


def _lock_file(home: Path) -> Path:
    return home / "data" / ".pull.lock"
