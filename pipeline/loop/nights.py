"""The nightly stages of one month, each the real one: pull, check, featurize, train, score, plan."""

from __future__ import annotations

import shutil
from dataclasses import dataclass

from pipeline import paths
from pipeline.check import check
from pipeline.demo_shop.ahead_people import MONTH_DAYS
from pipeline.demo_shop.habits import Period
from pipeline.featurize import featurize
from pipeline.files import read_table
from pipeline.loop.folder import EXPORTS, first_exports, hushed, write_params
from pipeline.params import FileTable, Params, parse_params
from pipeline.plan_inputs import microseconds_of, read_facts, read_shop
from pipeline.pull import pull
from pipeline.score import score
from pipeline.train import train
from serving.decisions import Decisions, decide
from serving.draws import holdout_key
from serving.policy import Policy
from serving.requests import instant_of

CUTOFFS = 12
CANDIDATES = ["recency_rule", "logistic"]


@dataclass(frozen=True)
class Nights:
    """The settings of the runs of one folder."""

    params: Params

    @classmethod
    def of(cls, params: Params, customers: int, seed: int, policy: Policy) -> Nights:
        """The project's params with small candidates, no tuning, and the exports of the folder as the source."""
        demo = params.pull.demo.model_copy(update={"customers": customers, "seed": seed})
        tables = {table: FileTable(path=f"{EXPORTS}/{table}/*.parquet", columns={}) for table in _TABLES}
        files = params.pull.files.model_copy(update=tables)
        tuning = params.train.tuning.model_copy(update={"trials": 0})
        small = {"candidates": CANDIDATES, "origins": 1, "tuning": tuning}
        sections = {
            "pull": params.pull.model_copy(update={"source": "files", "demo": demo, "files": files}),
            "snapshots": params.snapshots.model_copy(update={"max_cutoffs": CUTOFFS}),
            "train": params.train.model_copy(update=small),
            "plan": policy,
        }
        return cls(parse_params(params.model_copy(update=sections).model_dump(mode="json")))

    @property
    def period(self) -> Period:
        """The period of the demo shop before t0."""
        return Period.of(self.params.pull.demo.end, self.params.pull.demo.years)

    def open_shop(self) -> None:
        """Simulate the shop up to t0 and check it; its clean tables are the first exports."""
        demo = self.params.pull.model_copy(update={"source": "demo"})
        with hushed():
            pull(self.params.model_copy(update={"pull": demo}))
            check(self.params)
        first_exports()

    def at(self, month: int) -> Params:
        """The params of the night in which a month begins, also in the working folder's `params.yaml`."""
        begin = round((self.period.end + month * MONTH_DAYS) * 86_400) * 1_000_000
        moment = instant_of(begin).isoformat()
        snapshots = self.params.snapshots.model_copy(update={"as_of": moment})
        return write_params(self.params.model_copy(update={"snapshots": snapshots}))

    def again(self, params: Params, learn: bool) -> None:
        """The scores of the night from the clean tables as they lie, by the model in force unless it is to `learn`."""
        with hushed():
            featurize(params)
            if learn:
                _in_force(params)
            score(params)

    def run(self, params: Params, learn: bool) -> None:
        """Everything up to the scores; `learn` trains anew and puts that model in force."""
        with hushed():
            pull(params)
            check(params)
        self.again(params, learn)


def _in_force(params: Params) -> None:
    train(params)
    shutil.rmtree(paths.CHAMPION, ignore_errors=True)
    shutil.copytree(paths.MODEL, paths.CHAMPION)


def decisions_of(params: Params, policy: Policy) -> Decisions:
    """What the gates leave open tonight, and the lot; before any budget."""
    scores = read_table(paths.SCORES).sort_values("customer_id", ignore_index=True)
    as_of_us = int(microseconds_of(scores["as_of"]).max())
    facts = read_facts(scores, as_of_us, params)
    return decide(facts, policy, read_shop(scores, as_of_us), holdout_key())


_TABLES = ("orders", "order_items", "engagement", "customers")
