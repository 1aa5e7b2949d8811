"""Who was erased, for `pull`: keyed hashes in `data/external/erased.json`, which DVC sees as a dependency.

The database says who; the file keeps it where the database is lost. Names only ever come in.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from features.errors import ServingError
from serving.inbox.marking import offered
from serving.outbox.person import HOLDOUT_KEY, holdout_key, key_mark


def erased_file(home: Path) -> Path:
    """The file whose content changes when somebody was erased."""
    return home / "data" / "external" / "erased.json"


def read_erased(home: Path) -> frozenset[str]:
    """The persons in the file; raises ServingError when it cannot be read or was made with another key."""
    file = erased_file(home)
    if not file.exists():
        return frozenset()
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        mark, persons = str(told["key_mark"]), frozenset(map(str, told["persons"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ServingError(f"{file} cannot be read, so nobody knows who was erased. Restore it.") from error
    if mark != key_mark(holdout_key()):
        raise ServingError(
            f"{file} was made with another ${HOLDOUT_KEY}, so nobody in it would be known. Set that one."
        )
    return persons


def write_erased(home: Path, persons: Iterable[str]) -> frozenset[str]:
    """Add them to the file, if it lacks any; returns all in it."""
    file, before = erased_file(home), read_erased(home)
    every = before | set(persons)
    if every != before:
        file.parent.mkdir(parents=True, exist_ok=True)
        aside = file.with_name(f".{file.name}.{os.getpid()}.tmp")  # a name .dvcignore leaves out
        content = {"key_mark": key_mark(holdout_key()), "persons": sorted(every)}
        aside.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        aside.replace(file)
    return every


def offer_erased(home: Path, persons: Iterable[str]) -> bool:
    """Add them unless a pull runs or ran just now; the caller asks again later. True when they stand there."""
    return offered(home, lambda: write_erased(home, persons))
