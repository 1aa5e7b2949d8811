"""How large a run of the benchmark is and where it keeps its shops."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from benchmarks.feature_peers.apart import Run, run_apart
from benchmarks.feature_peers.ours import LEFT
from benchmarks.feature_peers.project import make_project
from benchmarks.feature_peers.shop import Shop, usual

CUTOFF_CLOSES_DAYS = 716  # one day more, and a cutoff of the 30-day grid has its whole horizon behind it


@dataclass(frozen=True)
class Sizes:
    """What is measured how large."""

    main: Shop
    middle: Shop
    small: Shop
    scale: tuple[Shop, ...]
    nights: dict[str, Shop]
    crowd: Shop
    requests: int
    times: int


FULL = Sizes(
    main=usual(20_000_000),
    middle=usual(5_000_000),
    small=usual(100_000),  # a thousand customers: Featuretools takes a minute, and our fixed costs weigh little
    scale=(usual(2_000_000), usual(20_000_000), usual(200_000_000)),
    nights={
        "night": usual(20_000_000),
        "night_a_cutoff_closes": replace(usual(20_000_000), days=CUTOFF_CLOSES_DAYS),
    },
    crowd=usual(1_000_000),
    requests=500,
    times=3,
)
QUICK = Sizes(
    main=usual(200_000),
    middle=usual(200_000),
    small=usual(2_000),
    scale=(usual(100_000), usual(1_000_000)),
    nights={"night": usual(200_000)},
    crowd=usual(50_000),
    requests=100,
    times=1,
)


@dataclass(frozen=True)
class Bench:
    """Where and how large this run of the benchmark is."""

    folder: Path
    sizes: Sizes
    picture: Path | None

    def shop(self, name: str) -> tuple[Shop, Path]:
        """A shop by the name of its size, and its project; made when first asked for."""
        shop: Shop = getattr(self.sizes, name)
        return shop, self.made(shop)

    def made(self, shop: Shop) -> Path:
        """The project of a shop, made once."""
        project = self.folder / f"shop_{shop.events}"
        if not project.exists():
            make_project(project)
            run_apart("shop:write_shop", project / "data/clean", shop)
        return project

    @cached_property
    def tiny(self) -> Path:
        """A project to warm up on."""
        return self.made(usual(2_000))

    def thirty(self, way: str, project: Path, shop: Shop) -> tuple[Run, Path]:
        """Runs of one way to the thirty columns, and its result."""
        result = project / f"{way.replace(':', '_')}.parquet"
        warm = (self.tiny / "data/clean", usual(2_000).cutoffs_us, self.folder / "warm.parquet")
        asked = (project / "data/clean", shop.cutoffs_us, result)
        run = run_apart(way, *asked, warm=warm, times=self.sizes.times)
        for left in (*project.glob(f"{LEFT}*"), *self.folder.glob(f"{LEFT}*")):
            shutil.rmtree(left)
        return run, result
