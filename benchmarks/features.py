"""The as-of engine against its floor, its peers and its own growth: speed, scale, nights, and one customer.

Data is generated, seeded, in a temporary folder. Every part runs in a process of its own on two cores; every way is
timed from clean Parquet to a Parquet result, and no ratio is printed before both gave the same numbers.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
USUAL = ("floor", "peers", "customer", "nightly", "scale")


def main() -> None:
    """Print one JSON object per line of the parts asked for."""
    sys.path.insert(0, str(ROOT))
    # Here and not above: every process that the benchmark starts reads this file again.
    from benchmarks.feature_peers.bench import FULL, QUICK, Bench
    from benchmarks.feature_peers.parts import PARTS

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="part", help=f"any of {', '.join(PARTS)}; none: all of them")
    parser.add_argument("--quick", action="store_true", help="a small size that ends within a minute")
    parser.add_argument("--folder", type=Path, help="where the data goes while it runs; the system's own if not given")
    asked = parser.parse_args()
    unknown = sorted(set(asked.parts) - set(PARTS))
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}; choose from {', '.join(PARTS)}")
    if asked.quick:
        print("a small size, to see that all runs: the targets are those of the full size", file=sys.stderr)
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        bench = Bench(
            Path(folder), QUICK if asked.quick else FULL, None if asked.quick else ROOT / "docs/pictures/scale.png"
        )
        for part in asked.parts or USUAL:
            PARTS[part](bench)


if __name__ == "__main__":
    main()
