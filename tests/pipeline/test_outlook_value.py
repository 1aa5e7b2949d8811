"""The value model of a moment: the season comes from the closed cutoff one year before, and from no other."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.btyd import BgNbd
from pipeline.outlook.value import NOTHING_EARNED, Worth, fitted_worth

MODEL = BgNbd(r=1.0, alpha=100.0, a=0.8, b=2.5)
SIZE = 150


def rows(cutoff: str, revenue: float) -> pd.DataFrame:
    """Customers alike but for what they brought after the cutoff."""
    same = {"btyd_x": 2.0, "btyd_t_x": 100.0, "btyd_T": 200.0, "orders_ever": 3.0, "spend_ever": 90.0, "churned": 0}
    orders = np.tile([1.0, 2.0], SIZE // 2)
    moment = pd.Timestamp(cutoff, tz="UTC")
    return pd.DataFrame({**same, "cutoff": moment, "future_orders": orders, "future_revenue": revenue * orders})


def worth(closed: list[pd.DataFrame]) -> Worth:
    found = fitted_worth(MODEL, pd.concat(closed, ignore_index=True), rows("2025-09-01", 0.0), 90)
    assert isinstance(found, Worth)
    return found


def test_the_season_is_that_of_the_cutoff_one_year_before() -> None:
    found = worth([rows("2024-08-20", 60.0), rows("2024-12-01", 20.0), rows("2025-03-01", 20.0)])
    assert found.year_before == pd.Timestamp("2024-08-20", tz="UTC")
    assert found.revenue_if_kept.mean() == pytest.approx(90.0)  # 60 for each of 1.5 orders


def test_without_a_cutoff_near_one_year_before_there_is_no_season() -> None:
    found = worth([rows("2024-08-10", 60.0), rows("2025-03-01", 20.0)])
    assert (found.year_before, found.model.season) == (None, 1.0)
    assert found.revenue_if_kept.mean() == pytest.approx(60.0)  # 40 for each of 1.5 orders


def test_nobody_who_brought_anything_is_said() -> None:
    assert fitted_worth(MODEL, rows("2024-09-01", 0.0), rows("2025-09-01", 0.0), 90) == NOTHING_EARNED
