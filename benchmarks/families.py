"""What each family of features is worth: the test log loss of the same model without it, on two shops.

XGBoost with the project's own settings learns from the cutoffs that were closed at the test cutoff, as `train` does:
with every column, without each family, and with each family alone. The rise in log loss has an interval by customer,
both models scoring the same people; what a refit with another seed moves stands beside it, and a family adds only where
its rise is above both. Leaving one out credits nothing that another family can say as well: `alone` shows that.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir, redirect_stdout
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parents[1]))
from features.errors import SourceError
from models.boosting import Boosting
from models.history import History, iso
from models.intervals import Interval, paired_interval
from models.training import fit_all
from pipeline import paths
from pipeline.check import check
from pipeline.featurize import featurize
from pipeline.files import read_json, read_table
from pipeline.params import Params, Pull, load_params
from pipeline.pull import pull
from pipeline.sources.online_retail_ii import located

SHOPS = ("demo", "online_retail_ii")
RESAMPLES, SHARE = 500, 0.95
QUICK_CUSTOMERS, QUICK_ROUNDS = 2_000, 50
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Shop:
    """The history of a shop, its columns by family, and the model's settings."""

    name: str
    history: History
    families: dict[str, list[str]]
    settings: dict[str, float]
    seeds: tuple[int, ...]

    @cached_property
    def test(self) -> History:
        """The rows of the test cutoff."""
        return self.history.at(self.history.moments()[-1:])

    @cached_property
    def allowed(self) -> History:
        """The rows whose labels were known at the test cutoff."""
        return self.history.at(self.history.closed_by(self.history.moments()[-1]))

    def columns(self, without: str = "") -> list[str]:
        """All columns but those of a family."""
        return [name for family, names in self.families.items() if family != without for name in names]


def made(name: str, quick: bool) -> Shop:
    """Pull, check and featurize a shop in a folder of its own."""
    params = load_params(Path(__file__).parents[1] / "params.yaml")
    params = params.model_copy(update={"pull": _source(params, name, quick)})
    with tempfile.TemporaryDirectory() as folder, chdir(folder), redirect_stdout(sys.stderr):
        for stage in (pull, check, featurize):
            stage(params)
        catalogue, table = read_json(paths.CATALOGUE), read_table(paths.HISTORY)
    families: dict[str, list[str]] = {}
    for column in catalogue["columns"]:
        families.setdefault(column["family"], []).append(column["name"])
    columns = [column for names in families.values() for column in names]
    settings = params.train.xgboost.model_dump() | ({"rounds": QUICK_ROUNDS} if quick else {})
    seeds = (params.train.seed,) if quick else (params.train.seed, params.train.seed + 1)
    return Shop(name, History.of(table, columns, params.snapshots.horizon_days), families, settings, seeds)


def _source(params: Params, name: str, quick: bool) -> Pull:
    demo, retail = params.pull.demo, params.pull.online_retail_ii
    if name == "online_retail_ii":
        retail = retail.model_copy(update={"path": str(located(retail).resolve())})
    if quick:
        demo = demo.model_copy(update={"customers": QUICK_CUSTOMERS})
    return params.pull.model_copy(update={"source": name, "demo": demo, "online_retail_ii": retail})


def promised(shop: Shop, columns: list[str], seed: int) -> Floats:
    """P(churned) of everybody at the test cutoff, by a model of these columns."""
    rows = replace(shop.allowed, features=shop.allowed.features[columns])
    trained = fit_all({"xgboost": Boosting(shop.settings, seed)}, rows)["xgboost"]
    return trained.churn_probability(shop.test.features[columns])


def measured(shop: Shop) -> Iterator[dict[str, object]]:
    """One line per family, the one most missed first."""
    whole = [promised(shop, shop.columns(), seed) for seed in (*shop.seeds, shop.seeds[-1] + 1)]
    # Another seed draws other rows and columns: what that moves is no family's merit.
    losses = [loss(shop, said) for said in whole]
    refit, ours = max(losses) - min(losses), np.mean(whole[: len(shop.seeds)], axis=0)
    lines = []
    for family, own in shop.families.items():
        without = [promised(shop, shop.columns(without=family), seed) for seed in shop.seeds]
        alone = loss(shop, promised(shop, own, shop.seeds[0]))
        lines.append(line(shop, family, (ours, np.mean(without, axis=0)), (refit, alone)))
    yield from sorted(lines, key=lambda one: -float(str(one["rise"])))


def line(shop: Shop, family: str, said: tuple[Floats, Floats], losses: tuple[float, float]) -> dict[str, object]:
    """What the benchmark says of a family: `said` with and without it, `losses` by a refit and by the family alone."""
    (ours, without), (refit, alone) = said, losses
    test = shop.test
    rise = paired_interval("log_loss", test.churned, without, ours, test.customers, RESAMPLES, shop.seeds[0], SHARE)
    return {
        "name": f"family_{family}_{shop.name}",
        "ours": round(loss(shop, ours), 5),
        "peer": "the same model without the family",
        "theirs": round(loss(shop, without), 5),
        "unit": "log loss at the test cutoff",
        "ratio": round(loss(shop, without) / loss(shop, ours), 4),
        "target": "none: what adds nothing is said to add nothing",
        "holds": True,
        "verdict": verdict(rise, refit),
        **{"rise" if edge == "value" else edge: round(value, 5) for edge, value in rise.as_dict().items()},
        "refit": round(refit, 5),
        "alone": round(alone, 5),
        "churn_rate_alone": round(loss(shop, np.full(len(ours), shop.allowed.churned.mean())), 5),
        "columns": len(shop.families[family]),
        "all_columns": len(shop.columns()),
        "customers": len(test),
        "rows": len(shop.allowed),
        "test_cutoff": iso(test.moments()[0])[:10],
        "seeds": len(shop.seeds),
        "cores": os.cpu_count(),
    }


def verdict(rise: Interval, refit: float) -> str:
    """Adds or harms only where the interval leaves out zero and a refit does not move as much."""
    if abs(rise.value) > refit and (rise.low > 0 or rise.high < 0):
        return "adds" if rise.value > 0 else "harms here"
    return "adds nothing here"


def loss(shop: Shop, said: Floats) -> float:
    """Mean log loss at the test cutoff."""
    return float(-np.log(np.where(shop.test.churned.astype(bool), said, 1.0 - said)).mean())


def main() -> None:
    """Print one JSON object per family and shop."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the demo shop alone, small: ends within a minute")
    quick = parser.parse_args().quick
    for name in SHOPS[:1] if quick else SHOPS:
        try:
            shop = made(name, quick)
        except SourceError as error:
            print(f"skipped {name}: {error}", file=sys.stderr, flush=True)
            continue
        for one in measured(shop):
            print(json.dumps(one), flush=True)


if __name__ == "__main__":
    main()
