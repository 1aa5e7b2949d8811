"""A window longer than the log: columns of the families are left out and said, an own feature is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from features.errors import ConfigError
from features.log import DAY_US
from features.registry import feature_columns
from features.windows import absences, cut_short, longer_than_log
from tests.features.conftest import SETTINGS

LONG = '''
@feature(unit="count", empty=0.0, windows_days=(30, 400))
def carts(past: Past) -> Column:
    """Products put into the cart."""
    return past.of("cart_add").count()
'''


def test_a_log_as_long_as_every_window_leaves_nothing_out() -> None:
    assert longer_than_log(SETTINGS, 5, 5 + 365 * DAY_US) == {}


def test_columns_that_look_back_further_than_the_log_are_told_with_the_reason() -> None:
    reasons = longer_than_log(SETTINGS, 0, 365 * DAY_US - 1)
    assert reasons["spend_365d"] == "looks back 365 days, but the log starts 364 days before the last cutoff"
    columns = {column.name: column.window_days for column in feature_columns(SETTINGS)}
    assert set(reasons) == {name for name, days in columns.items() if days == 365}


def test_a_trend_needs_two_of_its_windows() -> None:
    reasons = longer_than_log(SETTINGS, 0, 200 * DAY_US)
    assert reasons["orders_trend_180d"].startswith("looks back 360 days")
    assert "orders_180d" not in reasons
    assert "orders_trend_90d" not in reasons


def test_an_own_window_longer_than_the_log_is_an_error_that_says_what_to_change(
    own_module: Callable[[str], str],
) -> None:
    settings = replace(SETTINGS, extra=(own_module(LONG),))
    assert longer_than_log(settings, 0, 400 * DAY_US) == {}
    with pytest.raises(
        ConfigError,
        match=r"carts_400d \(features\.mine_\d+\.carts\) looks back 400 days, but the log starts 399 days before the "
        r"last cutoff.*Shorten windows_days, write None in it for all the past, or pull a longer history",
    ):
        longer_than_log(settings, 0, 400 * DAY_US - 1)


def test_a_window_not_yet_full_at_the_first_cutoffs_is_a_line_and_no_error() -> None:
    cutoffs = [315 * DAY_US, 345 * DAY_US, 375 * DAY_US]
    assert cut_short(SETTINGS, 0, cutoffs) == (
        "the longest window looks back 365 days but the log starts 315 days before the first cutoff: at 2 of 3 cutoffs "
        "it is not yet full. Lower snapshots.max_cutoffs to learn from full windows only."
    )
    assert cut_short(SETTINGS, 0, cutoffs[2:]) is None


def test_what_the_shop_does_not_have_is_told_with_the_columns_it_costs() -> None:
    told = absences(replace(SETTINGS, absent=frozenset({"refund", "revenue"})))
    assert told["refund_share_ever"] == "needs refund and revenue, which the data does not have"
    assert told["refunds_90d"] == "needs refund, which the data does not have"
    assert "orders_90d" not in told
    assert absences(SETTINGS) == {}
