"""`python -m pipeline.loop`: six months of the demo shop with the loop, against the same six months without it."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from features.errors import RekindleError
from pipeline.loop.futures import Future
from pipeline.loop.gain import gain
from pipeline.loop.six_months import LOOP, NAMES, ORACLE, RISK, TAUGHT, WITHOUT, Asked, futures
from pipeline.params import load_params

DEFAULT, QUICK = (4_000, 6), (1_000, 2)
ORDER = (WITHOUT, RISK, LOOP, TAUGHT, ORACLE)


def main(arguments: list[str]) -> None:
    """Live the futures and print what each brought; exits 1 on an error the user can solve."""
    options = _parser().parse_args(arguments)
    customers, months = QUICK if options.quick else DEFAULT
    # Two futures at once on two cores: each with one thread.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    started = time.perf_counter()
    try:
        params = load_params()
        asked = Asked(params, options.customers or customers, options.months or months, params.pull.demo.seed)
        with tempfile.TemporaryDirectory(prefix="rekindle-loop-") as scratch:
            found = futures(asked, Path(options.folder or scratch).resolve(), NAMES)
    except RekindleError as error:
        sys.exit(f"loop: {error}")
    print("\n".join(told(asked, found)))
    print(f"loop: {gain(found[LOOP], found[WITHOUT])} a customer ({time.perf_counter() - started:.0f} s)", flush=True)


def told(asked: Asked, found: dict[str, Future]) -> list[str]:
    """The table, one line per future; money per customer, gains with 95 % intervals."""
    without = found[WITHOUT]
    everybody, contacts = len(without.net), asked.nights.params.plan.max_contacts
    head = (
        f"{asked.customers:,} customers and {everybody - asked.customers:,} newcomers, {asked.months} months, at most "
    )
    lines = [f"{head}{contacts:,} contacts a month; net margin per customer, the same luck in every future"]
    lines.append(
        f"{'':18}{'contacts':>9}{'asks':>6}{'to gone':>9}{'left':>6}{'margin':>9}  gain (95 %){'':17}by the truth"
    )
    for name in ORDER:
        future = found[name]
        counts = f"{future.contacts:>9,}{future.asks:>6,}{future.to_the_gone:>9,}"
        line = f"{name:18}{counts}{future.unsubscribed - without.unsubscribed:>6}{future.net.mean():>9.3f}"
        told_gain = "" if name == WITHOUT else f"  {gain(future, without)!s:28}{future.promised / everybody:+.3f}"
        lines.append(line + told_gain)
    return lines


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pipeline.loop", description=__doc__)
    parser.add_argument("--customers", type=int, metavar="N", help=f"of the demo shop at t0 (default {DEFAULT[0]:,})")
    parser.add_argument("--months", type=int, metavar="N", help=f"of 30 days to live through (default {DEFAULT[1]})")
    parser.add_argument("--folder", metavar="PATH", help="work and leave everything there instead of a temporary one")
    parser.add_argument("--quick", action="store_true", help="1,000 customers, two months")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
