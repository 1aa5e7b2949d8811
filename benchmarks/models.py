"""Churn models out of time against every single method, on real and simulated shops; one JSON object per line.

btyd         known parameters found again by maximum likelihood, and in how many seconds
settings     Online Retail II, four settings of horizon and population
shops        simulated shops with a known process; the last two were written down after every choice was made
calibration  what a calibration on the latest closed horizon would do, as a whole or by segment
ceiling      the demo shop with 5,000 and 20,000 customers beside what many more teach, and the oracle; what each family
             of features closes of the way there

In each, the test cutoff is looked at once: choices and fits see only what was known by then. Intervals are by customer.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Print the lines of the parts asked for."""
    sys.path.insert(0, str(ROOT))
    from benchmarks.model_parts import btyd, calibration, ceiling, settings, shops
    from benchmarks.model_parts.judge import Bench
    from benchmarks.model_parts.lines import printed

    parts = {part.__name__.rpartition(".")[2]: part.lines for part in (btyd, settings, shops, calibration, ceiling)}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"any of {', '.join(parts)}; none: all of them")
    parser.add_argument("--quick", action="store_true", help="small sizes, one setting, one shop: ends within a minute")
    parser.add_argument("--customers", type=int, default=100_000, help="that teach the ceiling (default 100,000)")
    parser.add_argument("--history", type=Path, help="a folder where pull, check and featurize have made that shop")
    parser.add_argument("--shop", action="append", default=[], help="only this simulated shop, by name")
    parser.add_argument("--markdown", action="store_true", help="the same as Markdown tables, for docs/models.md")
    asked = parser.parse_args()
    unknown = sorted(set(asked.parts) - set(parts))
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}; choose from {', '.join(parts)}")
    bench = Bench.of(ROOT / "params.yaml", asked.quick, asked.customers, asked.history, tuple(asked.shop))
    for part in asked.parts or parts:
        printed(parts[part](bench), asked.markdown)


if __name__ == "__main__":
    main()
