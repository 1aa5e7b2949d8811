"""The leakage proof passes an honest engine and catches a dishonest feature or reader, each for its own reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import DataError
from features.kinds import ENGAGEMENT_KINDS
from features.log import DAY_US, Ints
from features.records import Records
from features.registry import Settings
from pipeline.event_log import records_of
from pipeline.featurizing import leakage
from pipeline.featurizing.leakage import (
    LATE,
    MADE_UP,
    POPULATION,
    READ,
    REMOVED,
    RENAMED,
    SHUFFLED,
    attempts,
    prove,
    rounds,
)
from pipeline.featurizing.tampering import AT_AND_AFTER, HAPPENED_BEFORE, Intruders, ShopTables, without_future
from pipeline.featurizing.through_store import through_store
from tests.features.conftest import SETTINGS, random_records
from tests.pipeline.clean_shop import clean_shop

CUTOFFS = [200 * DAY_US, 320 * DAY_US + 5, 450 * DAY_US]
EVERYTHING = {MADE_UP, LATE, REMOVED, SHUFFLED, RENAMED}


@pytest.fixture(scope="module")
def shop() -> ShopTables:
    return clean_shop(random_records(seed=11))


def verdicts(shop: ShopTables, settings: Settings = SETTINGS) -> dict[str, set[str]]:
    """What each attempt changed, those that changed nothing left out."""
    found = {one.attempt: set(one.changed_columns) for one in attempts(shop, CUTOFFS, settings)}
    assert set(found) == EVERYTHING
    return {attempt: columns for attempt, columns in found.items() if columns}


def happened_is_known(shop: ShopTables) -> ShopTables:
    """The tables as a reader sees them that takes when a fact happened for when it was known."""

    def swapped(table: pa.Table, happened: str) -> pa.Table:
        return table.set_column(table.column_names.index("known_at"), "known_at", table[happened])

    return ShopTables(swapped(shop.orders, "ordered_at"), swapped(shop.engagement, "occurred_at"), shop.order_items)


def read_with(monkeypatch: pytest.MonkeyPatch, read: Callable[[pa.Table, pa.Table, pa.Table], Records]) -> None:
    monkeypatch.setattr(leakage, "records_of", read)


@pytest.mark.parametrize("lag_us", [0, 3 * DAY_US])
def test_an_honest_engine_passes_every_attempt_at_every_cutoff(lag_us: int) -> None:
    records = random_records(seed=12)
    shop, (customer, time) = clean_shop(records, lag_us), (records.orders["customer"], records.orders["time"])
    active = [(time < cutoff) & (time >= cutoff - 365 * DAY_US) for cutoff in CUTOFFS]
    told = prove(shop.orders, shop.engagement, shop.order_items, CUTOFFS, SETTINGS)
    assert (told["passed"], told["customers"], told["cutoffs"]) == (True, len(set(customer.tolist())), 3)
    tried = {str(one["attempt"]): one for one in told["attempts"]}  # type: ignore[attr-defined]
    assert set(tried) == EVERYTHING
    assert {int(one["rows"]) for one in tried.values()} == {sum(len(set(customer[rows])) for rows in active)}
    assert not any(one["changed_columns"] for one in tried.values())


def test_a_clock_that_counts_the_cutoff_itself_is_caught(shop: ShopTables, monkeypatch: pytest.MonkeyPatch) -> None:
    def at_or_before(time: Ints, instants: Ints) -> Ints:
        return np.searchsorted(instants, time, side="left")

    monkeypatch.setattr("features.grid.slots", at_or_before)
    caught = verdicts(shop)
    assert {"orders_30d", "spend_365d", "days_since_last_session", "emails_opened_30d"} <= caught[MADE_UP]
    assert not {SHUFFLED, RENAMED} & set(caught)


def test_a_reader_that_goes_by_when_a_fact_happened_is_caught_by_late_facts_alone(
    shop: ShopTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_happening(orders: pa.Table, engagement: pa.Table, items: pa.Table) -> Records:
        known = happened_is_known(ShopTables(orders, engagement, items))
        return records_of(known.orders, known.engagement, items)

    read_with(monkeypatch, by_happening)
    caught = verdicts(shop)
    assert set(caught) == {LATE}
    assert {POPULATION, "orders_90d", "spend_ever", "refunds_90d", "days_since_last_engagement"} <= caught[LATE]


def test_a_reader_of_events_alone_by_when_they_happened_is_caught(
    shop: ShopTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_happening(orders: pa.Table, engagement: pa.Table, items: pa.Table) -> Records:
        known = happened_is_known(ShopTables(orders, engagement, items))
        return records_of(orders, known.engagement, items)

    read_with(monkeypatch, by_happening)
    caught = verdicts(shop)
    assert set(caught) == {LATE}
    assert "refunds_90d" in caught[LATE]
    assert not {"orders_90d", POPULATION} & caught[LATE]


def test_a_reader_that_leaves_out_orders_by_their_status_of_today_is_caught(
    shop: ShopTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_cancelled(orders: pa.Table, engagement: pa.Table, items: pa.Table) -> Records:
        gone = engagement.filter(pc.is_in(engagement["kind"], pa.array(["cancellation", "refund"])))["subject"]
        return records_of(orders.filter(pc.invert(pc.is_in(orders["order_id"], pc.unique(gone)))), engagement, items)

    read_with(monkeypatch, not_cancelled)
    caught = verdicts(shop)
    assert {MADE_UP, LATE} == set(caught)
    assert caught[MADE_UP] & {"orders_ever", POPULATION}


def test_an_own_feature_that_looks_at_what_became_of_an_order_is_caught(
    shop: ShopTables, own_module: Callable[[str], str]
) -> None:
    text = '''
    @feature(unit="count", empty=0.0)
    def orders_kept(past: Past) -> Column:
        """Orders that were not sent back, as the order's status says today."""
        until_today = Past(past.rows, None, past.horizon_days, ends_days=-900)
        return past.of("order").count() - until_today.of("refund").count()
    '''
    caught = verdicts(shop, replace(SETTINGS, extra=(own_module(text),)))
    assert caught == {MADE_UP: {"orders_kept"}, LATE: {"orders_kept"}, REMOVED: {"orders_kept"}}


def test_an_own_feature_that_tells_the_customers_number_is_caught_by_the_other_names(
    shop: ShopTables, own_module: Callable[[str], str]
) -> None:
    text = '''
    @feature(unit="count", empty=0.0)
    def number(past: Past) -> Column:
        """The customer's place among all."""
        return past.rows.customer.astype(float)
    '''
    assert verdicts(shop, replace(SETTINGS, extra=(own_module(text),)))[RENAMED] == {"number"}


def test_a_reader_that_trusts_the_order_of_the_rows_is_caught_by_shuffling(
    shop: ShopTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    def last_rows_dropped(orders: pa.Table, engagement: pa.Table, items: pa.Table) -> Records:
        return records_of(orders, engagement.slice(0, 1_000), items)

    read_with(monkeypatch, last_rows_dropped)
    assert "sessions_30d" in verdicts(shop)[SHUFFLED]


def test_a_leak_stops_the_run_with_columns_and_what_to_mend(shop: ShopTables, monkeypatch: pytest.MonkeyPatch) -> None:
    def by_happening(orders: pa.Table, engagement: pa.Table, items: pa.Table) -> Records:
        known = happened_is_known(ShopTables(orders, engagement, items))
        return records_of(orders, known.engagement, items)

    read_with(monkeypatch, by_happening)
    with pytest.raises(
        DataError,
        match=r"the leakage proof failed in 1 attempt\(s\): facts that happened before the cutoff and became known at "
        r"or after it changed days_since_last_session, .* and \d+ more columns, so it goes by when a fact happened "
        r"instead of known_at.*Mend the feature, or the reader",
    ):
        prove(shop.orders, shop.engagement, shop.order_items, CUTOFFS, SETTINGS)


def test_the_store_of_the_local_engine_passes_every_attempt(shop: ShopTables) -> None:
    told = prove(shop.orders, shop.engagement, shop.order_items, CUTOFFS, SETTINGS, through_store)
    assert {str(one["attempt"]) for one in told["attempts"]} == {*EVERYTHING, READ}  # type: ignore[attr-defined]


def test_a_store_that_goes_by_when_a_fact_happened_is_caught_though_no_fact_of_the_shop_was_late(
    shop: ShopTables,
) -> None:
    def leaking(tables: ShopTables) -> Records:
        return through_store(happened_is_known(tables))

    found = {one.attempt: one.changed_columns for one in attempts(shop, CUTOFFS, SETTINGS, leaking)}
    assert [attempt for attempt, columns in found.items() if columns] == [LATE]


def test_a_store_that_reads_something_else_than_the_tables_say_is_caught(shop: ShopTables) -> None:
    def forgetful(tables: ShopTables) -> Records:
        records = through_store(tables)
        return replace(records, orders={**records.orders, "discount": records.orders["units"] * 0})

    found = {one.attempt: set(one.changed_columns) for one in attempts(shop, CUTOFFS, SETTINGS, forgetful)}
    assert {"discount_share_ever", "discounted_orders_share_365d"} <= found[READ]


def test_what_is_made_up_is_of_every_kind_and_stands_on_both_sides_of_known_at(shop: ShopTables) -> None:
    at = np.full(len(pc.unique(shop.orders["customer_id"])), CUTOFFS[1])
    for moments, happened_before in ((AT_AND_AFTER, False), (HAPPENED_BEFORE, True)):
        joined = Intruders.among(shop, moments).join(shop, at)
        events = joined.engagement.slice(shop.engagement.num_rows)
        known, happened = (events[name].cast(pa.int64()).to_numpy() for name in ("known_at", "occurred_at"))
        assert set(events["kind"].to_pylist()) == set(ENGAGEMENT_KINDS)
        assert known.min() == CUTOFFS[1]
        assert (happened < CUTOFFS[1]).all() == happened_before
        own = dict(zip(*(shop.orders[name].to_pylist() for name in ("order_id", "customer_id")), strict=True))
        subjects = events.select(["customer_id", "subject"]).to_pylist()
        assert all(own[row["subject"]] == row["customer_id"] for row in subjects)
        assert joined.orders.schema == shop.orders.schema


def test_without_future_keeps_what_was_known_before_each_customers_cutoff(shop: ShopTables) -> None:
    people = pc.unique(shop.orders["customer_id"]).sort()
    kept = without_future(shop, people, np.array([CUTOFFS[number % 3] for number in range(len(people))]))
    latest = kept.orders.group_by("customer_id").aggregate([("known_at", "max")]).to_pylist()
    assert all(
        row["known_at_max"].timestamp() * 1e6 < CUTOFFS[people.index(row["customer_id"]).as_py() % 3] for row in latest
    )
    assert kept.orders.num_rows > 100


@given(
    rows=st.lists(st.lists(st.sampled_from(range(40)), unique=True).map(sorted), min_size=1, max_size=150),
)
def test_every_cutoff_is_tempted_and_so_is_every_row_where_customers_are_few(rows: list[list[int]]) -> None:
    plan = rounds(rows, range(40))
    assert {int(cutoff) for cutoffs in plan for cutoff in cutoffs} == set(range(40))
    if len(rows) <= leakage.FEW_CUSTOMERS:
        for number, own in enumerate(rows):
            assert set(own) <= {int(cutoffs[number]) for cutoffs in plan}


def test_a_shop_of_heavy_users_is_proven_on_those_with_the_fewest_facts(
    shop: ShopTables, monkeypatch: pytest.MonkeyPatch
) -> None:
    for most, customers in ((100, 3), (0, 1)):
        monkeypatch.setattr(leakage, "MOST_FACTS", most)
        told = prove(shop.orders, shop.engagement, shop.order_items, CUTOFFS, SETTINGS)
        assert told["customers"] == customers
