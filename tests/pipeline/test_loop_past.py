"""What past campaigns teach."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from models.response import Response
from pipeline.demo_shop.ahead_tables import month_begin_us
from pipeline.demo_shop.campaigns import PROPENSITIES
from pipeline.loop import past
from pipeline.loop.folder import hushed, inside
from pipeline.loop.six_months import Asked
from pipeline.params import load_params
from serving.policy import Policy
from tests.pipeline.shops import ROOT
from tests.serving.people import ACTION, POLICY, people

ASKED = Asked(load_params(ROOT / "params.yaml"), customers=400, months=1, seed=7)
TWO = Policy.model_validate({**POLICY, "actions": {"news": ACTION, "offer": {**ACTION, "intent": "ask"}}})


@pytest.mark.slow
def test_a_campaign_is_its_recipients_and_those_whom_the_lot_left_out(tmp_path: Path) -> None:
    as_of_us = month_begin_us(ASKED.plot().everybody, 0)
    with inside(tmp_path):
        ASKED.nights.open_shop()
        night = ASKED.nights.at(0)
        ASKED.nights.again(night, learn=True)
        campaigns = past._campaigns(as_of_us)
        at_us, campaign = campaigns[-1]
        with hushed():
            lot = past._lot(night, at_us, campaign)
        answers = None
        with hushed():
            answers = past.learned(night, as_of_us, campaigns=1)
        orders = pq.read_table("data/clean/orders.parquet").to_pandas()
    assert as_of_us - 15 * 86_400_000_000 - 21 * 86_400_000_000 < at_us <= as_of_us - 14 * 86_400_000_000
    touched = set(campaign["customer_id"])
    assert set(lot.facts.customer_id[lot.drawn]) <= touched
    assert not set(lot.facts.customer_id[~lot.drawn]) & touched
    assert lot.chance in PROPENSITIES
    assert (lot.facts.consent[:, 0] == 1.0).all()
    times = orders["ordered_at"].astype("datetime64[us, UTC]").astype("int64")
    inside_window = orders[(times >= at_us) & (times < at_us + 14 * 86_400_000_000)]
    assert set(lot.facts.customer_id[lot.ordered]) == set(inside_window["customer_id"]) & set(lot.facts.customer_id)
    assert list(answers) == [lot.action]
    assert np.isfinite(answers[lot.action].standard_error)


def test_an_ask_is_judged_by_asks_and_all_else_by_content() -> None:
    facts = people({"churn_probability": 0.5, "margin_money": 40.0}, {"churn_probability": 1.0, "margin_money": 40.0})
    answers = {past.CONTENT: Response(0.1, 0.05), past.ASK: Response(0.2, 0.05)}
    found = past.values(answers, facts, TWO)
    assert found.tolist() == [pytest.approx([1.98, 3.98]), pytest.approx([-0.02, -0.02])]


def test_an_intent_that_no_campaign_had_has_no_value() -> None:
    facts = people({"churn_probability": 0.5, "margin_money": 40.0})
    found = past.values({past.CONTENT: Response(0.1, 0.05)}, facts, TWO)
    assert np.isnan(found).tolist() == [[False, True]]
