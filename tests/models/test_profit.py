"""Profit of contacting: by hand, against brute force, and EMPC against a published value and numerical integration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import beta

from features.errors import ModelError
from models.curves import GRID
from models.metrics import grouped
from models.profit import (
    Empc,
    Offer,
    best_in_hindsight,
    most_at_risk,
    profit_curve,
    profit_of_contact,
    variations,
    worth_contacting,
)

OFFER = Offer(margin_share=0.5, offer_cost_money=10.0, contact_cost_money=1.0, accept_rate=0.4)
LEFT = np.array([1, 0], dtype=np.int8)


def test_the_profit_of_a_leaver_and_of_a_stayer_by_hand() -> None:
    # margin 50: 0.4 · (50 − 10) − 1 = 15; a stayer costs 10 + 1
    assert profit_of_contact(LEFT, np.array([100.0, 100.0]), OFFER) == pytest.approx([15.0, -11.0])


def test_an_expected_profit_is_the_mean_over_both_outcomes() -> None:
    assert profit_of_contact(np.array([0.25]), np.array([100.0]), OFFER) == pytest.approx([0.25 * 15 - 0.75 * 11])


def test_the_customers_own_margin_decides_not_the_average() -> None:
    contacted = worth_contacting(np.array([0.9, 0.9]), np.array([200.0, 2.0]), OFFER)
    assert contacted.tolist() == [True, False]


def test_with_an_accept_rate_of_zero_nobody_is_contacted() -> None:
    nobody = Offer(0.5, 10.0, 1.0, 0.0)
    assert not worth_contacting(np.array([0.0, 0.5, 1.0]), np.array([1e6, 1e6, 1e6]), nobody).any()


def test_a_negative_margin_is_never_worth_a_contact_and_is_no_error() -> None:
    assert not worth_contacting(np.array([1.0]), np.array([-500.0]), OFFER).any()


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_a_value_that_is_not_a_number_is_refused_with_the_count(value: float) -> None:
    with pytest.raises(ModelError, match="1 of 2 customers have no finite expected revenue"):
        profit_of_contact(LEFT, np.array([value, 5.0]), OFFER)


def test_the_curve_sums_profits_from_the_top() -> None:
    curve = profit_curve(np.array([0.1, 0.9, 0.5, 0.3]), np.array([-7.0, 5.0, 2.0, -1.0]))
    assert curve[[0, 25, 50, 75, 100]] == pytest.approx([0.0, 5.0, 7.0, 6.0, -1.0])
    assert len(curve) == len(GRID)


def test_ties_come_in_proportion_whatever_their_order() -> None:
    ranking, profits = np.array([0.5, 0.5, 0.5, 0.5]), np.array([8.0, 0.0, 0.0, -4.0])
    assert profit_curve(ranking, profits)[50] == pytest.approx(2.0)
    assert profit_curve(ranking, profits[::-1]) == pytest.approx(profit_curve(ranking, profits))


def test_a_weight_counts_a_customer_that_often() -> None:
    ranking, profits = np.array([0.9, 0.5, 0.1]), np.array([4.0, 1.0, -2.0])
    weighted = profit_curve(ranking, profits, np.array([[2.0, 0.0, 1.0], [1.0, 1.0, 1.0]]))
    assert weighted[0] == pytest.approx(profit_curve(np.array([0.9, 0.9, 0.1]), np.array([4.0, 4.0, -2.0])))
    assert weighted[1] == pytest.approx(profit_curve(ranking, profits))


def test_the_best_share_in_hindsight_is_the_top_of_the_curve() -> None:
    assert best_in_hindsight(np.array([4.0, 3.0, 2.0, 1.0]), np.array([5.0, 2.0, -1.0, -1.0])) == (0.5, 7.0)
    assert best_in_hindsight(np.array([2.0, 1.0]), np.array([-5.0, -2.0])) == (0.0, 0.0)


def test_contacting_while_the_expected_profit_is_positive_reaches_the_top_of_the_expected_curve() -> None:
    generator = np.random.default_rng(0)
    probability, value = generator.uniform(size=500), generator.lognormal(3.5, 1.0, 500)
    expected = profit_of_contact(probability, value, OFFER)
    contacted = worth_contacting(probability, value, OFFER)
    share, profit = best_in_hindsight(expected, expected)
    assert contacted.mean() == pytest.approx(share)
    assert expected[contacted].sum() == pytest.approx(profit)


def test_the_most_at_risk_are_counted_from_the_top_and_the_id_breaks_ties() -> None:
    ids = np.array(["b", "a", "c"], dtype=object)
    assert most_at_risk(np.array([0.5, 0.5, 0.1]), ids, 1).tolist() == [False, True, False]


def test_every_parameter_is_halved_and_doubled_and_a_share_ends_at_one() -> None:
    found = {(name, factor): value for name, factor, value, _ in variations(Offer(0.6, 5.0, 1.0, 0.1))}
    assert len(found) == 8
    assert found["margin_share", 2.0] == 1.0
    assert found["accept_rate", 2.0] == pytest.approx(0.2)
    assert found["offer_cost_money", 0.5] == 2.5


def test_empc_has_the_published_value_of_the_empulse_documentation() -> None:
    churned = np.array([0, 1, 0, 1, 0, 1, 0, 1])
    scores = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 0.8, 0.9])
    assert Empc()(grouped(churned, scores)) == pytest.approx([23.875593418348124], rel=1e-12)


def by_integration(churned: np.ndarray, scores: np.ndarray, how: Empc) -> tuple[float, float]:
    """Mean over γ of the best cut's profit, and of its share: every cut of the scores tried, the integral by quad."""
    cuts = [scores >= cut for cut in np.unique(scores)] + [np.zeros(len(scores), dtype=bool)]
    leavers = np.array([(churned[cut] == 1).sum() for cut in cuts]) / len(scores)
    stayers = np.array([(churned[cut] == 0).sum() for cut in cuts]) / len(scores)

    def profits(accepted: float) -> np.ndarray:
        kept = accepted * (how.clv - how.offer_cost) - how.contact_cost
        return leavers * kept - stayers * (how.offer_cost + how.contact_cost)

    density = beta(how.alpha, how.beta).pdf
    best = quad(lambda g: profits(g).max() * density(g), 0, 1, limit=800, epsabs=1e-9)[0]
    share = quad(lambda g: (leavers + stayers)[profits(g).argmax()] * density(g), 0, 1, limit=800, epsabs=1e-6)[0]
    return best, share


