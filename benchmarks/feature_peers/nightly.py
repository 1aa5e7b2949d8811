"""A night: yesterday's log in place and one more day of events, against a full rebuild of the same tables."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from benchmarks.feature_peers.apart import Run, run_apart
from benchmarks.feature_peers.project import STORE, fingerprint, go_back, make_project
from benchmarks.feature_peers.shop import Shop


class OtherBytesError(Exception):
    """A night's features are not those of the full rebuild."""


@dataclass(frozen=True)
class Night:
    """Both ways' runs on the same tables."""

    nightly: Run
    rebuilt: Run


def a_night(folder: Path, shop: Shop, tiny: Path, times: int) -> Night:
    """Run both ways in a project under `folder`; raises OtherBytesError when they do not write the same bytes."""
    project, yesterday = folder / "project", folder / "yesterday"
    make_project(project)
    run_apart("shop:write_shop", project / "data/clean", shop)
    run_apart("engine:rebuild", project)
    if (project / STORE).exists():
        shutil.copytree(project / STORE, yesterday)
    run_apart("shop:write_shop", project / "data/clean", shop.a_night_later())

    nights, digests = [], []
    for _ in range(times):
        go_back(project, yesterday)
        nights.append(run_apart("engine:run", project, warm=(tiny,)))
        digests.append(fingerprint(project))
    rebuilt = run_apart("engine:rebuild", project, warm=(tiny,), times=times)
    digests.append(fingerprint(project))
    _require_same(digests)
    return Night(_together(nights), rebuilt)


def _together(runs: list[Run]) -> Run:
    seconds = tuple(second for run in runs for second in run.all_seconds)
    return Run(seconds, max(run.peak_mb for run in runs), runs[-1].facts)


def _require_same(digests: list[dict[str, str]]) -> None:
    for name in digests[0]:
        found = {digest[name] for digest in digests}
        if len(found) > 1:
            raise OtherBytesError(f"{name}: the night and the full rebuild wrote other bytes")
