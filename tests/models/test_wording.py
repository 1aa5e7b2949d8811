"""Reasons in words: typed by hand for a few, readable for every built-in column, the name itself for one's own."""

from __future__ import annotations

import math
import re

import pytest

from features.asof import Settings
from features.registry import feature_columns
from models.reasons import BTYD_REASON
from models.wording import PHRASES, worded

COLUMNS = [
    column.name for column in feature_columns(Settings(horizon_days=90, active_days=365, half_lives_days=(14, 60)))
]


@pytest.mark.parametrize(
    ("feature", "value", "words"),
    [
        ("days_since_last_order", 94.0, "silent 94 days; usual gap 21"),
        ("orders_90d", 1.0, "1 order in the last 90 days"),
        ("orders_90d", 0.0, "0 orders in the last 90 days"),
        ("spend_ever", 1234.4, "spent 1,234 so far"),
        ("email_open_rate_365d", 0.254, "25 % of e-mails in the last 365 days opened"),
        ("orders_decayed_14d", 0.26, "recent orders count 0.3 (half after 14 days)"),
        ("sessions_trend_30d", -4.0, "-4 visits against the 30 days before"),
        ("silence_over_gap_mean", 4.48, "silent 4.5 times the usual gap"),
        ("silence_over_session_gap", 3.0, "no visit for 3.0 times the usual gap"),
        ("sessions_over_usual_30d", 0.4, "40 % of the usual visits in the last 30 days"),
        ("email_open_rate_decayed_14d", 0.25, "25 % of recent e-mails opened (half after 14 days)"),
        ("days_since_last_session", math.nan, "no visit so far"),
        ("order_value_mean_365d", math.nan, "no order in the last 365 days"),
        ("btyd_no_order", 0.873, "by the buying rhythm alone, 87 % would not order"),
        ("searches_per_visit_30d", 0.5, "searches per visit 0.5 in the last 30 days"),
        ("loves_tea", math.nan, "loves tea: nothing on record"),
    ],
)
def test_a_value_reads_as_typed_by_hand(feature: str, value: float, words: str) -> None:
    assert worded(feature, value, {"gap_mean_days": 21.3}) == words


def test_silence_of_a_one_time_buyer_has_no_usual_gap() -> None:
    assert worded("days_since_last_order", 94.0, {"gap_mean_days": math.nan}) == "silent 94 days"
    assert worded("days_since_last_order", 94.0) == "silent 94 days"


@pytest.mark.parametrize("value", [0.0, 1.0, 0.371, 12.0, -3.0, 20_000.0, math.nan])
def test_every_built_in_column_reads_as_words(value: float) -> None:
    assert len(COLUMNS) > 100
    for name in [*COLUMNS, BTYD_REASON]:
        words = worded(name, value, {"gap_mean_days": 21.0})
        assert not re.search(r"[_{}|]|nan|inf|None|  ", words), (name, words)


def test_every_built_in_column_has_a_phrase_and_every_phrase_a_column() -> None:
    bases = {name: re.sub(r"_(\d+d|ever)$", "", name) for name in COLUMNS}
    assert [name for name, base in bases.items() if name not in PHRASES and base not in PHRASES] == []
    assert set(PHRASES) - {BTYD_REASON} <= {*bases.values(), *COLUMNS}
