"""Rows become a log whatever they leave out: a field, what a machine did, when it was known, whose items they are."""

from __future__ import annotations

import pytest

from features.log import DAY_US
from features.reading import log_from_records

VISIT = {"customer_id": "a", "kind": "session", "occurred_at": 3 * DAY_US, "is_machine": False}
ORDER = {"customer_id": "a", "order_id": "1", "ordered_at": 2 * DAY_US, "revenue": "12.5"}


@pytest.mark.parametrize(
    ("known", "times"),
    [
        ([{}, {}], [2, 3]),
        ([{"known_at": 5 * DAY_US}, {"known_at": 4 * DAY_US}], [4, 5]),
        ([{"known_at": 5 * DAY_US}, {}], [3, 5]),
        ([{"known_at": None}, {"known_at": 4 * DAY_US}], [2, 4]),
        ([{"known_at": 0}, {"known_at": None}], [0, 3]),
    ],
)
def test_a_row_is_known_when_it_happened_unless_it_says(known: list[dict[str, int | None]], times: list[int]) -> None:
    rows = [{**VISIT, "occurred_at": 2 * DAY_US}, VISIT]
    log = log_from_records([], [row | said for row, said in zip(rows, known, strict=True)])
    assert (log.of("session").time // DAY_US).tolist() == times


@pytest.mark.parametrize("said", [{"is_machine": True}, {"is_machine": 1}])
def test_what_a_machine_did_is_left_out_even_where_others_do_not_say(said: dict[str, object]) -> None:
    silent = {key: value for key, value in VISIT.items() if key != "is_machine"}
    for others in ([VISIT, VISIT], [silent, VISIT]):
        assert log_from_records([], [*others, VISIT | said]).of("session").events == [2]


def test_a_field_that_some_rows_lack_is_0_there_and_text_is_a_number() -> None:
    log = log_from_records([ORDER, ORDER | {"ordered_at": DAY_US, "units": 2.0}], [])
    assert log.of("order").fields["revenue"].tolist() == [125_000, 125_000]
    assert log.of("order").fields["units"].tolist() == [20_000, 0]


def test_items_of_an_order_that_is_not_there_are_left_out_and_names_that_read_alike_are_one() -> None:
    items = [{"order_id": order, "product_id": product} for order, product in ((1, 7), ("1", "7"), ("2", "8"), (1, 9))]
    assert log_from_records([ORDER], [], items).of("order").fields["products"].tolist() == [2]


@pytest.mark.parametrize("column", ["customer_id", "occurred_at", "kind"])
def test_a_row_without_what_it_needs_is_an_error_that_names_it(column: str) -> None:
    with pytest.raises(KeyError, match=column):
        log_from_records([], [{key: value for key, value in VISIT.items() if key != column}])
