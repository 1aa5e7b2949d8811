"""Time and peak memory of simulating the demo shop; the floor is pyarrow writing the same tables, already drawn."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from pathlib import Path

import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parents[1]))
from pipeline.params import DemoShop
from pipeline.sources.demo import pull_demo

YEARS = 3
GIGABYTE = 1024**3
# customers: most seconds, most gigabytes
TARGETS = {2_000: (5.0, 2.0), 20_000: (10.0, 2.0), 1_000_000: (600.0, 8.0)}


def simulated(customers: int, folder: str) -> dict[str, float]:
    """Seconds, rows and peak bytes of one simulation in a process of its own."""
    demo = DemoShop(seed=7, customers=customers, years=YEARS, end="2026-01-01")
    started = time.perf_counter()
    with redirect_stdout(sys.stderr):
        rows = pull_demo(demo, Path(folder) / "raw", Path(folder) / "truth")
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"seconds": seconds, "rows": sum(rows.values()), "peak_bytes": peak}


def rewritten(folder: str) -> float:
    """Seconds to write every table again, reading not counted."""
    seconds = 0.0
    for path in sorted(Path(folder).rglob("*.parquet")):
        source = pq.ParquetFile(path)
        with pq.ParquetWriter(Path(folder) / "again", source.schema_arrow, compression="zstd") as writer:
            for group in range(source.num_row_groups):
                table = source.read_row_group(group)
                started = time.perf_counter()
                writer.write_table(table)
                seconds += time.perf_counter() - started
    return seconds


def measured(customers: int) -> dict[str, object]:
    """One line of the benchmark."""
    most_seconds, most_gigabytes = TARGETS[customers]
    with tempfile.TemporaryDirectory() as folder:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as own:
            ours = own.submit(simulated, customers, folder).result()
        floor = rewritten(folder)
    gigabytes = ours["peak_bytes"] / GIGABYTE
    return {
        "name": f"demo_shop_{customers}",
        "ours": round(ours["seconds"], 2),
        "peer": "floor: pyarrow writes the same tables",
        "theirs": round(floor, 2),
        "unit": "s",
        "ratio": round(floor / ours["seconds"], 3),
        "target": f"at most {most_seconds:g} s and {most_gigabytes:g} GB",
        "holds": ours["seconds"] <= most_seconds and gigabytes <= most_gigabytes,
        "peak_gb": round(gigabytes, 2),
        "customers": customers,
        "years": YEARS,
        "rows": int(ours["rows"]),
        "cores": os.cpu_count(),
    }


def main() -> None:
    """Print one JSON object per size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small size that ends within a minute")
    sizes = (2_000,) if parser.parse_args().quick else (20_000, 1_000_000)
    for customers in sizes:
        print(json.dumps(measured(customers)), flush=True)


if __name__ == "__main__":
    main()
