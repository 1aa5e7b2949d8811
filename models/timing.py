"""When the next order is expected, in days from the cutoff, given that there is one within two years.

While alive a customer buys at rate λ | history ~ Gamma(r + x, α + T) (BG/NBD, models/btyd.py), so the wait for the next
order is Lomax: F(t) = 1 − ((α + T) / (α + T + t))^(r + x). Its tail reaches centuries for a one-time buyer (the mean is
infinite for r + x ≤ 1), so quantiles are of the wait given that it ends within LONGEST_WAIT_DAYS, and the point is the
median. Whether there will be an order at all is for the churn probability to say; for any other span of days, such as
the SECOND_ORDER_DAYS of a first-time buyer, `order_probability` says it.
"""

from __future__ import annotations

import numpy as np

from models.btyd import BgNbd, Floats, no_order_log_odds

LONGEST_WAIT_DAYS = 730.0
SECOND_ORDER_DAYS = 60.0


def wait_quantile_days(
    model: BgNbd, x: Floats, T: Floats, share: float, longest_days: float = LONGEST_WAIT_DAYS
) -> Floats:
    """Days by which `share` of such customers have ordered again, of those who do within `longest_days`."""
    within = -np.expm1((model.r + x) * np.log1p(-longest_days / (model.alpha + T + longest_days)))
    log_growth = -np.log1p(-share * within) / (model.r + x)
    return np.asarray((model.alpha + T) * np.expm1(log_growth), dtype=np.float64)


def expected_wait_days(
    model: BgNbd, x: Floats, T: Floats, share: float = 0.8, longest_days: float = LONGEST_WAIT_DAYS
) -> tuple[Floats, Floats, Floats]:
    """Median wait, and the low and high ends of the middle `share` of waits that end within `longest_days`."""
    return (
        wait_quantile_days(model, x, T, 0.5, longest_days),
        wait_quantile_days(model, x, T, (1.0 - share) / 2.0, longest_days),
        wait_quantile_days(model, x, T, (1.0 + share) / 2.0, longest_days),
    )


def order_log_odds(model: BgNbd, x: Floats, t_x: Floats, T: Floats, days: float) -> Floats:
    """Log odds of at least one order within `days` of the cutoff, P(alive) · (1 − q) (models/btyd.py)."""
    return -no_order_log_odds(model, x, t_x, T, days)


def second_order_probability(model: BgNbd, T: Floats, days: float = SECOND_ORDER_DAYS) -> Floats:
    """P(second order within `days` of the cutoff) of one who bought once, T days ago (so x = t_x = 0).

    Under BG/NBD nobody leaves before a second order; under MBG/NBD a share of a / (a + b) is gone at once.
    """
    once = np.zeros(len(T))
    return np.exp(-np.logaddexp(0.0, -order_log_odds(model, once, once, T, days)))
