"""The recency rule: monotone, and the observed rate where it has rows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.recency_rule import RecencyRule


def test_risk_never_falls_with_silence_even_when_the_data_does() -> None:
    draw = np.random.default_rng(1)
    days = draw.integers(1, 300, 5000).astype(float)
    churned = (draw.uniform(size=5000) < np.where(days < 150, days / 200, 0.6)).astype(np.int8)
    rule = RecencyRule().fit(pd.DataFrame({"days_since_last_order": days}), churned)
    ages = pd.DataFrame({"days_since_last_order": np.arange(0.0, 500.0)})
    assert (np.diff(rule.churn_log_odds(ages)) >= 0).all()
    assert rule.predict_proba(ages)[100, 1] == pytest.approx(0.5, abs=0.06)


def test_one_age_for_all_gives_the_churn_rate() -> None:
    rule = RecencyRule().fit(pd.DataFrame({"days_since_last_order": [5.0] * 4}), np.array([0, 1, 1, 1], np.int8))
    answer = rule.predict_proba(pd.DataFrame({"days_since_last_order": [1.0, 5.0, 900.0]}))[:, 1]
    assert answer == pytest.approx([0.7, 0.7, 0.7])  # (3 + 0.5) / (4 + 1)
