"""What the shop's past campaigns teach: they went out by lot, and each touch says how likely it was.

Facts are those of the day of each campaign, by the real feature engine and the model in force. An ask teaches for all
asks, content for all the rest: until an action is measured itself, one of its intent has to stand in for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd

from features.log import DAY_US
from models.effect import Trial
from models.response import Response, response
from pipeline import paths
from pipeline.featurize import featurize
from pipeline.files import read_table
from pipeline.loop.folder import hushed
from pipeline.params import Params
from pipeline.plan_inputs import microseconds_of, read_facts
from pipeline.score import score
from serving.facts import CHANNELS, Facts
from serving.history import Floats
from serving.policy import Policy
from serving.requests import instant_of
from serving.value import expected_value

WINDOW_DAYS = 14
CAMPAIGNS = 12
CONTENT, ASK = "how_to_content", "win_back_discount"


@dataclass(frozen=True)
class Lot:
    """One campaign as its recipients' facts, who was drawn, with which chance, and who ordered in the window."""

    action: str
    facts: Facts
    drawn: np.ndarray
    ordered: np.ndarray
    chance: float


def learned(params: Params, as_of_us: int, campaigns: int = CAMPAIGNS) -> dict[str, Response]:
    """How strongly people answer each intent, from the last campaigns whose window had closed by then.

    Leaves `current.parquet` and `scores.parquet` at the last of these campaigns.
    """
    found = [_lot(params, at, campaign) for at, campaign in _campaigns(as_of_us)[-campaigns:]]
    answers: dict[str, Response] = {}
    for action in (CONTENT, ASK):
        lots = [lot for lot in found if lot.action == action]
        if lots:
            buys_anyway = 1.0 - np.concatenate([lot.facts.churn_probability for lot in lots])
            answers[action] = response(_trial(lots), buys_anyway)
    return answers


def values(answers: Mapping[str, Response], facts: Facts, policy: Policy) -> Floats:
    """Expected value of every action of the policy, (n, actions); NaN where nothing stands in for it."""
    unknown = Response(np.nan, np.nan)
    stand_ins = [answers.get(ASK if action.intent == "ask" else CONTENT, unknown) for action in policy.actions.values()]
    uplift = np.column_stack(
        [
            np.full(len(facts), np.nan) if np.isnan(answer.value) else answer.uplift(1.0 - facts.churn_probability)
            for answer in stand_ins
        ]
    )
    return expected_value(facts, policy, uplift)


def _campaigns(as_of_us: int) -> list[tuple[int, pd.DataFrame]]:
    """The touches of the last campaigns, by the moment they went out."""
    touches = _query(
        f"SELECT customer_id, epoch_us(occurred_at) AS at, CAST(value AS DOUBLE) AS chance, subject "  # noqa: S608
        f"FROM '{paths.CLEAN / 'engagement.parquet'}' WHERE kind = 'touch'"
    )
    closed = touches[touches["at"] + WINDOW_DAYS * DAY_US <= as_of_us]
    return [(int(str(at)), one) for at, one in closed.groupby("at")]


def _lot(params: Params, at_us: int, campaign: pd.DataFrame) -> Lot:
    moment = {"as_of": instant_of(at_us).isoformat(), "max_cutoffs": 2}
    then = params.model_copy(update={"snapshots": params.snapshots.model_copy(update=moment)})
    with hushed():
        featurize(then)
        score(then)
    scores = read_table(paths.SCORES).sort_values("customer_id", ignore_index=True)
    facts = read_facts(scores, int(microseconds_of(scores["as_of"]).max()), then)
    may = (facts.consent[:, CHANNELS.index("email")] == 1.0) & ~facts.suppressed
    facts = Facts(**{name: column[may] for name, column in vars(facts).items()})
    orders = _query(
        f"SELECT DISTINCT customer_id FROM '{paths.CLEAN / 'orders.parquet'}' "  # noqa: S608
        f"WHERE epoch_us(ordered_at) >= {at_us} AND epoch_us(ordered_at) < {at_us + WINDOW_DAYS * DAY_US}"
    )
    return Lot(
        action=str(campaign["subject"].iloc[0]).partition(":")[0],
        facts=facts,
        drawn=np.isin(facts.customer_id.astype(str), campaign["customer_id"].to_numpy(str)),
        ordered=np.isin(facts.customer_id.astype(str), orders["customer_id"].to_numpy(str)),
        chance=float(campaign["chance"].iloc[0]),
    )


def _trial(lots: list[Lot]) -> Trial:
    chance = np.concatenate([np.full(len(lot.facts), lot.chance) for lot in lots])
    return Trial(
        outcome=np.concatenate([lot.ordered for lot in lots]).astype(np.float64),
        treated=np.concatenate([lot.drawn for lot in lots]),
        chance_treated=chance,
        chance_control=1.0 - chance,
        person=np.concatenate([lot.facts.customer_id.astype(str) for lot in lots]),
    )


def _query(text: str) -> pd.DataFrame:
    with duckdb.connect() as connection:
        found: pd.DataFrame = connection.execute(text).df()
    return found
