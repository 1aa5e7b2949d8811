"""The endpoint beside bare FastAPI, BentoML's documented way and `mlflow models serve`: one model, machine and run.

Every server runs alone, one worker; wrk loads it over 1 and over 32 connections from a process of its own, in rounds.
Of each figure the best round counts, for every server alike: a virtual machine's host takes the processor away at
times, which shows in the tail of whoever runs then. The peers take a row of features and call the trees; ours answers
by row of features, by id, and by a customer's thousand events.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xgboost as xgb

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.serving_peers.bodies import by_events, by_ids
from benchmarks.serving_peers.home import BODIES, Home, ids_of, make_home, rows_of, write_bodies, write_split
from benchmarks.serving_peers.load import Load, load
from benchmarks.serving_peers.server import Server, running
from models.scorer import TREES_UBJ, Scorer
from pipeline import paths

FEW, MANY = 1, 32
ROUNDS = 4
LEAST_TIMES_MLFLOW, LEAST_THROUGHPUT, MOST_TAIL, MOST_READY_S, MOST_WORKER_MB, MOST_BATCH = (
    15.0,
    0.9,
    5.0,
    6.0,
    300,
    1.3,
)


@dataclass(frozen=True)
class Way:
    """A server, and what it is asked."""

    name: str
    command: tuple[str, ...]
    ready: str
    path: str
    bodies: Path
    environment: dict[str, str]


@dataclass(frozen=True)
class Borne:
    """What a way bore: over one connection, over many; how soon it was ready, how large its worker is."""

    few: Load
    many: Load
    ready_seconds: float
    worker_mb: float


def main() -> None:
    """Print one JSON object per line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a small size that ends within a minute or two")
    quick = parser.parse_args().quick
    if shutil.which("wrk") is None:
        sys.exit("benchmarks/serving.py needs wrk, a load generator (Debian: apt-get install wrk).")
    with tempfile.TemporaryDirectory() as folder:
        with redirect_stdout(sys.stderr):
            home = make_home(Path(folder), 1_000 if quick else 5_000)
        borne: dict[str, Borne] = {}
        for way in _ways(home):
            borne[way.name] = _borne(way, home, 1 if quick else 4)
            print(json.dumps(_measured(way.name, borne[way.name])), flush=True)
        for line in _targets(borne):
            print(json.dumps(line), flush=True)
        print(json.dumps(_batch(home, 20_000 if quick else 1_000_000)), flush=True)


def _ways(home: Home) -> Iterator[Way]:
    rows = rows_of(home)
    plain = write_bodies(home.folder / "rows.txt", list(rows))
    ours = ("-m", "serving.run", "--port", "{port}")

    def asked(name: str, bodies: list[object]) -> Way:
        return Way(name, ours, "/readyz", "/v1/score", write_bodies(home.folder / f"{name}.txt", bodies), {})

    by_row = [{"customers": [{"customer_id": f"row{place}", "features": row}]} for place, row in enumerate(rows)]
    yield asked("ours_by_row", list(by_row))
    yield asked("ours_by_id", by_ids(ids_of(home), 1, BODIES))
    yield asked("ours_by_events", [by_events(number) for number in range(BODIES)])
    yield asked("ours_1000_ids", by_ids(ids_of(home), 1_000, 20))
    champion = {"REKINDLE_BENCH_MODEL": str(home.folder / paths.CHAMPION)}
    bare = "benchmarks.serving_peers.bare:app"
    fastapi = ("-m", "uvicorn", bare, "--port", "{port}", "--no-access-log", "--log-level", "warning")
    yield Way("fastapi", fastapi, "/readyz", "/score", plain, champion)
    pyfunc = {"REKINDLE_BENCH_PYFUNC": str(home.pyfunc), "BENTOML_DO_NOT_TRACK": "True"}
    documented = "benchmarks.serving_peers.documented:Documented"
    bento = ("-m", "bentoml", "serve", documented, "--port", "{port}", "--host", "127.0.0.1")
    tables = write_bodies(home.folder / "tables.txt", [{"rows": [row]} for row in rows])
    yield Way("bentoml_documented", bento, "/readyz", "/score", tables, pyfunc)
    mlflow = ("-m", "mlflow", "models", "serve", "-m", str(home.pyfunc), "-p", "{port}", "--env-manager", "local")
    invocations = write_split(home.folder / "split.txt", rows)
    yield Way("mlflow_models_serve", (*mlflow, "-w", "1"), "/ping", "/invocations", invocations, {})


