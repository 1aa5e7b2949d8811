"""BG/NBD formulas against simulation and hand-worked values."""

from __future__ import annotations

import numpy as np
import pytest

from models.btyd import BgNbd, alive_probability, dead_log_odds, no_order_log_odds, quiet_log_probability
from models.formulas import probability

PAPER = BgNbd(r=0.243, alpha=4.414, a=0.793, b=2.426)  # Fader, Hardie & Lee 2005, CDNOW, in weeks
MODEL = BgNbd(r=1.4, alpha=40.0, a=0.9, b=3.0)


def of(*values: float) -> np.ndarray:
    return np.array(values, dtype=float)


def test_nobody_can_have_left_before_the_first_repeat() -> None:
    assert alive_probability(PAPER, of(0), of(0), of(38.86)) == pytest.approx(1.0)


def test_alive_probability_equals_the_papers_formula_worked_by_hand() -> None:
    # x = 2, t_x = 30.43, T = 38.86: 1 / (1 + a/(b+1) · ((α+38.86)/(α+30.43))^(r+2))
    odds = 0.793 / 3.426 * (43.274 / 34.844) ** 2.243
    assert alive_probability(PAPER, of(2), of(30.43), of(38.86)) == pytest.approx(1 / (1 + odds))


def test_silence_after_a_repeat_lowers_alive_and_raises_churn() -> None:
    x, t_x, T = of(4, 4, 4), of(100, 100, 100), of(101, 150, 400)
    assert (np.diff(alive_probability(MODEL, x, t_x, T)) < 0).all()
    assert (np.diff(no_order_log_odds(MODEL, x, t_x, T, 90.0)) > 0).all()


def test_log_odds_equal_the_mixture_of_gone_and_quiet() -> None:
    x, t_x, T = of(0, 1, 7), of(0, 30, 300), of(200, 200, 320)
    alive = alive_probability(MODEL, x, t_x, T)
    quiet = ((40.0 + T) / (40.0 + T + 90.0)) ** (1.4 + x)
    assert probability(no_order_log_odds(MODEL, x, t_x, T, 90.0)) == pytest.approx(1 - alive + alive * quiet)
    assert np.exp(quiet_log_probability(MODEL, x, T, 90.0)) == pytest.approx(quiet)


def test_extremes_stay_finite() -> None:
    x, t_x, T = of(0, 500, 2000, 1), of(0, 3649, 10, 1), of(1, 3650, 36500, 90000)
    assert np.isfinite(no_order_log_odds(MODEL, x, t_x, T, 1.0)).all()
    assert np.isneginf(dead_log_odds(MODEL, x, t_x, T)[0])


def test_probability_of_no_order_is_what_simulated_customers_do() -> None:
    """The claim itself: among simulated customers, grouped by predicted probability, that share buys nothing."""
    draw = np.random.default_rng(11)
    count, T, horizon = 60_000, 300.0, 90.0
    rate = draw.gamma(MODEL.r, 1 / MODEL.alpha, count)
    leave = draw.beta(MODEL.a, MODEL.b, count)
    x, t_x, bought, now, alive = (
        np.zeros(count),
        np.zeros(count),
        np.zeros(count, bool),
        np.zeros(count),
        np.ones(count, bool),
    )
    while (alive & (now < T + horizon)).any():
        now = now + draw.exponential(1.0, count) / rate
        past, future = alive & (now < T), alive & (now >= T) & (now < T + horizon)
        x, t_x, bought = x + past, np.where(past, now, t_x), bought | future
        alive &= (draw.uniform(size=count) >= leave) & (now < T + horizon)
    predicted = probability(no_order_log_odds(MODEL, x, t_x, np.full(count, T), horizon))
    for low, high in ((0.0, 0.3), (0.3, 0.6), (0.6, 0.9), (0.9, 1.0)):
        group = (predicted >= low) & (predicted < high)
        error = 4 * np.sqrt(0.25 / group.sum())
        assert abs((~bought[group]).mean() - predicted[group].mean()) < error, (low, group.sum())
    zero = x == 0
    assert abs((~bought[zero]).mean() - predicted[zero].mean()) < 0.02
