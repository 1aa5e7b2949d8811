"""Peak memory of training on a history larger than memory: 5 M rows x 80 columns within 8 GB.

`big_training_trees` fits trees on every row of the Parquet file, from pages on disk; its peer reads the same rows into
memory first, as everyone does. `big_training_stage` is the whole stage `train` with every candidate on such a history.
Memory does not depend on how many trees, origins and trials there are, so there are few (`--rounds` for other times).
Peak is VmHWM of a process of its own, imports and all.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import chdir, redirect_stdout
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import xgboost as xgb

sys.path.insert(0, str(Path(__file__).parents[1]))
from models.batches import trees_from_disk
from models.boosting import THREADS, booster_of, constant
from models.history import iso
from pipeline import paths
from pipeline.files import write_json, write_table
from pipeline.history_rows import Part
from pipeline.params import Tuning, load_params
from pipeline.train import train

ROOT = Path(__file__).parents[1]
COLUMNS, CUTOFFS, HORIZON_DAYS = 80, 12, 90
KNOWN = ("days_since_last_order", "tenure_days", "orders_ever", "btyd_x", "btyd_t_x", "btyd_T")
NAMES = [*KNOWN, *(f"feature_{number:02d}" for number in range(COLUMNS - len(KNOWN)))]
GIGABYTE = 1024**3
MOST_GIGABYTES = 8.0
ROUNDS = 20


def main() -> None:
    """Print one JSON object per claim."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small size that ends within a minute")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="trees to fit")
    asked = parser.parse_args()
    rows, in_memory = (60_000, 20_000) if asked.quick else (5_000_000, 1_000_000)
    context = {"rows": rows, "columns": COLUMNS, "rounds": asked.rounds, "cores": os.cpu_count()}
    with tempfile.TemporaryDirectory(prefix="rekindle-big-") as folder:
        apart(write_shop, folder, rows)
        say("big_training_trees", apart(from_disk, folder, asked.rounds), peer(folder, rows, asked.rounds), context)
        ours = apart(stage, folder, asked.rounds, in_memory)
        say("big_training_stage", ours, None, {**context, "rows_in_memory": in_memory})


