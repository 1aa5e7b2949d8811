"""The demo shop at its default size: published facts, engagement that leads churn, the oracle, the mess."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from features.kinds import ENGAGEMENT_KINDS
from features.tables import SCHEMAS
from pipeline.params import load_params
from pipeline.sources.demo import oracle_churn_probability, pull_demo

END = pd.Timestamp("2026-01-01", tz="UTC")
CUTOFF = pd.Timestamp("2025-09-01", tz="UTC")
DAY = pd.Timedelta(days=1)
YEAR = 365 * DAY


@dataclass(frozen=True)
class Shop:
    """The demo shop at its default size, read once."""

    raw: dict[str, pd.DataFrame]
    customers: pd.DataFrame
    orders: pd.DataFrame
    campaigns: pd.DataFrame
    rows: dict[str, int]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    folder = tmp_path_factory.mktemp("demo")
    raw, truth = folder / "raw", folder / "truth"
    demo = load_params(Path(__file__).parents[2] / "params.yaml").pull.demo
    rows = pull_demo(demo, raw, truth)
    tables = {name: pd.read_parquet(raw / f"{name}.parquet") for name in SCHEMAS}
    orders = pd.read_parquet(truth / "orders.parquet").sort_values(["customer_id", "ordered_at"])
    campaigns = pd.read_parquet(truth / "campaigns.parquet")
    return Shop(tables, pd.read_parquet(truth / "customers.parquet"), orders, campaigns, rows)


def nth_orders(shop: Shop) -> pd.DataFrame:
    """Time of each customer's first, second and third order (columns 0, 1, 2)."""
    place = shop.orders.groupby("customer_id").cumcount()
    return shop.orders.assign(place=place).pivot_table("ordered_at", "customer_id", "place", "min")[[0, 1, 2]]


def known_real(shop: Shop) -> pd.DataFrame:
    """The rows of the raw orders that are purchases of a known customer, each once."""
    orders = shop.raw["orders"]
    orders = orders.assign(
        at=pd.to_datetime(orders["ordered_at"], errors="coerce", format="%Y-%m-%dT%H:%M:%SZ", utc=True)
    )
    good = orders["customer_id"].notna() & (orders["at"] < END) & (orders["revenue"] > 0)
    return orders[good & (orders["status"] == "completed")].drop_duplicates("order_id")


def population(shop: Shop, cutoff: pd.Timestamp) -> pd.DataFrame:
    """Customers active in the year before the cutoff, with days since their last order and whether they churned."""
    before = shop.orders[shop.orders["ordered_at"] < cutoff].groupby("customer_id")["ordered_at"].max()
    active = before[before >= cutoff - YEAR]
    ahead = shop.orders["ordered_at"].between(cutoff, cutoff + 90 * DAY, inclusive="left")
    buyers = shop.orders.loc[ahead, "customer_id"].unique()
    silence = (cutoff - active).dt.days
    return pd.DataFrame({"days": silence, "churned": ~active.index.isin(buyers)}, index=active.index)


def oracle(shop: Shop, people: pd.DataFrame, cutoff: pd.Timestamp) -> NDArray[np.float64]:
    return oracle_churn_probability(shop.customers, list(people.index), [cutoff] * len(people), 90)


def test_32_in_100_order_again_within_a_year(shop: Shop) -> None:
    times = nth_orders(shop)
    watched = times[0] < END - YEAR
    assert (times[1] - times[0] < YEAR)[watched].mean() == pytest.approx(0.32, abs=0.02)


def test_53_in_100_of_those_order_a_third_time_within_a_year_of_the_second(shop: Shop) -> None:
    times = nth_orders(shop)
    watched = (times[0] < END - YEAR) & (times[1] - times[0] < YEAR) & (times[1] < END - YEAR)
    assert (times[2] - times[1] < YEAR)[watched].mean() == pytest.approx(0.53, abs=0.02)


def test_69_in_100_of_first_year_spend_falls_in_the_first_30_days(shop: Shop) -> None:
    first = shop.orders.groupby("customer_id")["ordered_at"].transform("min")
    age, revenue = shop.orders["ordered_at"] - first, shop.orders["revenue"].astype(float)
    year = (first < END - YEAR) & (age < YEAR)
    assert revenue[year & (age < 30 * DAY)].sum() / revenue[year].sum() == pytest.approx(0.69, abs=0.02)