@pytest.mark.parametrize("how", [Empc(), Empc(clv=60.0, offer_cost=20.0, contact_cost=3.0, alpha=2.0, beta=5.0)])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_empc_is_that_of_numerical_integration_over_every_cut(how: Empc, seed: int) -> None:
    generator = np.random.default_rng(seed)
    scores = generator.uniform(size=60).round(1 if seed == 2 else 9)
    churned = (generator.uniform(size=60) < scores**2).astype(np.int8)
    profit, share = how.both(grouped(churned, scores))
    best, contacted = by_integration(churned, scores, how)
    assert profit[0] == pytest.approx(best, abs=1e-6)
    assert share[0] == pytest.approx(contacted, abs=1e-3)


def test_empc_of_one_class_is_all_or_nothing() -> None:
    scores = np.array([0.2, 0.4, 0.6])
    assert Empc()(grouped(np.zeros(3), scores)) == pytest.approx([0.0])
    everybody, share = Empc().both(grouped(np.ones(3), scores))
    assert everybody == pytest.approx([200 * (0.3 * 0.95 - 0.005)], rel=1e-3)  # γ below 1/190 hardly ever occurs
    assert share == pytest.approx([1.0], abs=1e-3)


def test_a_model_that_ranks_better_has_the_higher_empc() -> None:
    generator = np.random.default_rng(4)
    truth = generator.uniform(0.02, 0.5, 2000)
    churned = (generator.uniform(size=2000) < truth).astype(np.int8)
    noisy = truth + generator.normal(0.0, 0.3, 2000)
    values = [Empc()(grouped(churned, scores))[0] for scores in (truth, noisy, -truth)]
    assert values == sorted(values, reverse=True)
    assert values[0] > values[-1]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8)), min_size=1, max_size=30))
def test_empc_depends_on_the_order_of_scores_alone(rows: list[tuple[int, int]]) -> None:
    churned, scores = (np.array(column) for column in zip(*rows, strict=True))
    value = Empc()(grouped(churned, scores.astype(float)))[0]
    assert value >= 0.0
    assert Empc()(grouped(churned[::-1], np.exp(scores[::-1] / 3.0)))[0] == pytest.approx(value)
