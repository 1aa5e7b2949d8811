"""Yesterday's history, kept when nothing in it can have changed: cutoffs lie on a fixed grid, and facts on one clock.

A row of history and its label see nothing known at or after the last cutoff's horizon. So the file is still right when
the same code looks at the same cutoffs, the store went on from what it held, and nothing new was known before that end.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from importlib import import_module
from pathlib import Path

import numpy as np

import features
import pipeline.featurizing
from features.asof import Settings
from features.block import Calendar
from features.log import DAY_US
from pipeline.featurizing.output import Written
from pipeline.featurizing.store import Store
from pipeline.files import write_json


class Kept:
    """The history file of an earlier run and its leakage proof; `history` is None when it must be computed anew."""

    def __init__(self, store: Store, when: Calendar, settings: Settings) -> None:
        self._file, self._note = store.home / "history.parquet", store.home / "history.json"
        self._until = when.cutoffs_us[-1] + settings.horizon_days * DAY_US
        self._key = {
            "blocks": store.blocks,
            "cutoffs": list(when.cutoffs_us),
            "settings": [str(part) for part in (settings.horizon_days, settings.active_days, settings.half_lives_days)],
            "absent": sorted(settings.absent | settings.left_out),
            "code": code_digest(settings.extra),
        }
        late = store.first_new_us is not None and store.first_new_us < self._until
        self.proven: dict[str, object] = {}
        self.history = None if late else self._read()

    def link(self, path: Path) -> None:
        """Put yesterday's file at `path`."""
        _link(self._file, path)

    def keep(self, path: Path, written: Written, proven: dict[str, object]) -> None:
        """Remember this file, and what the leakage proof said of it, for tomorrow."""
        if self.history is None:
            self._file.unlink(missing_ok=True)
            _link(path, self._file)
        stamp = self._file.stat()
        write_json(
            self._note,
            {
                "key": self._key,
                "file": [stamp.st_size, stamp.st_mtime_ns],
                "proven": proven,
                "rows": written.rows,
                "rows_at": {str(moment): count for moment, count in written.rows_at.items()},
                "empty": dict(written.empty),
            },
        )

    def _read(self) -> Written | None:
        if not self._note.exists() or not self._file.exists():
            return None
        note, stamp = json.loads(self._note.read_text()), self._file.stat()
        # Edited in place, through the link that both names share, it is not what was kept.
        if note["key"] != self._key or note["file"] != [stamp.st_size, stamp.st_mtime_ns]:
            return None
        self.proven = note["proven"]
        rows_at = Counter({int(moment): int(count) for moment, count in note["rows_at"].items()})
        return Written(int(note["rows"]), rows_at, Counter(note["empty"]))


def code_digest(extra: tuple[str, ...]) -> str:
    """A digest of everything that turns events into features."""
    folders = [Path(str(package.__file__)).parent for package in (features, pipeline.featurizing)]
    files = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    files += [Path(str(import_module(name).__file__)) for name in extra]
    digest = hashlib.blake2b(np.__version__.encode())
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copyfile(source, target)
