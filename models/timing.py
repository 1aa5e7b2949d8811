"""When the next order is expected, in days from the cutoff, given that there is one within two years.

While alive a customer buys at rate λ | history ~ Gamma(r + x, α + T) (BG/NBD, models/btyd.py), so the wait for the next
order is Lomax: F(t) = 1 − ((α + T) / (α + T + t))^(r + x). Its tail reaches centuries for a one-time buyer (the mean is
infinite for r + x ≤ 1), so quantiles are of the wait given that it ends within LONGEST_WAIT_DAYS, and the point is the
median. Whether there will be an order at all is the churn probability's business, not this module's.
"""

from __future__ import annotations

import numpy as np

from models.btyd import BgNbd, Floats

LONGEST_WAIT_DAYS = 730.0


def wait_quantile_days(model: BgNbd, x: Floats, T: Floats, share: float) -> Floats:
    """Days by which `share` of such customers have ordered again, of those who do within two years."""
    within = -np.expm1((model.r + x) * np.log1p(-LONGEST_WAIT_DAYS / (model.alpha + T + LONGEST_WAIT_DAYS)))
    log_growth = -np.log1p(-share * within) / (model.r + x)
    return np.asarray((model.alpha + T) * np.expm1(log_growth), dtype=np.float64)


def expected_wait_days(model: BgNbd, x: Floats, T: Floats, share: float = 0.8) -> tuple[Floats, Floats, Floats]:
    """Median wait, and the low and high ends of the middle `share` of waits."""
    return (
        wait_quantile_days(model, x, T, 0.5),
        wait_quantile_days(model, x, T, (1.0 - share) / 2.0),
        wait_quantile_days(model, x, T, (1.0 + share) / 2.0),
    )
