"""When the next order is expected, in days from the cutoff, if the customer is still one.

While alive a customer buys at rate λ | history ~ Gamma(r + x, α + T) (BG/NBD, models/btyd.py), so the wait for the next
order is Lomax: P(wait > t) = ((α + T) / (α + T + t))^(r + x). The point given is the median: for r + x ≤ 1 the mean is
infinite.
"""

from __future__ import annotations

import numpy as np

from models.btyd import BgNbd, Floats

LONGEST_WAIT_DAYS = 5 * 365.0  # nobody plans further ahead, and the tail of a one-time buyer reaches centuries


def wait_quantile_days(model: BgNbd, x: Floats, T: Floats, share: float) -> Floats:
    """Days by which `share` of such customers have ordered again; at most LONGEST_WAIT_DAYS."""
    log_growth = -np.log1p(-share) / (model.r + x)
    longest = np.log1p(LONGEST_WAIT_DAYS / (model.alpha + T))
    days = (model.alpha + T) * np.expm1(np.minimum(log_growth, longest))
    return np.asarray(np.minimum(days, LONGEST_WAIT_DAYS), dtype=np.float64)


def expected_wait_days(model: BgNbd, x: Floats, T: Floats, share: float = 0.8) -> tuple[Floats, Floats, Floats]:
    """Median wait, and the low and high ends of the middle `share` of waits."""
    return (
        wait_quantile_days(model, x, T, 0.5),
        wait_quantile_days(model, x, T, (1.0 - share) / 2.0),
        wait_quantile_days(model, x, T, (1.0 + share) / 2.0),
    )
