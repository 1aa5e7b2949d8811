"""Part `shops`: simulated shops, orders only, with a known process.

Everybody buys after gamma gaps in a time that runs faster in season, until an exponential lifetime ends. Shape 1 is a
Poisson buyer, a higher shape a regular one; some leave right after the first order. The oracle knows all of it but the
dice: P(no order) = S(age + rest) / S(age), S the survival of a gap, up to the end of the lifetime.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import gamma

from benchmarks.model_parts.judge import Bench, Judged, Line, against_all, best_brier, featurized, judged, made, rounded
from models.btyd import Floats
from models.history import History
from pipeline.params import Params, Pull

YEAR = 365.0
START = np.datetime64("2023-01-01", "us")
MOST_EXCESS = 0.01


@dataclass(frozen=True)
class Shop:
    """How people buy; days. `before`: for how long the shop had been open when its log began."""

    name: str
    customers: int
    log: float
    before: float
    gap: float
    spread: float  # of gaps between people, standard deviation of the log
    shape: float
    once: float  # share that leaves right after the first order
    lifetime: float
    season: float  # at the peak the shop is busier by this share
    peak: float  # day of the year
    horizon: int
    active: int | None


SHOPS = (
    Shop("grocery", 3_000, 900, 0, 6, 0.6, 1.5, 0.1, 400, 0.1, 350, 30, 180),
    Shop("records, once or twice", 15_000, 900, 365, 150, 1.0, 1.0, 0.55, 500, 0.5, 350, 180, None),
    Shop("business customers", 900, 900, 1000, 40, 0.7, 3.0, 0.05, 1500, 0.2, 290, 90, 365),
    Shop("gifts, log of 18 months", 8_000, 560, 365, 90, 0.8, 1.0, 0.3, 500, 0.7, 345, 90, None),
    # Written down after every choice was made, and run once.
    Shop("pharmacy", 4_000, 1000, 700, 30, 0.7, 2.0, 0.2, 700, 0.15, 30, 60, 365),
    Shop("toys", 8_000, 800, 400, 120, 0.9, 1.0, 0.4, 600, 0.8, 345, 90, None),
)


@dataclass(frozen=True)
class Story:
    """Orders (customer, day since the log began), everybody's own gap, and the day each leaves."""

    shop: Shop
    customer: np.ndarray[tuple[int], np.dtype[np.int64]]
    day: Floats
    gap: Floats
    leaves: Floats


def lines(bench: Bench) -> Iterator[Line]:
    """Every method on every shop, then ours against the best of them."""
    chosen = [shop for shop in SHOPS if shop.name in bench.shops] or (SHOPS[3:4] if bench.quick else SHOPS)
    for shop in chosen:
        story = told(shop, seed=11 + SHOPS.index(shop))
        with tempfile.TemporaryDirectory() as folder:
            source = _source(bench.params, story, Path(folder) / "orders.parquet")
            with made(source, bench.params) as params:
                history = featurized(params, horizon_days=shop.horizon, active_days=shop.active)
        found = judged(history, bench.params)
        yield from against_all(f"shop {shop.name}", found)
        yield _verdict(story, found)


def told(shop: Shop, seed: int) -> Story:
    """Simulate; orders before the log are lived and forgotten."""
    draw, people = np.random.default_rng(seed), shop.customers
    first = draw.uniform(-shop.before, shop.log, people)
    gap = np.exp(np.log(shop.gap) + shop.spread * draw.standard_normal(people))
    leaves = np.where(draw.uniform(size=people) < shop.once, first, first + draw.exponential(shop.lifetime, people))
    days = np.arange(-shop.before - 1, shop.log + 10 * YEAR)
    clock, now = busy_days(shop, days), first.copy()
    who, when, open_ = [np.arange(people)], [first], np.ones(people, bool)
    while open_.any():
        here = np.flatnonzero(open_)
        waits = draw.gamma(shop.shape, gap[here] / shop.shape)
        now[here] = np.interp(busy_days(shop, now[here]) + waits, clock, days)
        open_[here] = now[here] < np.minimum(leaves[here], shop.log)
        who.append(np.flatnonzero(open_))
        when.append(now[open_])
    customer, day = np.concatenate(who), np.concatenate(when)
    return Story(shop, customer[day >= 0], day[day >= 0], gap, leaves)


def busy_days(shop: Shop, day: Floats) -> Floats:
    """Time as the shop's own clock counts it, faster in season."""
    turn = 2 * np.pi / YEAR
    return np.asarray(day + shop.season / turn * np.sin(turn * (day - shop.peak)), dtype=np.float64)


def oracle(story: Story, test: History) -> Floats:
    """P(no order in the horizon) of the customers at the test cutoff for one who knows gaps, season and lifetimes."""
    shop, at = story.shop, float((test.cutoffs[0] - START) / np.timedelta64(1, "D"))
    known = story.day < at
    last = np.full(shop.customers, -np.inf)
    np.maximum.at(last, story.customer[known], story.day[known])
    who = np.array([int(name[1:]) for name in test.customers])
    until = np.clip(story.leaves[who], at, at + shop.horizon)
    age, rest = (busy_days(shop, np.array(end)) - busy_days(shop, last[who]) for end in (at, until))
    scale = story.gap[who] / shop.shape
    here = rest > age  # whoever is gone cannot order, however long ago that was
    quiet = gamma.logsf(rest[here], shop.shape, scale=scale[here]) - gamma.logsf(
        age[here], shop.shape, scale=scale[here]
    )
    chance = np.ones(len(who))
    chance[here] = np.exp(quiet)
    return np.asarray(np.clip(chance, 1e-4, 1 - 1e-4))


def _source(params: Params, story: Story, path: Path) -> Pull:
    micros = (story.day * 86_400e6).astype("timedelta64[us]")
    money = np.random.default_rng(1).lognormal(3.5, 0.6, len(story.day)).round(2)
    orders = pd.DataFrame(
        {
            "order_id": [f"o{number}" for number in range(len(story.day))],
            "customer_id": [f"c{number:06d}" for number in story.customer],
            "ordered_at": pd.Series(START + micros).dt.tz_localize("UTC"),
            "revenue": money,
        }
    )
    orders.to_parquet(path)
    files = params.pull.files.model_copy(
        update={"orders": params.pull.files.orders.model_copy(update={"path": str(path)})}
    )
    return params.pull.model_copy(update={"source": "files", "files": files})


def _verdict(story: Story, found: Judged) -> Line:
    mine, (best, brier) = found.measured(found.ours), best_brier(found)
    knows = found.measured(oracle(story, found.test))
    return {
        "name": f"shop {story.shop.name}",
        "ours": round(mine["brier"].value, 4),
        "peer": f"best method here, known afterwards: {best}",
        "theirs": round(brier, 4),
        "unit": "Brier score",
        "ratio": round(brier / mine["brier"].value, 4),
        "target": f"at most {MOST_EXCESS:.0%} above the best method",
        "holds": mine["brier"].value <= (1 + MOST_EXCESS) * brier,
        **{f"our_{metric}": rounded(each) for metric, each in mine.items()},
        "oracle_brier": rounded(knows["brier"]),
        "oracle_skill": rounded(knows["skill"]),
        "oracle_calibration_error": rounded(knows["calibration_error"]),
        **found.about,
    }
