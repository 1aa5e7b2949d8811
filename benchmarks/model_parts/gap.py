"""How much of the way from order times alone to the ceiling each family of features closes, on the demo shop.

The way begins with XGBoost on x, t_x and T, which is what BG/NBD knows of a customer, and ends at the ceiling. A family
closes what it adds to that beginning; what families share, each of them closes. Beside it stands what is lost when all
others are there and it alone is missing. Both are learned from the few, and judged on the fresh.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from benchmarks.model_parts.judge import Bench, Line, fitted
from models.boosting import Boosting
from models.btyd import Floats
from models.history import History
from models.intervals import paired_interval

START = "btyd"
ALL = 1.0  # dealt fewer of three columns, a tree could not hold x against T, and any column would seem to help


@dataclass(frozen=True)
class Way:
    """Who learns and who is judged, the settings, and where the way ends."""

    bench: Bench
    few: History
    fresh: History
    ceiling: float

    def promised(self, columns: list[str], dealt: float | None = None) -> Floats:
        """P(churned) of the fresh by trees on some columns; `dealt`: the share of them a tree sees, if not ours."""
        train = self.bench.params.train
        rows = replace(self.few, features=self.few.features[columns])
        settings = train.xgboost.model_dump() | ({} if dealt is None else {"colsample_bytree": dealt})
        recipe = Boosting(settings, train.seed)
        one = fitted({"xgboost": recipe}, rows)["xgboost"]
        return one.churn_probability(self.fresh.features[columns])

    def skill(self, chance: Floats) -> float:
        """1 − log loss / log loss of the fresh customers' churn rate."""
        rate = np.full(len(chance), self.fresh.churned.mean())
        return 1.0 - self._loss(chance) / self._loss(rate)

    def gained(self, chance: Floats, than: Floats) -> list[float]:
        """Skill of one minus that of another, with its interval by customer."""
        how = self.bench.params.evaluate
        seen = self.fresh
        found = paired_interval(
            "skill", seen.churned, chance, than, seen.customers, how.resamples, how.seed, how.interval_share
        )
        return [round(part, 4) for part in found.as_dict().values()]

    def _loss(self, chance: Floats) -> float:
        return float(-np.log(np.where(self.fresh.churned.astype(bool), chance, 1.0 - chance)).mean())


def lines(bench: Bench, few: History, fresh: History, families: dict[str, list[str]], ceiling: float) -> Iterator[Line]:
    """One line per family."""
    way = Way(bench, few, fresh, ceiling)
    every = [column for columns in families.values() for column in columns]
    start, whole = way.promised(families[START], ALL), way.promised(every)
    for family in families:
        if family != START:
            yield _line(way, families, family, (start, whole))


def _line(way: Way, families: dict[str, list[str]], family: str, ends: tuple[Floats, Floats]) -> Line:
    start, whole = ends
    with_it = way.promised([*families[START], *families[family]], ALL)
    without = way.promised([column for name, columns in families.items() if name != family for column in columns])
    first, last = way.skill(start), way.skill(whole)
    return {
        "name": f"gap_{family}",
        "ours": round(way.skill(with_it), 4),
        "peer": "the same trees on order times alone",
        "theirs": round(first, 4),
        "unit": "skill on fresh customers",
        "ratio": round(way.skill(with_it) / first, 4),
        "target": None,
        "holds": None,
        "closes_of_the_way": round((way.skill(with_it) - first) / (way.ceiling - first), 4),
        "gained": way.gained(with_it, start),
        "lost_without_it": round((last - way.skill(without)) / (way.ceiling - first), 4),
        "lost": way.gained(whole, without),
        "all_families": round(last, 4),
        "ceiling": round(way.ceiling, 4),
        "columns": len(families[family]),
        "fresh_customers": len(way.fresh),
    }