def test_order_value_has_a_heavy_tail(shop: Shop) -> None:
    revenue = shop.orders["revenue"].astype(float)
    assert revenue.mean() > 1.2 * revenue.median()
    assert revenue.nlargest(len(revenue) // 100).sum() > 0.05 * revenue.sum()


def test_autumn_and_winter_sell_more_than_summer(shop: Shop) -> None:
    by_month = shop.orders["ordered_at"].dt.month.value_counts()
    assert by_month[[11, 12]].sum() > 1.5 * by_month[[6, 7]].sum()


def test_visits_fade_in_the_weeks_before_people_leave(shop: Shop) -> None:
    customers = shop.customers.set_index("customer_id")
    long = customers["lifetime_end_at"] - customers["first_order_at"] > 300 * DAY
    leavers = customers.loc[long & (customers["lifetime_end_at"] < END), "lifetime_end_at"]
    stays = customers["lifetime_end_at"].isna() | (customers["lifetime_end_at"] > END + 120 * DAY)
    stayers = customers.index[stays & (customers["first_order_at"] < CUTOFF - 300 * DAY)]
    assert last_weeks_over_before(shop, leavers) < 0.5
    assert last_weeks_over_before(shop, pd.Series(CUTOFF, index=stayers)) > 0.8


def last_weeks_over_before(shop: Shop, moment: pd.Series) -> float:
    """Visits in the four weeks before each person's moment over those in the four weeks half a year earlier."""
    sessions = shop.raw["engagement"].query("kind == 'session'")
    days = (sessions["customer_id"].map(moment) - sessions["occurred_at"]) / DAY
    return float(days.between(0, 28).sum() / days.between(182, 210).sum())


def test_visits_tell_churners_from_buyers_who_ordered_equally_long_ago(shop: Shop) -> None:
    people = population(shop, CUTOFF)
    engagement = shop.raw["engagement"]
    recent = engagement["occurred_at"].between(CUTOFF - 30 * DAY, CUTOFF, inclusive="left")
    visits = engagement[recent & (engagement["kind"] == "session")].groupby("customer_id").size()
    people = people.assign(visits=visits.reindex(people.index).fillna(0), group=pd.qcut(people["days"], 6))
    scores = [roc_auc_score(group["churned"], -group["visits"]) for _, group in people.groupby("group", observed=True)]
    assert min(scores) > 0.6


@pytest.mark.parametrize("cutoff", ["2024-03-01", "2024-11-01", "2025-09-01"])
def test_the_oracle_is_calibrated_on_what_happened(shop: Shop, cutoff: str) -> None:
    moment = pd.Timestamp(cutoff, tz="UTC")
    people = population(shop, moment)
    told = pd.Series(oracle(shop, people, moment), index=people.index)
    assert told.mean() == pytest.approx(people["churned"].mean(), abs=0.005)
    bins = pd.cut(told, [0, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98])
    gap = (told - people["churned"]).groupby(bins, observed=True).mean()
    noise = np.sqrt((told * (1 - told)).groupby(bins, observed=True).sum()) / bins.value_counts().reindex(gap.index)
    assert (gap.abs() < 3.5 * noise).all()


def test_the_oracle_knows_more_than_silence_tells(shop: Shop) -> None:
    people = population(shop, CUTOFF)
    churned, told = people["churned"], oracle(shop, people, CUTOFF)
    rate = churned.mean()
    loss = -np.log(np.where(churned, told, 1 - told)).mean()
    entropy = -(rate * np.log(rate) + (1 - rate) * np.log(1 - rate))
    assert 1 - loss / entropy == pytest.approx(0.74, abs=0.04)
    assert roc_auc_score(churned, told) > roc_auc_score(churned, people["days"]) + 0.1


def test_the_truth_is_not_in_the_raw_tables(shop: Shop) -> None:
    for name, table in shop.raw.items():
        allowed = {*SCHEMAS[name].names, "source_file", "source_row", *(["status"] if name == "orders" else [])}
        assert set(table.columns) == allowed


def test_the_raw_orders_without_the_mess_are_the_real_orders(shop: Shop) -> None:
    real = known_real(shop).set_index("order_id").sort_index()
    true = shop.orders.set_index("order_id").sort_index()
    assert real.index.equals(true.index)
    assert (real["customer_id"] == true["customer_id"]).all()
    assert (real["at"] == true["ordered_at"]).all()
    assert (real["revenue"] == true["revenue"]).all()


def test_order_lines_add_up_to_revenue_and_discount(shop: Shop) -> None:
    items = shop.raw["order_items"].drop_duplicates(["order_id", "product_id"])
    worth = items["quantity"] * items["unit_price"].astype(float)
    real = known_real(shop).set_index("order_id")
    gross = real["revenue"].astype(float) + real["discount"].astype(float)
    assert np.allclose(worth.groupby(items["order_id"]).sum().reindex(real.index), gross)


def test_every_kind_of_event_occurs(shop: Shop) -> None:
    assert set(ENGAGEMENT_KINDS) < set(shop.raw["engagement"]["kind"])


def test_there_are_40_to_80_events_for_each_customer(shop: Shop) -> None:
    assert 40 <= shop.rows["engagement"] / len(shop.customers) <= 80


MESS_IN_ORDERS = {
    "a guest": "customer_id.isna()",
    "a row of an overlapping export": "source_file.str.endswith('overlap')",
    "negative revenue": "revenue < 0",
    "a free parcel": "revenue == 0",
    "a cancelled order": "status == 'cancelled'",
    "a test order": "status == 'test'",
    "a date nobody can read": "ordered_at == '2025-13-45T00:00:00Z'",
    "an order after the end": "ordered_at.str[:4] == '2026'",
    "an order known late": "known_at > ordered_at",
}
MESS_IN_EVENTS = {
    "an unknown kind": "kind == 'emial_open'",
    "an event after the end": "occurred_at >= @END",
    "an event known late": "known_at > occurred_at",
    "a machine open": "is_machine and kind == 'email_open'",
    "a row of an overlapping export": "source_file.str.endswith('overlap')",
}


@pytest.mark.parametrize("condition", MESS_IN_ORDERS.values(), ids=MESS_IN_ORDERS.keys())
def test_mess_occurs_among_orders_and_stays_rare(shop: Shop, condition: str) -> None:
    assert 0 < len(shop.raw["orders"].query(condition, engine="python")) < 0.06 * len(shop.raw["orders"])


@pytest.mark.parametrize("condition", MESS_IN_EVENTS.values(), ids=MESS_IN_EVENTS.keys())
def test_mess_occurs_among_events_and_stays_rare(shop: Shop, condition: str) -> None:
    found = shop.raw["engagement"].query(condition, engine="python", local_dict={"END": END})
    assert 0 < len(found) < 0.1 * len(shop.raw["engagement"])


def test_rows_of_the_overlap_repeat_rows_of_the_first_export(shop: Shop) -> None:
    for table in shop.raw.values():
        content = [column for column in table.columns if not column.startswith("source_")]
        again = table["source_file"].str.endswith("overlap")
        first = table[~again & table[content[0]].isin(table.loc[again, content[0]])]
        assert again.any()
        assert len(table.loc[again, content].merge(first[content].drop_duplicates(), on=content)) == again.sum()


def test_a_provider_tells_some_events_many_times(shop: Shop) -> None:
    first_export = shop.raw["engagement"].query("not source_file.str.endswith('overlap')", engine="python")
    times = first_export["event_id"].value_counts()
    assert times.max() > 10
    assert 0.0005 < (times > 1).mean() < 0.01


def test_some_buyers_order_twice_on_a_day(shop: Shop) -> None:
    days = shop.orders.assign(day=shop.orders["ordered_at"].dt.floor("D"))
    assert 0.005 < days.duplicated(["customer_id", "day"]).mean() < 0.03


def test_touches_go_out_with_the_propensity_they_tell(shop: Shop) -> None:
    touches = shop.raw["engagement"].query(
        "kind == 'touch' and not source_file.str.endswith('overlap')", engine="python"
    )
    consent = shop.raw["customers"].drop_duplicates("customer_id").query("consent_email")["customer_id"]
    first = shop.customers.set_index("customer_id")["first_order_at"].reindex(consent)
    campaign = shop.campaigns.iloc[20]
    sent = touches["occurred_at"] == campaign["sent_at"]
    left = shop.raw["engagement"].query("kind == 'unsubscribe'").groupby("customer_id")["occurred_at"].min()
    reachable = (first < campaign["sent_at"] - DAY) & ~(left.reindex(consent) < campaign["sent_at"])
    assert touches.loc[sent, "value"].astype(float).unique() == pytest.approx([campaign["propensity"]])
    assert sent.sum() / reachable.sum() == pytest.approx(campaign["propensity"], abs=0.02)
    assert set(touches["subject"].str.split(":").str[0]) == {"how_to_content", "win_back_discount"}
