"""The lines of the benchmark: one JSON object each, the same keys as every script in `benchmarks/`."""

from __future__ import annotations

import json

from benchmarks.feature_peers.apart import CORES, Run
from benchmarks.feature_peers.shop import EVENTS_PER_ORDER, Shop


def say(
    name: str,
    ours: float,
    peer: tuple[str, float],
    target: str | None,
    holds: bool | None,
    *,
    unit: str = "s",
    context: dict[str, object],
) -> None:
    """Print one line; `ratio` above 1 is better than the peer, `holds` null where nothing was promised."""
    who, theirs = peer
    line = {
        "name": name,
        "ours": _rounded(ours),
        "peer": who,
        "theirs": _rounded(theirs),
        "unit": unit,
        "ratio": _rounded(theirs / ours),
        "target": target,
        "holds": holds,
        **context,
        "cores": CORES,
    }
    print(json.dumps(line), flush=True)


def skip(name: str, reason: str) -> None:
    """Say aloud that a line is missing, and why."""
    print(json.dumps({"name": name, "skipped": reason}), flush=True)


def size_of(shop: Shop) -> dict[str, object]:
    """How large the shop of a line is."""
    return {"events": shop.events, "orders": shop.events // EVENTS_PER_ORDER, "customers": shop.customers}


def spread(ours: Run, theirs: Run) -> dict[str, object]:
    """Every run behind a line's two medians, and the memory of both."""
    return {
        "peak_mb": round(ours.peak_mb),
        "peer_peak_mb": round(theirs.peak_mb),
        "runs": [round(seconds, 2) for seconds in ours.all_seconds],
        "peer_runs": [round(seconds, 2) for seconds in theirs.all_seconds],
    }


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
