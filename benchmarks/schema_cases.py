"""Schemathesis makes up requests from the running service's own OpenAPI, right and wrong ones; none may get a 5xx.

Every check of Schemathesis runs (statuses, media types, headers and shapes as described, methods refused with Allow),
but `positive_data_acceptance`: no schema can say that ids must differ or that a time must be a real one. And a wrong
row for `/v1/events` is refused inside of a 200, so that it does not keep the others out.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.serving_peers.server import running

ROOT = Path(__file__).resolve().parents[1]
CONFIG = """[checks]
positive_data_acceptance.enabled = false

[[operations]]
include-name = "POST /v1/events"
checks.negative_data_rejection.enabled = false
"""
OPERATIONS = 5  # that take a body or an id; the probes have one case each
HELD = ("params.yaml", "data/champion", "data/serving.db")
_MADE, _FAILURES = re.compile(r"(\d+) generated"), re.compile(r"❌ (ST\d+ .*): (\d+)")


@dataclass(frozen=True)
class Outcome:
    """How many requests were made up, and how often which check failed."""

    cases: int
    failures: dict[str, int]
    text: str


def run_cases(url: str, examples: int, phases: str, seed: int, key: str = "") -> Outcome:
    """One run of Schemathesis; `examples` is the most per operation. Raises RuntimeError when it made no case."""
    options = ["--no-color", "--continue-on-failure", "--no-shrink"]
    sizes = ["--max-examples", str(examples), "--phases", phases, "--seed", str(seed)]
    shown = ["--header", f"Authorization: Bearer {key}"] if key else []
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", f"{url}/openapi.json"]
    with tempfile.TemporaryDirectory() as folder:  # where it keeps the examples it has seen
        (Path(folder) / "schemathesis.toml").write_text(CONFIG, encoding="utf-8")
        ran = subprocess.run(
            [*command, *options, *sizes, *shown], cwd=folder, capture_output=True, text=True, check=False
        )
    made = _MADE.search(ran.stdout)
    if made is None:
        raise RuntimeError(ran.stdout + ran.stderr)
    return Outcome(int(made[1]), {name: int(count) for name, count in _FAILURES.findall(ran.stdout)}, ran.stdout)


@contextmanager
def served() -> Iterator[str]:
    """The service on a copy of what the last run left; raises FileNotFoundError before there was one."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for name in HELD:
            (home / name).parent.mkdir(exist_ok=True)
            copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
            copy(ROOT / name, home / name)
        with running(["-m", "serving.run", "--port", "{port}"], home, "/readyz") as server:
            yield server.url


def main(arguments: list[str]) -> None:
    """Print one JSON line; `ours` is the number of requests answered with a 5xx or not as described."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a few hundred cases")
    parser.add_argument("--cases", type=int, default=10_000, help="at least so many")
    parser.add_argument("--url", help="a service that runs already, with events you can spare")
    options = parser.parse_args(arguments)
    wanted = 300 if options.quick else options.cases
    started, cases, failures, seed = time.perf_counter(), 0, dict[str, int](), 0
    with served() if options.url is None else _given(options.url) as url:
        while cases < wanted:
            seed += 1
            phases = "examples,coverage,fuzzing" if seed == 1 and not options.quick else "fuzzing"
            found = run_cases(url, max((wanted - cases) // OPERATIONS, 20), phases, seed)
            cases += found.cases
            failures |= {name: failures.get(name, 0) + count for name, count in found.failures.items()}
            if found.failures:
                print(found.text, file=sys.stderr)
    line = {"name": "requests made up from the OpenAPI", "ours": sum(failures.values()), "unit": "failed checks"}
    line |= {"target": 0, "holds": not failures, "cases": cases, "failures": failures}
    print(json.dumps({**line, "seconds": round(time.perf_counter() - started, 1), "cores": os.cpu_count()}))


@contextmanager
def _given(url: str) -> Iterator[str]:
    yield url.rstrip("/")


if __name__ == "__main__":
    main(sys.argv[1:])
