"""The thirty columns against every peer; no ratio is printed before both gave the same numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from benchmarks.feature_peers.apart import Run
from benchmarks.feature_peers.bench import Bench
from benchmarks.feature_peers.lines import say, size_of, skip, spread
from benchmarks.feature_peers.same import same_numbers
from benchmarks.feature_peers.shop import Shop
from benchmarks.feature_peers.spec import AGES, COUNTS


@dataclass(frozen=True)
class Peer:
    """A way to the thirty columns; `least` is how many times slower it must be (None: nothing was promised)."""

    name: str
    way: str
    told: str
    shop: str
    least: float | None

    @property
    def package(self) -> str:
        """What must be installed."""
        return self.way.partition(":")[0].removeprefix("in_")


PEERS = (
    Peer("duckdb", "in_duckdb:plain", "DuckDB: join with the cutoffs, counts filtered by interval", "main", 12),
    Peer("duckdb_zoneless", "in_duckdb:zoneless", "DuckDB: the same, times without a zone", "main", None),
    Peer("duckdb_tuned", "in_duckdb:tuned", "DuckDB: integer times, by kind first, then side by side", "main", None),
    Peer("polars", "in_polars:plain", "Polars: a group-by per cutoff", "main", 5),
    Peer("polars_tuned", "in_polars:tuned", "Polars: Enum kinds, a group-by per cutoff and kind", "main", None),
    Peer("pandas", "in_pandas:plain", "pandas: a group-by per cutoff and window", "middle", 9),
    Peer("pandas_tuned", "in_pandas:tuned", "pandas: sorted slices, a dense grid of categories", "middle", None),
    Peer("featuretools", "in_featuretools:plain", "Featuretools: dfs with cutoff times", "small", 100),
)


def peers(bench: Bench, names: tuple[str, ...] = ()) -> None:
    """The thirty columns, against these peers; none named: against all."""
    ours: dict[str, tuple[Run, Path]] = {}
    again: dict[str, tuple[Run, Path]] = {}
    for peer in (peer for peer in PEERS if not names or peer.name in names):
        if find_spec(peer.package) is None:
            skip(f"features_{peer.name}", f"{peer.package} is not installed; pip install -e '.[bench]'")
            continue
        shop, project = bench.shop(peer.shop)
        if peer.shop not in ours:
            ours[peer.shop] = bench.thirty("ours:plain", project, shop)
            bench.thirty("ours:again", project, shop)  # puts the log there
            again[peer.shop] = bench.thirty("ours:again", project, shop)
        theirs = bench.thirty(peer.way, project, shop)
        _against(peer, shop, ours[peer.shop], theirs)
        _against(replace(peer, name=f"{peer.name}_log_in_place", least=None), shop, again[peer.shop], theirs)
        theirs[1].unlink()


def _against(peer: Peer, shop: Shop, ours: tuple[Run, Path], theirs: tuple[Run, Path]) -> None:
    rows = same_numbers(ours[1], theirs[1])
    ratio = theirs[0].seconds / ours[0].seconds
    say(
        f"features_{peer.name}",
        ours[0].seconds,
        (peer.told, theirs[0].seconds),
        f"at least {peer.least:g} times faster" if peer.least else None,
        ratio >= peer.least if peer.least else None,
        context={
            **size_of(shop),
            "rows": rows,
            "columns": len(COUNTS) + len(AGES),
            "cutoffs": len(shop.cutoffs_us),
            "same_numbers": True,
            **spread(ours[0], theirs[0]),
        },
    )
