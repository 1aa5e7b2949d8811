"""A project folder for the stage `featurize`: its params, its store, and what it wrote."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import yaml

from benchmarks.feature_peers.shop import CUTOFFS, EVERY_DAYS, HORIZON_DAYS
from pipeline.paths import CURRENT, HISTORY, QUALITY

STORE, FEATURES = Path("data/store"), HISTORY.parent
_PARAMS = Path(__file__).parents[2] / "params.yaml"


def make_project(project: Path) -> None:
    """Write the params (the repository's own, but for the calendar and population) and an empty quality report."""
    tree = yaml.safe_load(_PARAMS.read_text(encoding="utf-8"))
    tree["snapshots"] |= {"horizon_days": HORIZON_DAYS, "every_days": EVERY_DAYS, "max_cutoffs": CUTOFFS}
    tree["snapshots"] |= {"active_days": None, "as_of": None, "test_cutoff": None}
    tree["features"] |= {"engine": "local", "extra": []}
    (project / QUALITY).parent.mkdir(parents=True, exist_ok=True)
    (project / QUALITY).write_text("{}")
    (project / "params.yaml").write_text(yaml.safe_dump(tree))


def forget(project: Path) -> None:
    """Remove the store and the features."""
    for folder in (STORE, FEATURES):
        shutil.rmtree(project / folder, ignore_errors=True)


def go_back(project: Path, store: Path) -> None:
    """Put a kept store in place; the features go, as `dvc repro` removes them before every run."""
    forget(project)
    if store.exists():  # an engine may have nothing to keep
        shutil.copytree(store, project / STORE)


def fingerprint(project: Path) -> dict[str, str]:
    """SHA-256 of the two feature files."""
    digests = {}
    for path in (HISTORY, CURRENT):
        with (project / path).open("rb") as file:
            digests[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests


def size_bytes(*folders: Path) -> int:
    """Bytes of all files in some folders; a file with two names counts once."""
    stats = [path.stat() for folder in folders for path in folder.rglob("*") if path.is_file()]
    return sum({stat.st_ino: stat.st_size for stat in stats}.values())
