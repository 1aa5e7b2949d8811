"""The profit of two runs on shared rows: whose ranking earns more, judged alike, or nothing where there is no money."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.intervals import Bootstrap
from models.profit import Offer, profit_of_contact
from pipeline.comparing.profit import profit
from pipeline.comparing.sides import Shared

OFFER = Offer(margin_share=0.5, offer_cost_money=5.0, contact_cost_money=1.0, accept_rate=0.3)
BOOTSTRAP = Bootstrap(resamples=60, seed=1, share=0.95)
PERCENTS = (1, 20, 50)
SIZE = 3000


@pytest.fixture(scope="module")
def rows() -> Shared:
    """A: the true chances and values of 3,000 customers, B: chances with noise, values that are all the same."""
    generator = np.random.default_rng(2)
    truth, value = generator.uniform(0.02, 0.98, SIZE), generator.lognormal(3.5, 1.0, SIZE)
    churned = (generator.uniform(size=SIZE) < truth).astype(np.int8)
    noisy = np.clip(truth + generator.normal(0.0, 0.3, SIZE), 0.02, 0.98)
    ids = np.array([f"c{number}" for number in range(SIZE)], dtype=object)
    first = pd.DataFrame({"churn_probability": truth, "revenue_if_kept": value})
    second = pd.DataFrame({"churn_probability": noisy, "revenue_if_kept": np.full(SIZE, value.mean())})
    return Shared(ids, churned, first, second)


def test_the_better_ranking_earns_more_at_every_budget_and_by_its_own_rule(rows: Shared) -> None:
    found = profit(rows, OFFER, PERCENTS, BOOTSTRAP, "B")
    assert found is not None
    budgets = found["budgets"]
    assert list(budgets) == ["1", "20", "50"]  # type: ignore[call-overload]
    assert budgets["20"]["winner"] == found["own"]["winner"] == "A"  # type: ignore[index]
    assert budgets["20"]["difference"]["high"] < 0  # type: ignore[index]
    assert budgets["20"]["better"] == 0  # type: ignore[index]


def test_both_are_judged_by_the_mean_of_their_values_so_contacting_everybody_earns_the_same(rows: Shared) -> None:
    found = profit(rows, OFFER, PERCENTS, BOOTSTRAP, "B")
    assert found is not None
    ends = [found["curves"][key][-1][1] for key in ("a", "b")]  # type: ignore[index]
    mean = (rows.first["revenue_if_kept"] + rows.second["revenue_if_kept"]).to_numpy() / 2
    everybody = profit_of_contact(rows.churned, mean, OFFER).sum()
    assert ends == pytest.approx([everybody, everybody], abs=0.01)


def test_every_point_of_a_curve_lies_in_its_band(rows: Shared) -> None:
    found = profit(rows, OFFER, PERCENTS, BOOTSTRAP, "B")
    assert found is not None
    for key in ("a", "b"):
        points = found["curves"][key]  # type: ignore[index]
        assert len(points) == 101
        assert all(low <= y <= high for _, y, low, high in points)


def test_two_equal_runs_have_no_winner(rows: Shared) -> None:
    same = Shared(rows.customer_ids, rows.churned, rows.first, rows.first)
    found = profit(same, OFFER, PERCENTS, BOOTSTRAP, "B")
    assert found is not None
    assert found["own"]["winner"] is None  # type: ignore[index]
    assert found["own"]["difference"] == {"value": 0.0, "low": 0.0, "high": 0.0}  # type: ignore[index]


def test_a_run_without_expected_revenue_has_no_profit(rows: Shared) -> None:
    poor = Shared(rows.customer_ids, rows.churned, rows.first, rows.second.drop(columns="revenue_if_kept"))
    assert profit(poor, OFFER, PERCENTS, BOOTSTRAP, "B") is None
