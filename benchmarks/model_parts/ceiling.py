"""Part `ceiling`: what the demo shop lets anybody learn, and how near few customers come to it.

One shop is simulated; its first N customers teach the ceiling, the first 5,000 and 20,000 of them teach ours, and
everybody is judged on the same fresh customers at the test cutoff. The ceiling is the best of candidates there, known
only afterwards. The oracle knows each fresh customer's hidden rate, lifetime and touches; nobody can reach it.
A million teachers do not fit into memory as features: their rows pass by in batches, and XGBoost keeps them binned.
Last come the lines of model_parts/gap.py: how much of the way to the ceiling each family of features closes.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import xgboost as xgb
from numpy.typing import NDArray

from benchmarks.model_parts import gap
from benchmarks.model_parts.judge import Bench, Line, fitted, made, procedure, rounded
from models.batches import Pages, refitted
from models.boosting import THREADS, Boosting, booster_of
from models.btyd import Floats
from models.fading_fit import BoostingOnFading
from models.formulas import Formula
from models.history import History
from models.intervals import Bootstrap, Interval, metric_intervals
from models.metrics import skill
from models.plain import described, listed, number, texts
from pipeline import paths
from pipeline.demo_shop.truth import oracle_churn_probability
from pipeline.featurize import featurize
from pipeline.files import read_json
from pipeline.history_rows import Part
from pipeline.train import recipes_of

FRESH, QUICK_FRESH, QUICK_CUSTOMERS = 20_000, 1_000, 3_000
SIZES = {20_000: 0.99, 5_000: 0.97}  # customers: share of the ceiling to reach
QUICK_SIZES = {1_000: 0.0}
TEACHERS = ["xgboost", "xgboost_deep", "xgboost_btyd", "xgboost_fading"]
DEEPER = {"rounds": 400, "max_depth": 6}
EVERY = 3  # many customers at every third cutoff teach more than the same ones seen every month


@dataclass(frozen=True)
class Shop:
    """Rows of the few that teach ours and of the fresh at the test cutoff, and the file of the many."""

    few: History
    fresh: History
    many: Part
    families: dict[str, list[str]]
    oracle: Floats  # P(churned) of the fresh, hidden state known
    how: Bootstrap

    def skill(self, chance: Floats) -> Interval:
        """1 − log loss / log loss of the fresh customers' churn rate, with its interval."""
        return metric_intervals({"skill": skill}, self.fresh.churned, chance, self.fresh.customers, self.how)["skill"]


def lines(bench: Bench) -> Iterator[Line]:
    """One line per size: the skill of ours beside the ceiling; then one per family of features."""
    with _shop(bench) as shop:
        taught, sizes = _ceiling(bench, shop), QUICK_SIZES if bench.quick else SIZES
        for size, wanted in sizes.items():
            yield _line(bench, shop, taught, (size, wanted))
        ceiling = max(each.value for each in taught.values())
        yield from gap.lines(bench, shop.few, shop.fresh, shop.families, ceiling)


def _line(bench: Bench, shop: Shop, taught: dict[str, Interval], asked: tuple[int, float]) -> Line:
    (size, wanted), best = asked, max(taught, key=lambda name: taught[name].value)
    tested, trained = procedure(shop.few.where(_numbers(shop.few.customers) <= size), bench.params)
    found = {name: shop.skill(one.churn_probability(shop.fresh.features)) for name, one in trained.items()}
    mine, ceiling = found[tested.chosen], taught[best].value
    return {
        "name": f"ceiling_{size}_customers",
        "ours": round(mine.value, 4),
        "peer": f"{best}, taught by {_teachers(bench):,} customers",
        "theirs": round(ceiling, 4),
        "unit": "skill on fresh customers",
        "ratio": round(mine.value / ceiling, 4),
        "target": f"at least {wanted:.0%} of the ceiling",
        "holds": mine.value >= wanted * ceiling,
        "our_skill": rounded(mine),
        "ceiling_skill": rounded(taught[best]),
        "oracle_skill": rounded(shop.skill(shop.oracle)),
        "chosen": tested.chosen,
        "skills": {name: round(each.value, 4) for name, each in found.items()},
        "teachers": {name: round(each.value, 4) for name, each in taught.items()},
        "fresh_customers": len(shop.fresh),
    }


def _teachers(bench: Bench) -> int:
    return QUICK_CUSTOMERS if bench.quick else bench.customers


@contextmanager
def _shop(bench: Bench) -> Iterator[Shop]:
    """The shop of `--history`, or one made here; the file of the many lives as long as the block."""
    with _featurized(bench) as folder, tempfile.TemporaryDirectory() as scratch:
        catalogue = described(read_json(folder / paths.CATALOGUE))  # type: ignore[arg-type]
        families = _families(catalogue)
        file = Path(scratch) / "many.parquet"
        few, fresh = _parted(bench, folder, catalogue, file)
        cutoff = [pd.Timestamp(fresh.cutoffs[0]).tz_localize("UTC")] * len(fresh)
        truth = pd.read_parquet(folder / paths.TRUTH / "customers.parquet")
        how = bench.params.evaluate
        yield Shop(
            few=few,
            fresh=fresh,
            many=Part(file, texts(catalogue["cutoffs"])),
            families=families,
            oracle=oracle_churn_probability(truth, list(fresh.customers), cutoff, fresh.horizon_days),
            how=Bootstrap(how.resamples, how.seed, how.interval_share),
        )