def apart(work: Callable[..., None], folder: str, *arguments: object) -> dict[str, float]:
    """Seconds and peak bytes of some work in a process of its own."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as own:
        return own.submit(measured, work, folder, *arguments).result()


def measured(work: Callable[..., None], folder: str, *arguments: object) -> dict[str, float]:
    """Runs inside that process; what the stage says goes to stderr."""
    started = time.perf_counter()
    with chdir(folder), redirect_stdout(sys.stderr):
        work(*arguments)
    peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return {"seconds": time.perf_counter() - started, "peak_bytes": 1024 * int(peak.split()[1])}


def peer(folder: str, rows: int, rounds: int) -> dict[str, float] | None:
    """The fit in memory, unless this machine has not got it."""
    wanted = 5 * rows * COLUMNS * 8
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return apart(from_memory, folder, rounds) if free > wanted else None


def say(name: str, ours: dict[str, float], theirs: dict[str, float] | None, context: dict[str, object]) -> None:
    """One line of the benchmark: peak memory, with the seconds beside it."""
    gigabytes = ours["peak_bytes"] / GIGABYTE
    line: dict[str, object] = {
        "name": name,
        "ours": round(gigabytes, 2),
        "unit": "GB at the peak",
        "target": f"at most {MOST_GIGABYTES:g} GB",
        "holds": gigabytes <= MOST_GIGABYTES,
        "seconds": round(ours["seconds"], 1),
        **dict.fromkeys(("peer", "theirs", "ratio", "seconds_of_peer")),
        **context,
    }
    if theirs is not None:
        others = theirs["peak_bytes"] / GIGABYTE
        line |= {"peer": "all rows read into memory", "theirs": round(others, 2), "ratio": round(others / gigabytes, 2)}
        line |= {"seconds_of_peer": round(theirs["seconds"], 1)}
    print(json.dumps(line), flush=True)


def from_disk(rounds: int) -> None:
    """Trees on all rows, a page of them in memory at a time."""
    trees_from_disk(everything().batches, settings(rounds), 7, Path("data"))(trees())


def from_memory(rounds: int) -> None:
    """The same trees by the shortest way: read, convert, fit."""
    table = pd.read_parquet(paths.HISTORY, columns=[*NAMES, "churned"])
    margin = np.full(len(table), 0.2, np.float32)
    values = table[NAMES].to_numpy(np.float32)
    data = xgb.QuantileDMatrix(values, table["churned"].to_numpy(), base_margin=margin, nthread=THREADS)
    booster_of(data, settings(rounds), 7)


def stage(rounds: int, rows_in_memory: int) -> None:
    """The stage `train` with every candidate."""
    params = load_params(ROOT / "params.yaml")
    few = {"rounds": rounds}
    changes = {
        "rows_in_memory": rows_in_memory,
        "origins": 1,
        "tuning": Tuning(trials=0, minutes=None, rows=None),
        "xgboost": params.train.xgboost.model_copy(update=few),
        **{name: trees.model_copy(update=few) for name, trees in params.train.own_trees.items()},
    }
    train(params.model_copy(update={"train": params.train.model_copy(update=changes)}))


def settings(rounds: int) -> dict[str, float]:
    """Those of the project, but for the number of trees."""
    return load_params(ROOT / "params.yaml").train.xgboost.model_dump() | {"rounds": rounds}


def everything() -> Part:
    """Every row of the history."""
    return Part(paths.HISTORY, [iso(moment) for moment in cutoffs()])


def trees() -> dict[str, object]:
    """What is to be fitted: every column, on top of one log odds for everyone."""
    return {"kind": "trees", "columns": NAMES, "base": constant(0.2)}


def cutoffs() -> np.ndarray:
    """Monthly."""
    return np.datetime64("2024-01-01", "us") + np.arange(CUTOFFS) * np.timedelta64(30, "D")


def write_shop(rows: int) -> None:
    """History, today's rows and catalogue of an invented shop; a third of the made-up columns is often empty."""
    size = rows // CUTOFFS
    paths.HISTORY.parent.mkdir(parents=True)
    groups = history_groups(size)
    first = next(groups)
    with pq.ParquetWriter(paths.HISTORY, first.schema, compression="zstd") as writer:
        for group in itertools.chain([first], groups):
            writer.write_table(group)
    write_table(paths.CURRENT, first.drop_columns(["cutoff", "churned"]))
    about = {"horizon_days": HORIZON_DAYS, "active_days": None, "half_lives_days": [14, 60], "absent": []}
    write_json(paths.CATALOGUE, about | {"columns": [{"name": name} for name in NAMES]})


def history_groups(size: int, customers_at_once: int = 5_000) -> Iterator[pa.Table]:
    """Row groups of some customers at every cutoff, as `featurize` writes them."""
    for number, first in enumerate(range(0, size, customers_at_once)):
        draw = np.random.default_rng([7, number])
        ids = np.repeat(
            [f"c{customer:08d}" for customer in range(first, min(first + customers_at_once, size))], CUTOFFS
        )
        yield pa.table({"customer_id": ids, "cutoff": moments(len(ids)), **rows_of(draw, len(ids))})


def moments(count: int) -> pa.Array:
    """The cutoffs, over and over."""
    return pa.array(np.tile(cutoffs(), count // CUTOFFS), pa.timestamp("us", tz="UTC"))


def rows_of(draw: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """Features and a label that hangs on silence, orders and some of the others."""
    tenure = np.round(draw.uniform(1, 900, count))
    silence = np.minimum(np.round(draw.exponential(80, count)), tenure)
    repeats = np.where(silence < tenure, draw.poisson(3.0, count), 0).astype(float)
    until = np.where(repeats > 0, tenure - silence, 0.0)
    columns = dict(zip(KNOWN, (silence, tenure, repeats + 1, repeats, until, tenure), strict=True))
    others = np.round(draw.normal(size=(count, COLUMNS - len(KNOWN))) * 100) / 10
    others[:, ::3][draw.uniform(size=others[:, ::3].shape) < 0.4] = np.nan
    columns |= {name: others[:, place] for place, name in enumerate(NAMES[len(KNOWN) :])}
    signal = silence / 60 - repeats / 3 + np.nan_to_num(others[:, :4]).sum(axis=1) / 20
    churned = draw.uniform(size=count) < 1 / (1 + np.exp(-signal))
    return columns | {"churned": churned.astype(np.int8)}


if __name__ == "__main__":
    main()
