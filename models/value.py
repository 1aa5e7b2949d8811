"""What a customer is worth over the horizon if kept: expected orders × expected order value (× margin, by the caller).

Orders if kept: BG/NBD's rate given alive is Gamma(r + x, α + T), so over the horizon h orders are negative binomial
with mean m = h (r + x) / (α + T) and P(none) q; given at least one, 1 + s · (m / (1 − q) − 1). Order value: the
customer's own mean over n orders, drawn towards the shop's, (n · own + k · shop) / (n + k). The slope s, the weight k
and a last factor that makes the total right are learned from kept customers of closed cutoffs; so is the season, the
ratio of what came to what was expected one year before. Money is in the shop's currency.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from features.errors import ModelError
from models.btyd import BgNbd, Floats, quiet_log_probability

FEWEST_KEPT = 100
WEIGHTS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)


@dataclass(frozen=True)
class Customers:
    """What the value model looks at, one entry per customer."""

    x: Floats
    T: Floats
    orders: Floats
    order_value: Floats  # own mean; NaN when unknown


@dataclass(frozen=True)
class ValueModel:
    """`slope` s, `weight` k, `shop_value` the shop's mean order value, `scale` the last factor, `season` the year's."""

    bgnbd: BgNbd
    horizon_days: float
    slope: float
    weight: float
    shop_value: float
    scale: float
    season: float = 1.0

    def revenue_if_kept(self, customers: Customers) -> Floats:
        """Expected revenue of the horizon given at least one order in it."""
        own = personal_order_value(customers, self.shop_value, self.weight)
        return self.season * self.scale * own * orders_if_kept(self.bgnbd, customers, self.horizon_days, self.slope)


def orders_if_kept(model: BgNbd, customers: Customers, horizon_days: float, slope: float) -> Floats:
    """Expected orders of the horizon given at least one; `slope` 1 is the plain negative binomial."""
    mean = horizon_days * (model.r + customers.x) / (model.alpha + customers.T)
    some = -np.expm1(quiet_log_probability(model, customers.x, customers.T, horizon_days))
    return np.asarray(1.0 + slope * (mean / some - 1.0), dtype=np.float64)


def personal_order_value(customers: Customers, shop_value: float, weight: float) -> Floats:
    """Own mean drawn towards the shop's; a customer without a known value is the shop's average."""
    own = np.where(np.isnan(customers.order_value), shop_value, customers.order_value)
    shrunken = (customers.orders * own + weight * shop_value) / (customers.orders + weight)
    return np.asarray(np.maximum(shrunken, 0.0), dtype=np.float64)


def fitted_value(
    bgnbd: BgNbd, horizon_days: float, kept: Customers, future_orders: Floats, future_revenue: Floats
) -> ValueModel:
    """Learn slope, weight and scale from customers who did order in the horizon; raises ModelError without any."""
    if len(future_orders) == 0 or future_revenue.sum() <= 0:
        raise ModelError(
            f"no revenue to learn from: {len(future_orders)} customers ordered in the horizons of the closed cutoffs, "
            f"for {future_revenue.sum():,.2f} in all. Check the revenue column, or map none."
        )
    slope = _slope(orders_if_kept(bgnbd, kept, horizon_days, 1.0) - 1.0, future_orders - 1.0)
    shop_value = float(future_revenue.sum() / future_orders.sum())
    weight = _weight(kept, shop_value, future_revenue / future_orders)
    plain = ValueModel(bgnbd, horizon_days, slope, weight, shop_value, scale=1.0)
    return ValueModel(
        bgnbd, horizon_days, slope, weight, shop_value, float(future_revenue.sum() / plain.revenue_if_kept(kept).sum())
    )


def in_season(model: ValueModel, kept: Customers, future_revenue: Floats) -> ValueModel:
    """The model with the season of the kept customers one year before; too few of them, or no revenue, change nothing.

    Revenue is mostly the work of few customers, so fewer than `FEWEST_KEPT` say more of them than of the season.
    """
    expected = float(model.revenue_if_kept(kept).sum())
    if len(future_revenue) < FEWEST_KEPT or future_revenue.sum() <= 0 or expected <= 0:
        return model
    return replace(model, season=model.season * float(future_revenue.sum()) / expected)


def _slope(predicted: Floats, actual: Floats) -> float:
    squares = float(predicted @ predicted)
    return max(float(predicted @ actual) / squares, 0.0) if squares > 0 else 0.0


def _weight(kept: Customers, shop_value: float, actual: Floats) -> float:
    # In logs, so that a few huge orders do not decide alone; the scale puts the total right afterwards.
    def loss(weight: float) -> float:
        error = np.log1p(personal_order_value(kept, shop_value, weight)) - np.log1p(np.maximum(actual, 0.0))
        return float(((error - error.mean()) ** 2).mean())

    return min(WEIGHTS, key=loss)
