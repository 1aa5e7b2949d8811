"""Input as it should not be: rows in any order, rows twice, facts from after the end, kinds nobody knows."""

from __future__ import annotations

import numpy as np
import pytest

from features.asof import snapshot
from features.block import Calendar, block_features
from features.errors import DataError
from features.kinds import KINDS, unknown_kind
from features.log import DAY_US
from features.reading import log_from_records
from features.records import Records
from tests.features.conftest import SETTINGS

CALENDAR = Calendar((200 * DAY_US, 320 * DAY_US), 420 * DAY_US)
ORDERS = [{"customer_id": "c", "order_id": str(day), "ordered_at": day * DAY_US, "revenue": 5} for day in (10, 40, 90)]
EVENTS = [{"customer_id": "c", "kind": "session", "occurred_at": day * DAY_US} for day in (20, 95, 99)]


def test_rows_in_any_order_are_the_same_history() -> None:
    sorted_rows, turned = (
        snapshot(log_from_records(o, e), [100 * DAY_US], SETTINGS)
        for o, e in (
            (ORDERS, EVENTS),
            (ORDERS[::-1], [EVENTS[1], EVENTS[2], EVENTS[0]]),
        )
    )
    np.testing.assert_array_equal(sorted_rows.values, turned.values)


def test_an_event_given_twice_counts_twice_and_changes_no_age() -> None:
    # Removing duplicates is the work of `check`, which knows the ids; the engine adds up what it is given.
    known = snapshot(log_from_records(ORDERS, [*EVENTS, EVENTS[2]]), [100 * DAY_US], SETTINGS)
    seen = dict(zip(known.columns, known.values[0], strict=True))
    assert (seen["sessions_30d"], seen["days_since_last_session"]) == (3.0, 1.0)


def test_an_order_given_twice_is_one_shopping_day() -> None:
    known = snapshot(log_from_records([*ORDERS, {**ORDERS[2], "order_id": "again"}], []), [100 * DAY_US], SETTINGS)
    seen = dict(zip(known.columns, known.values[0], strict=True))
    assert (seen["orders_30d"], seen["occasions_ever"], seen["btyd_x"], seen["gap_last_days"]) == (2.0, 3.0, 2.0, 50.0)


def test_an_event_at_or_after_as_of_is_never_seen(shop: Records) -> None:
    until = {name: values[shop.orders["time"] < CALENDAR.as_of_us] for name, values in shop.orders.items()}
    events = {name: values[shop.engagement["time"] < CALENDAR.as_of_us] for name, values in shop.engagement.items()}
    place = np.cumsum(shop.orders["time"] < CALENDAR.as_of_us) - 1
    bought = (shop.orders["time"] < CALENDAR.as_of_us)[shop.items["order"]]
    items = {name: values[bought] for name, values in shop.items.items()}
    ended = Records(shop.customer_ids, until, events, {**items, "order": place[items["order"]]})
    assert len(ended.orders["time"]) < len(shop.orders["time"])
    whole, cut = (block_features(records, CALENDAR, SETTINGS) for records in (shop, ended))
    np.testing.assert_array_equal(whole.current.values, cut.current.values)
    np.testing.assert_array_equal(whole.history.values, cut.history.values)
    for name, values in vars(whole.outcome).items():
        np.testing.assert_array_equal(values, getattr(cut.outcome, name))


def test_a_row_of_a_kind_nobody_knows_is_told_by_its_number() -> None:
    with pytest.raises(DataError, match=r"^engagement row 2 has the kind 'sesion'.*did you mean 'session'\?"):
        log_from_records(ORDERS, [*EVENTS[:2], {**EVENTS[0], "kind": "sesion"}])


@pytest.mark.parametrize(
    ("kind", "meant"),
    [
        ("email_opened", r"did you mean 'email_open'\?"),
        ("Session", r"did you mean 'session'\?"),
        ("xyz", "known are order"),
    ],
)
def test_a_kind_nobody_knows_is_told_with_its_place_and_the_nearest_one(kind: str, meant: str) -> None:
    assert kind not in KINDS
    with pytest.raises(DataError, match=rf"^engagement row 17 has the kind {kind!r}, which is not known; {meant}"):
        raise unknown_kind(kind, "engagement row 17")
