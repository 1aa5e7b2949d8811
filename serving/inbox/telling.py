"""Commands that decide and send tell the pipeline, as the endpoint does: the next `dvc repro` pulls what they did."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.engine import Engine

from features.errors import RekindleError
from serving.inbox.inbox import Inbox
from serving.inbox.marking import QUIET_SECONDS, mark_file, offer_mark

EVERY_SECONDS = 5.0
_LOG = logging.getLogger(__name__)


@contextmanager
def telling(engine: Engine, home: Path) -> Iterator[None]:
    """Move the mark now and then while the block runs, and once more when it ends."""
    done = threading.Event()
    teller = threading.Thread(target=_now_and_then, args=(engine, home, done), daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()
        tell(engine, home)


def tell(engine: Engine, home: Path, patience_seconds: float = 2.0 * QUIET_SECONDS) -> bool:
    """Move the mark, waiting a while for a pull that runs or ran just now; True when it stands."""
    if not mark_file(home).parent.is_dir():
        return False
    until = time.monotonic() + patience_seconds
    while not _told(engine, home):
        if time.monotonic() >= until:
            _LOG.warning("a pull is running: the pipeline learns of this with the next command or touch")
            return False
        time.sleep(0.2)
    return True


def _now_and_then(engine: Engine, home: Path, done: threading.Event) -> None:
    while not done.wait(EVERY_SECONDS):
        _told(engine, home)


def _told(engine: Engine, home: Path) -> bool:
    try:
        return offer_mark(home, Inbox(engine).mark())
    except (OSError, RekindleError) as error:
        _LOG.warning("the pipeline is not told: %s", error)
        return False
