"""How a stage runs from the command line: progress on stdout, user errors without a traceback, exit code 1."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from features.errors import RekindleError
from pipeline.params import Params, load_params


def run_stage(name: str, work: Callable[[Params], str]) -> None:
    """Run `work` on the params and print its one-line result; exits 1 on an error the user can solve."""
    started = time.perf_counter()
    try:
        # One BLAS thread: sums then have one order, so no output's bytes depend on how many cores there are.
        with threadpool_limits(1, user_api="blas"):
            result = work(load_params())
    except RekindleError as error:
        sys.exit(f"{name}: {error}")
    except OSError as error:
        what = f"{error.strerror or error} ({error.filename or 'no file named'})"
        sys.exit(f"{name}: {what}. Free space or mend the path, then run `dvc repro` again.")
    print(f"{name}: {result} ({time.perf_counter() - started:.1f} s)", flush=True)


def progress(text: str) -> None:
    """Say what the stage is doing, with counts."""
    print(f"  {text}", flush=True)