@contextmanager
def _featurized(bench: Bench) -> Iterator[Path]:
    if bench.history:
        yield bench.history
        return
    fresh = QUICK_FRESH if bench.quick else FRESH
    demo = bench.params.pull.demo.model_copy(update={"customers": _teachers(bench) + fresh})
    with made(bench.params.pull.model_copy(update={"source": "demo", "demo": demo}), bench.params) as params:
        with redirect_stdout(sys.stderr):
            featurize(params)
        yield Path()


def _families(catalogue: Formula) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for column in map(described, listed(catalogue["columns"])):
        found.setdefault(str(column["family"]), []).append(str(column["name"]))
    return found


def _parted(bench: Bench, folder: Path, catalogue: Formula, many: Path) -> tuple[History, History]:
    """Few and fresh in memory, the many in a file of their own; a row group of the shop at a time."""
    moments = [pd.Timestamp(each) for each in texts(catalogue["cutoffs"])]
    test, horizon = moments[-1], pd.Timedelta(days=number(catalogue["horizon_days"]))
    thirds = [each for each in moments[:: -1 if bench.quick else -EVERY] if each + horizon <= test]
    most, kept = max(QUICK_SIZES if bench.quick else SIZES), []
    with pq.ParquetFile(folder / paths.HISTORY) as file, pq.ParquetWriter(many, file.schema_arrow) as writer:
        for group in range(file.num_row_groups):
            rows = file.read_row_group(group)
            numbered = _numbers(rows["customer_id"].to_numpy(zero_copy_only=False))
            teaches = (numbered <= _teachers(bench)) & _at(rows, thirds)
            writer.write_table(rows.filter(pa.array(teaches)))
            kept.append(rows.filter(pa.array((numbered <= most) | (numbered > _teachers(bench)) & _at(rows, [test]))))
    columns = [column for family in _families(catalogue).values() for column in family]
    history = History.of(pa.concat_tables(kept).to_pandas(), columns, int(number(catalogue["horizon_days"])))
    numbered = _numbers(history.customers)
    return history.where(numbered <= most), history.where(numbered > _teachers(bench))


def _at(rows: pa.Table, moments: list[pd.Timestamp]) -> NDArray[np.bool_]:
    wanted = pa.array(moments, rows["cutoff"].type)
    return np.asarray(pc.is_in(rows["cutoff"], wanted))


def _numbers(customers: NDArray[np.object_]) -> NDArray[np.int64]:
    """Customers are numbered from 1, and keep their story when the shop gets more of them."""
    return np.array([int(name[1:]) for name in customers])


def _ceiling(bench: Bench, shop: Shop) -> dict[str, Interval]:
    """Skill on the fresh of every candidate whose trees the many taught; BG/NBD, four numbers, is taught by the few."""
    train, seed = bench.params.train, bench.params.train.seed
    recipes = recipes_of(train, shop.few.horizon_days, TEACHERS)
    deepest = train.xgboost.model_dump() | ({} if bench.quick else DEEPER)
    deep = train.xgboost_deep.model_dump()
    rows, rate = shop.many.counted()
    binned = _Binned(shop.many)
    found = {}
    for name, recipe, how in (
        ("xgboost, deepest", Boosting(deepest, seed), deepest),
        ("xgboost_fading, deeper", BoostingOnFading(deep, seed, shop.few.horizon_days), deep),
        *((name, recipe, train.own_trees.get(name, train.xgboost).model_dump()) for name, recipe in recipes.items()),
    ):

        def fit(trees: Formula, how: dict[str, float] = how) -> xgb.Booster:
            return booster_of(binned.rows(trees), how, seed)

        one = refitted(fitted({name: recipe}, shop.few), fit, rows, rate)[name]
        found[name] = shop.skill(one.churn_probability(shop.fresh.features))
        print(f"  {name} taught by {rows:,} rows: skill {found[name].value:.4f}", file=sys.stderr, flush=True)
    return found


class _Binned:
    """The rows of the many as XGBoost keeps them; made again only for another base or other columns."""

    def __init__(self, many: Part) -> None:
        self.many = many
        self._of: Formula = {}
        self._rows: xgb.QuantileDMatrix | None = None

    def rows(self, trees: Formula) -> xgb.QuantileDMatrix:
        """For these trees."""
        if self._rows is None or trees != self._of:
            self._rows = None  # before the next, so that memory holds one
            self._rows = xgb.QuantileDMatrix(Pages(self.many.batches, trees, None), nthread=THREADS)
            self._of = trees
        return self._rows
