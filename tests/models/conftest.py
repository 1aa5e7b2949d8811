"""A small shop with known truth: buy-till-you-die customers at several cutoffs, in the columns `featurize` writes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from models.history import History
from models.registry import candidates
from models.training import Trained, fit_all

START = pd.Timestamp("2024-01-01", tz="UTC")
HORIZON_DAYS = 90


@dataclass(frozen=True)
class Shop:
    """Orders as parallel arrays (customer, day), the day each customer leaves, and days on which sessions happened."""

    customer: np.ndarray
    day: np.ndarray
    leaves: np.ndarray
    session_customer: np.ndarray
    session_day: np.ndarray


def simulated_shop(customers: int, days: int, seed: int, season: float = 0.0) -> Shop:
    """Poisson buying at a gamma rate until an exponential lifetime ends; sessions fade twenty days before."""
    draw = np.random.default_rng(seed)
    born = draw.uniform(0, days * 0.9, customers)
    rate = draw.gamma(1.2, 1 / 50.0, customers)
    leaves = born + draw.exponential(1.0, customers) * draw.gamma(2.0, 150.0, customers)
    orders = _arrivals(draw, born, np.minimum(leaves, days), rate * (1 + season))
    kept = draw.uniform(size=len(orders[1])) < (1 + season * np.cos(2 * np.pi * orders[1] / 365)) / (1 + season)
    orders = (orders[0][kept], orders[1][kept])
    sessions = _arrivals(draw, born, np.minimum(leaves - 20, days), 4 * rate + 0.01)
    customer = np.concatenate([np.arange(customers), orders[0]])
    day = np.concatenate([born, orders[1]])
    order = np.lexsort([day, customer])
    return Shop(customer[order], day[order], leaves, *sessions)


def _arrivals(
    draw: np.random.Generator, since: np.ndarray, until: np.ndarray, rate: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    counts = draw.poisson(np.maximum(until - since, 0) * rate)
    customer = np.repeat(np.arange(len(since)), counts)
    share = draw.uniform(size=len(customer))
    return customer, since[customer] + share * np.maximum(until - since, 0)[customer]


def history_of(shop: Shop, cutoffs: list[int], active_days: int = 365) -> pd.DataFrame:
    """One row per active customer and cutoff: features strictly before it, label within the horizon."""
    return pd.concat([_snapshot(shop, cutoff, active_days) for cutoff in cutoffs], ignore_index=True)


def _snapshot(shop: Shop, cutoff: int, active_days: int) -> pd.DataFrame:
    customers = len(shop.leaves)
    past = shop.day < cutoff
    who, day = shop.customer[past], np.floor(shop.day[past])
    count = np.bincount(who, minlength=customers)
    first, last = np.full(customers, np.inf), np.full(customers, -np.inf)
    np.minimum.at(first, who, day)
    np.maximum.at(last, who, day)
    visits = np.unique(np.column_stack([who, day]), axis=0)
    x = np.bincount(visits[:, 0].astype(int), minlength=customers) - 1.0
    known = np.flatnonzero((count > 0) & (cutoff - last <= active_days))
    future = (shop.day >= cutoff) & (shop.day < cutoff + HORIZON_DAYS)
    bought = np.bincount(shop.customer[future], minlength=customers)
    with np.errstate(divide="ignore", invalid="ignore"):
        table = {
            "days_since_last_order": cutoff - last,
            "tenure_days": cutoff - first,
            "orders_90d": np.bincount(who[day >= cutoff - 90], minlength=customers),
            "orders_ever": count,
            "gap_mean_days": np.where(x > 0, (last - first) / x, np.nan),
            "silence_over_gap_mean": np.where(x > 0, (cutoff - last) * x / np.maximum(last - first, 1), np.nan),
            "sessions_30d": _recent_sessions(shop, cutoff, 30),
            "sessions_90d": _recent_sessions(shop, cutoff, 90),
            "always_one": np.ones(customers),
            "never_filled": np.full(customers, np.nan),
            "season_peak_share": np.full(customers, 0.5 + 0.5 * np.cos(2 * np.pi * (cutoff + 45) / 365)),
            "btyd_x": x,
            "btyd_t_x": last - first,
            "btyd_T": cutoff - first,
        }
    rows = pd.DataFrame({name: values[known].astype(float) for name, values in table.items()})
    rows.insert(0, "customer_id", [f"c{number:06d}" for number in known])
    rows.insert(1, "cutoff", START + pd.Timedelta(days=cutoff))
    rows["cutoff"] = rows["cutoff"].astype("datetime64[us, UTC]")
    return rows.assign(churned=(bought[known] == 0).astype(np.int8))


def _recent_sessions(shop: Shop, cutoff: int, days: int) -> np.ndarray:
    recent = (shop.session_day < cutoff) & (shop.session_day >= cutoff - days)
    return np.bincount(shop.session_customer[recent], minlength=len(shop.leaves))


def feature_columns(history: pd.DataFrame) -> list[str]:
    return [name for name in history.columns if name not in ("customer_id", "cutoff", "churned")]


@pytest.fixture(scope="session")
def history() -> pd.DataFrame:
    """2,500 customers at eleven monthly cutoffs; six of them have label windows that end before the last one."""
    return history_of(simulated_shop(2500, 900, seed=3), [int(day) for day in np.arange(11) * 30 + 480])


BOOSTING = {
    "rounds": 30,
    "learning_rate": 0.1,
    "max_depth": 4,
    "min_child_weight": 20.0,
    "subsample": 0.8,
    "colsample_bytree": 0.6,
    "l2": 2.0,
}
NAMES = ["recency_rule", "logistic", "bgnbd", "mbgnbd", "xgboost", "xgboost_btyd", "xgboost_fading", "blend"]


@pytest.fixture(scope="session")
def labelled(history: pd.DataFrame) -> History:
    return History.of(history, feature_columns(history), HORIZON_DAYS)


@pytest.fixture(scope="session")
def trained(labelled: History) -> dict[str, Trained]:
    """Every candidate, fitted on what was closed by the last cutoff."""
    allowed = labelled.at(labelled.closed_by(labelled.moments()[-1]))
    return fit_all(candidates(NAMES, HORIZON_DAYS, 7, 1.0, BOOSTING), allowed)
