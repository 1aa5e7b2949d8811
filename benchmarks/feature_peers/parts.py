"""The parts of the benchmark by name: the floor, the peers, one customer in a request, a night, growth."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from benchmarks.feature_peers.apart import run_apart
from benchmarks.feature_peers.bench import Bench
from benchmarks.feature_peers.lines import say, size_of, skip, spread
from benchmarks.feature_peers.nightly import a_night
from benchmarks.feature_peers.peers import PEERS, peers
from benchmarks.feature_peers.scale import Point, extrapolated, has_room, measured
from benchmarks.feature_peers.shop import NIGHT_SHARE, Shop
from benchmarks.feature_peers.spec import REQUEST_EVENTS

MOST_FLOORS, MOST_FLOOR_MB = 4.0, 4096
MOST_REQUEST_MS = 2.0
MOST_NIGHT_SHARE = 0.25
MOST_GROWTH, MOST_SCALE_MB = 11.0, 8192
MOST_GIANT_TIMES = 3.0


def floor(bench: Bench) -> None:
    """All columns, against DuckDB reading and sorting the same rows."""
    shop, project = bench.shop("main")
    clean, tiny, times = project / "data/clean", bench.tiny, bench.sizes.times
    theirs = run_apart("in_duckdb:sorted_rows", clean, warm=(tiny / "data/clean",), times=times)
    ours = run_apart("engine:rebuild", project, warm=(tiny,), times=times)
    holds = ours.seconds <= MOST_FLOORS * theirs.seconds and ours.peak_mb <= MOST_FLOOR_MB
    say(
        "features_floor",
        ours.seconds,
        ("floor: DuckDB reads and sorts the same rows by customer and time", theirs.seconds),
        f"at most {MOST_FLOORS:g} floors and {MOST_FLOOR_MB} MB",
        holds,
        context={
            **size_of(shop),
            **{name: ours.facts[name] for name in ("rows", "columns")},
            "cutoffs": len(shop.cutoffs_us),
            **spread(ours, theirs),
        },
    )


def customer(bench: Bench) -> None:
    """All columns of one customer in a request."""
    run = run_apart("customer:measured", bench.sizes.requests, warm=(20,))
    found = run.facts
    say(
        "features_customer",
        found["median_ms"],
        ("floor: json reads the same rows", found["json_ms"]),
        f"median at most {MOST_REQUEST_MS:g} ms, without pandas",
        found["median_ms"] <= MOST_REQUEST_MS,
        unit="ms",
        context={
            **{name: round(found[name], 3) for name in ("p99_ms", "log_ms", "snapshot_ms")},
            "rows": 1,
            "events": REQUEST_EVENTS,
            "customers": bench.sizes.requests,
            "columns": found["columns"],
            "peak_mb": round(run.peak_mb),
        },
    )


def nightly(bench: Bench) -> None:
    """One more day with yesterday's log in place: on a usual night, and on one when a cutoff closes."""
    for name, yesterday in bench.sizes.nights.items():
        with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
            night = a_night(Path(folder), yesterday, bench.tiny, bench.sizes.times)
        ours, theirs = night.nightly, night.rebuilt
        say(
            f"features_{name}",
            ours.seconds,
            ("full rebuild of the same tables", theirs.seconds),
            f"at most {MOST_NIGHT_SHARE:g} of the rebuild, the same bytes",
            ours.seconds <= MOST_NIGHT_SHARE * theirs.seconds,
            context={
                **size_of(yesterday),
                "new_events": round(yesterday.events * NIGHT_SHARE),
                **{key: ours.facts[key] for key in ("rows", "columns")},
                "same_bytes": True,
                **spread(ours, theirs),
            },
        )


def scale(bench: Bench) -> None:
    """Ten times the events, twice; what that says of a billion; and one customer as large as all others together."""
    points: list[Point] = []
    for shop in bench.sizes.scale:
        if not has_room(bench.folder, shop):
            skip(f"features_scale_{shop.events}", f"not enough disk in {bench.folder}")
            break
        points.append(measured(bench.folder, shop, bench.tiny))
        if len(points) > 1:
            _growth(shop, *points[-2:])
    if len(points) > 1:
        _billion(bench, points)
    _giant(bench)


def _growth(shop: Shop, before: Point, point: Point) -> None:
    grown = point.seconds / before.seconds
    say(
        f"features_scale_{point.events}",
        point.seconds,
        (f"itself at {before.events} events, in proportion", before.seconds * point.events / before.events),
        f"at most {MOST_GROWTH:g} times the time of a tenth, at most {MOST_SCALE_MB} MB",
        grown <= MOST_GROWTH and point.peak_mb <= MOST_SCALE_MB,
        context={**size_of(shop), **_context(point), "times_before": round(grown, 2)},
    )


def _context(point: Point) -> dict[str, object]:
    disk = {name: round(getattr(point.disk, name), 3) for name in ("clean_gb", "store_gb", "result_gb")}
    return {"rows": point.rows, "columns": point.columns, "peak_mb": round(point.peak_mb), **disk}


def _billion(bench: Bench, points: list[Point]) -> None:
    last, beyond = points[-1], extrapolated(points[-2], points[-1])
    say(
        "features_scale_extrapolated",
        beyond.seconds,
        (f"itself at {last.events} events, in proportion", last.seconds * beyond.events / last.events),
        None,
        None,
        context={
            "events": beyond.events,
            "extrapolated_from": [point.events for point in points[-2:]],
            **_context(beyond),
        },
    )
    if bench.picture:
        run_apart("picture:draw", points, beyond, MOST_SCALE_MB, bench.picture)


def _giant(bench: Bench) -> None:
    crowd = bench.sizes.crowd
    joined = replace(crowd, events=2 * crowd.events, giant_share=0.5)
    without, with_giant = (measured(bench.folder, shop, bench.tiny) for shop in (crowd, joined))
    say(
        "features_giant_customer",
        with_giant.seconds,
        (f"the same {crowd.customers} customers without the one who has as many events", without.seconds),
        f"at most {MOST_GIANT_TIMES:g} times as long",
        with_giant.seconds <= MOST_GIANT_TIMES * without.seconds,
        context={**size_of(joined), "giant_events": crowd.events, **_context(with_giant)},
    )


def spark(bench: Bench) -> None:
    """What a cluster costs where one machine would do: the same stage on Spark, two cores each."""
    if find_spec("pyspark") is None or shutil.which("java") is None:
        skip("features_spark", "make spark, and Java 17 or newer")
        return
    shop, project = bench.shop("middle")
    ours = run_apart("engine:rebuild", project, warm=(bench.tiny,), times=bench.sizes.times)
    theirs = run_apart("engine:on_spark", project, warm=(bench.tiny,))
    say(
        "features_spark",
        ours.seconds,
        ("the same stage on Spark, local[2], its session started", theirs.seconds),
        None,
        None,
        context={
            **size_of(shop),
            **{name: ours.facts[name] for name in ("rows", "columns")},
            **spread(ours, theirs),
        },
    )


PARTS: dict[str, Callable[[Bench], None]] = {
    "floor": floor,
    "peers": peers,
    **{peer.name: partial(peers, names=(peer.name,)) for peer in PEERS},
    "customer": customer,
    "nightly": nightly,
    "scale": scale,
    "spark": spark,
}
