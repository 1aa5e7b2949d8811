"""Who is in a snapshot, what the label says, and a slow reference for the windows."""

from __future__ import annotations

import numpy as np
import pytest

from features.asof import Settings, label, population, snapshot
from features.log import DAY_US
from features.reading import log_from_records
from features.records import Records
from features.registry import feature_columns
from tests.features.conftest import SETTINGS

CUTOFF = 100 * DAY_US


def log_with_orders_at(*times_us: int):
    return log_from_records(
        [{"customer_id": "c", "order_id": str(n), "ordered_at": time, "revenue": 7} for n, time in enumerate(times_us)],
        [],
    )


def test_an_order_exactly_at_the_cutoff_is_not_seen() -> None:
    rows = population(log_with_orders_at(10 * DAY_US, CUTOFF), [CUTOFF], None)
    answers, line, _ = rows.window(0, 0)
    assert answers.reach("order", line).tolist() == [1]


def test_the_population_ends_with_the_last_order_active_days_ago() -> None:
    at_the_edge = population(log_with_orders_at(CUTOFF - 30 * DAY_US), [CUTOFF], 30)
    just_outside = population(log_with_orders_at(CUTOFF - 30 * DAY_US - 1), [CUTOFF], 30)
    everyone = population(log_with_orders_at(CUTOFF - 30 * DAY_US - 1), [CUTOFF], None)
    assert [len(rows.customer) for rows in (at_the_edge, just_outside, everyone)] == [1, 0, 1]


@pytest.mark.parametrize(
    ("next_order_us", "churned"),
    [(CUTOFF, 0), (CUTOFF + 90 * DAY_US - 1, 0), (CUTOFF + 90 * DAY_US, 1), (CUTOFF + 400 * DAY_US, 1)],
)
def test_the_label_window_is_half_open(next_order_us: int, churned: int) -> None:
    rows = population(log_with_orders_at(DAY_US, next_order_us), [CUTOFF], None)
    outcome = label(rows, 90)
    assert outcome.churned.tolist() == [churned]
    assert outcome.future_orders.tolist() == [1 - churned]
    assert outcome.future_revenue.tolist() == [7.0 * (1 - churned)]


def test_windowed_counts_and_sums_equal_a_slow_reference(shop: Records) -> None:
    cutoff = 333 * DAY_US
    known = snapshot(shop.log(), [cutoff], SETTINGS)
    time, customer, revenue = (shop.orders[name] for name in ("time", "customer", "revenue"))
    for days in (30, 90, 365):
        inside = (time < cutoff) & (time >= cutoff - days * DAY_US)
        for row, name in enumerate(known.customer_ids):
            own = inside & (customer == shop.customer_ids.index(name))
            assert known.values[row, known.columns.index(f"orders_{days}d")] == own.sum()
            assert known.values[row, known.columns.index(f"spend_{days}d")] == pytest.approx(revenue[own].sum() / 1e4)


def test_decayed_activity_equals_a_slow_reference(shop: Records) -> None:
    cutoff = 333 * DAY_US
    known = snapshot(shop.log(), [cutoff], SETTINGS)
    time, customer = shop.orders["time"], shop.orders["customer"]
    for row, name in enumerate(known.customer_ids):
        own = time[(time < cutoff) & (customer == shop.customer_ids.index(name))]
        expected = np.exp2(-(cutoff - own) / DAY_US / 14).sum()
        assert known.values[row, known.columns.index("orders_decayed_14d")] == pytest.approx(expected, rel=1e-12)


def test_what_the_shop_does_not_have_is_left_out() -> None:
    without = feature_columns(Settings(90, None, (14,), frozenset({"revenue", "session"})))
    names = {column.name for column in without}
    assert "orders_30d" in names
    assert not {"spend_30d", "order_value_last", "sessions_30d", "days_since_last_session"} & names


def test_an_empty_log_gives_an_empty_snapshot_with_all_columns() -> None:
    known = snapshot(log_from_records([], []), [CUTOFF], SETTINGS)
    assert known.values.shape == (0, len(feature_columns(SETTINGS)))


def test_a_shop_without_an_order_has_no_labels() -> None:
    visit = {"customer_id": "c", "kind": "session", "occurred_at": DAY_US}
    outcome = label(population(log_from_records([], [visit]), [CUTOFF], None), 90)
    assert [len(outcome.churned), len(outcome.future_orders), len(outcome.future_revenue)] == [0, 0, 0]
