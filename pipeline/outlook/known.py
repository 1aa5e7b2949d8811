"""What the outlook looks at: orders as waits, customers as the value model sees them, the process model in use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from features.log import DAY_US
from models.bgnbd import fitted_bgnbd
from models.btyd import BgNbd, Floats
from models.formulas import parts
from models.intervals import Interval
from models.plain import number
from models.scorer import Scorer
from models.value import Customers
from pipeline import paths
from pipeline.files import read_json, read_table

Tree = dict[str, object]
BTYD = ("btyd_x", "btyd_t_x", "btyd_T")
DIGITS = 6


@dataclass(frozen=True)
class Log:
    """When each customer ordered, and up to when (`as_of`, exclusive) the log goes."""

    orders: pd.DataFrame  # customer_id, known_at
    as_of: pd.Timestamp

    def follow_up_days(self, cutoff: pd.Timestamp) -> float:
        """Days from a cutoff to the end of the log."""
        return (self.as_of - cutoff) / pd.Timedelta(days=1)

    def waits_days(self, rows: pd.DataFrame) -> Floats:
        """Days from each row's cutoff to the customer's next order; ∞ where none came by the end of the log."""
        ids, keys, moments = self._sorted
        asked, cutoffs = ids.get_indexer(pd.Index(rows["customer_id"])), _microseconds(rows["cutoff"])
        next_at = np.searchsorted(keys, asked * (len(moments) + 1) + np.searchsorted(moments, cutoffs))
        waits = np.full(len(rows), np.inf)
        inside = next_at < len(keys)
        who, when = np.divmod(keys[next_at[inside]], len(moments) + 1)
        inside[inside] = same = (who == asked[inside]) & (asked[inside] >= 0)
        waits[inside] = (moments[when[same]] - cutoffs[inside]) / DAY_US
        return waits

    @cached_property
    def _sorted(self) -> tuple[pd.Index, np.ndarray, np.ndarray]:
        """Customer ids, the orders seen as sorted keys, the distinct times.

        A key is the customer's number, then the time's rank: microseconds times customers would not fit 64 bits.
        """
        seen = self.orders[self.orders["known_at"] < self.as_of]
        who, ids = pd.factorize(seen["customer_id"])
        moments, ranks = np.unique(_microseconds(seen["known_at"]), return_inverse=True)
        return pd.Index(ids), np.sort(who * (len(moments) + 1) + ranks), moments


def read_log() -> Log:
    """The shop's orders, up to `as_of`."""
    orders = read_table(paths.CLEAN / "orders.parquet", ["customer_id", "known_at"])
    return Log(orders, pd.Timestamp(str(read_json(paths.CATALOGUE)["as_of"])))


def customers_of(rows: pd.DataFrame) -> Customers:
    """The rows as the value model looks at them."""
    x, T, orders, spend = (
        rows[name].to_numpy(np.float64) for name in ("btyd_x", "btyd_T", "orders_ever", "spend_ever")
    )
    return Customers(x, T, orders, np.divide(spend, orders, out=np.full(len(rows), np.nan), where=orders > 0))


def process_of(scorer: Scorer, rows: pd.DataFrame) -> BgNbd:
    """BG/NBD as the scorer holds it, else fitted on the rows, which needs no label."""
    for part in parts(scorer.formula):
        if part["kind"] == "bgnbd":
            return BgNbd(*(number(part[name]) for name in ("r", "alpha", "a", "b")))
    return fitted_bgnbd(*histories(rows))


def histories(rows: pd.DataFrame) -> tuple[Floats, Floats, Floats]:
    """x, t_x and T of the rows."""
    x, t_x, T = (rows[name].to_numpy(np.float64) for name in BTYD)
    return x, t_x, T


def told(interval: Interval, digits: int = DIGITS) -> dict[str, float | None]:
    """For JSON; what is not a number is null."""
    return {key: known(value, digits) for key, value in interval.as_dict().items()}


def known(value: float | None, digits: int = DIGITS) -> float | None:
    """The number rounded; null where there is none."""
    return round(float(value), digits) if value is not None and np.isfinite(value) else None


def left_out(why: str) -> Tree:
    """In place of figures: why there are none, as the page says it."""
    return {"left_out": why}


def _microseconds(times: pd.Series) -> np.ndarray:
    return np.asarray(times.dt.tz_convert(None).to_numpy("datetime64[us]").astype(np.int64))
