"""People who live by models/fading.py themselves, as columns of the catalogue, so that the right answer is known."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.fading import Fading, Sign

KNOWN = Fading(stay=0.8, scale=60.0, fade=40.0, r=3.0, alpha=150.0, signs=(Sign(2.0, 12.0, 0.08), Sign(3.0, 5.0, 0.1)))
WINDOWS = (7, 14, 21, 30, 45, 60, 90, 120, 180)
MAILED = 14.0  # days between e-mails


def simulated(model: Fading, customers: int, seed: int, horizon: float = 90.0) -> tuple[pd.DataFrame, np.ndarray]:
    """The columns of people first seen 100 to 700 days ago, and whether each ordered nothing in the horizon."""
    draw = np.random.default_rng(seed)
    rows, quiet = [], []
    for _ in range(customers):
        T = draw.uniform(100.0, 700.0)
        end = T - model.scale * (draw.random() ** (-1.0 / model.stay) - 1.0)  # age; below 0 ahead
        orders = _ages(draw, draw.gamma(model.r, 1.0 / model.alpha), T, -horizon)
        orders = orders[orders > end]
        past = np.append(T, orders[orders > 0])
        quiet.append(not (orders <= 0).any())
        visits = _wanted(draw, _ages(draw, draw.gamma(2.0, 1.0 / 12.0), T, 0.0), end, model.fade, 0.08)
        sent = np.arange(draw.uniform(0.0, MAILED), T, MAILED)
        opened = _wanted(draw, sent, end, model.fade, 0.1, min(draw.gamma(3.0, 0.2), 1.0))
        rows.append(_columns(T, past, visits, sent, opened))
    return pd.DataFrame(rows), np.array(quiet)


def _ages(draw: np.random.Generator, rate: float, begin: float, stop: float) -> np.ndarray:
    return draw.uniform(stop, begin, draw.poisson(rate * (begin - stop)))


def _wanted(
    draw: np.random.Generator, age: np.ndarray, end: float, fade: float, left: float, chance: float = 1.0
) -> np.ndarray:
    return age[draw.random(len(age)) < chance * np.clip((age - end) / fade, left, 1.0)]


def _columns(
    T: float, orders: np.ndarray, visits: np.ndarray, sent: np.ndarray, opened: np.ndarray
) -> dict[str, float]:
    seen = {"btyd_x": len(orders) - 1.0, "btyd_t_x": T - orders.min(), "btyd_T": T}
    all_visits = np.append(visits, orders)
    seen |= {"days_since_first_session": all_visits.max(), "days_since_last_session": all_visits.min()}
    for name, ages in (("visits_alone", visits), ("emails_sent", sent), ("emails_opened", opened)):
        days = WINDOWS if name == "visits_alone" else (30, 90)
        seen |= {f"{name}_{one}d": float((ages < one).sum()) for one in days} | {f"{name}_ever": float(len(ages))}
    return seen