def _borne(way: Way, home: Home, seconds: int) -> Borne:
    with running(list(way.command), home.folder, way.ready, **way.environment) as server:
        load(server.url + way.path, way.bodies, FEW, 2)  # what is loaded at the first request is not a request's time
        few, many = (_asked(way, server, connections, seconds) for connections in (FEW, MANY))
        return Borne(few, many, server.ready_seconds, server.largest_mb)


def _asked(way: Way, server: Server, connections: int, seconds: int) -> Load:
    rounds = [load(server.url + way.path, way.bodies, connections, seconds) for _ in range(ROUNDS)]
    errors = sum(each.errors for each in rounds)
    if errors:
        raise RuntimeError(f"{way.name}: {errors} requests failed over {connections} connections")
    p50, p99 = (min(getattr(each, name) for each in rounds) for name in ("p50_ms", "p99_ms"))
    return Load(max(each.per_second for each in rounds), p50, p99, errors)


def _measured(name: str, borne: Borne) -> dict[str, object]:
    return {
        "name": f"serving_{name}",
        **{f"{key}_{FEW}": round(value, 3) for key, value in vars(borne.few).items()},
        **{f"{key}_{MANY}": round(value, 3) for key, value in vars(borne.many).items()},
        "ready_seconds": round(borne.ready_seconds, 1),
        "worker_mb": round(borne.worker_mb),
    }


def _targets(borne: dict[str, Borne]) -> Iterator[dict[str, object]]:
    row, fastapi, mlflow = borne["ours_by_row"], borne["fastapi"], borne["mlflow_models_serve"]
    yield _compared("p50", row.few.p50_ms, ("bare FastAPI", fastapi.few.p50_ms), "at most the peer's", 1.0)
    yield _compared(
        "throughput", row.many.per_second, ("bare FastAPI", fastapi.many.per_second), "0.9 of the peer's", 0.9, "1/s"
    )
    yield _compared(
        "p50_mlflow", row.few.p50_ms, ("mlflow models serve", mlflow.few.p50_ms), "15 times faster", LEAST_TIMES_MLFLOW
    )
    yield _limit("tail", row.few.p99_ms / row.few.p50_ms, MOST_TAIL, "p50s")
    # Four servers of ours were started, with one command: the soonest, as above.
    ready = min(one.ready_seconds for name, one in borne.items() if name.startswith("ours_"))
    yield _limit("ready", ready, MOST_READY_S, "s")
    yield _limit("worker", row.worker_mb, MOST_WORKER_MB, "MB")


def _compared(
    name: str, ours: float, peer: tuple[str, float], target: str, least: float, unit: str = "ms"
) -> dict[str, object]:
    who, theirs = peer
    ratio = ours / theirs if unit == "1/s" else theirs / ours
    found = {"ours": round(ours, 3), "peer": who, "theirs": round(theirs, 3), "unit": unit, "ratio": round(ratio, 2)}
    return {"name": f"serving_{name}", **found, "target": target, "holds": ratio >= least}


def _limit(name: str, ours: float, most: float, unit: str) -> dict[str, object]:
    found = {"ours": round(ours, 2), "unit": unit, "target": f"at most {most:g} {unit}", "holds": ours <= most}
    return {"name": f"serving_{name}", **found}


def _batch(home: Home, customers: int) -> dict[str, object]:
    """Scoring a matrix of customers, against the raw call of the trees on the same matrix."""
    scorer = Scorer.load(home.folder / paths.CHAMPION, threads=os.cpu_count() or 1)  # as the nightly run has it
    some = np.array([[np.nan if v is None else v for v in row.values()] for row in rows_of(home)])
    matrix = np.tile(some, (-(-customers // len(some)), 1))[:customers]
    booster = xgb.Booster(model_file=bytearray((home.folder / paths.CHAMPION / TREES_UBJ).read_bytes()))
    scorer.churn_probability(matrix[:1_000])
    ours, theirs = np.inf, np.inf
    for _ in range(ROUNDS):
        started = time.perf_counter()
        scorer.churn_probability(matrix)
        between = time.perf_counter()
        booster.inplace_predict(matrix, validate_features=False)
        ours, theirs = min(ours, between - started), min(theirs, time.perf_counter() - between)
    peer = "the raw call of the trees on the same matrix"
    found = {"ours": round(ours, 2), "peer": peer, "theirs": round(theirs, 2), "unit": "s", "rows": customers}
    target = {"ratio": round(theirs / ours, 2), "target": "at most 1.3 times the raw call"}
    return {"name": "serving_batch", **found, **target, "holds": ours <= MOST_BATCH * theirs}


if __name__ == "__main__":
    main()
