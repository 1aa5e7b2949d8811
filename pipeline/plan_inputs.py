"""Reads what the decisions need from the scores, features and clean tables: facts per customer, state of the shop."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from features.log import Ints
from models.scorer import MODEL_JSON
from pipeline import paths
from pipeline.files import read_json, read_table
from pipeline.params import Params
from serving.breaker import share_of
from serving.facts import CHANNELS, Facts, concatenate
from serving.gates import Shop
from serving.history import (
    HISTORY_KINDS,
    OUTCOME_ID,
    SENT_KINDS,
    Events,
    Flags,
    Floats,
    Texts,
    complaints_and_sent,
    data_age_days,
    gather_history,
)

HOUR_US = 3_600_000_000


def read_facts(scores: pd.DataFrame, as_of_us: int, params: Params) -> Facts:
    """What the decisions know of each scored customer, in blocks, so that memory stays bounded."""
    people = _people(scores)
    events = _events(scores["customer_id"])
    size = params.features.customers_per_block
    parts = []
    for start in range(0, len(people), size):
        block = people.iloc[start : start + size]
        low, high = np.searchsorted(events.customer, [start, start + size])
        span = slice(low, high)
        mine = Events(events.customer[span] - start, events.time[span], events.kind[span], events.subject[span])
        columns = _columns(block)
        zones = np.asarray(columns["timezone"], dtype=object)
        parts.append(Facts.of(columns, gather_history(len(block), mine, as_of_us, params.plan, zones)))
    return concatenate(parts)


def read_shop(scores: pd.DataFrame, as_of_us: int) -> Shop:
    """The state of the whole shop: age of the data, complaints, whether the scores are those of the model in force."""
    champion = str(read_json(paths.CHAMPION / MODEL_JSON)["model_version"])
    complaints, sent = complaints_and_sent(_event_times(("spam_complaint", *SENT_KINDS)), as_of_us)
    return Shop(
        as_of_us=as_of_us,
        data_age_days=data_age_days({"event": _last_of_each_hour()}, as_of_us),
        complaint_share=share_of(complaints, sent),
        model_refused=set(scores["model_version"]) != {champion},
        complaints=complaints,
    )


def microseconds_of(times: pd.Series) -> Ints:
    """A column of instants as int64 µs UTC."""
    return np.asarray(times.astype("datetime64[us, UTC]").astype("int64"), dtype=np.int64)


def _people(scores: pd.DataFrame) -> pd.DataFrame:
    """One row per scored customer: score, recency, orders, mean order value, consent and zone."""
    current = read_table(paths.CURRENT)
    wanted = ["customer_id", "days_since_last_order", "orders_ever"]
    spent = current["spend_ever"] if "spend_ever" in current.columns else np.nan
    gap = current["gap_mean_days"] if "gap_mean_days" in current.columns else np.nan
    ways = current[wanted].assign(order_value_money=spent / current["orders_ever"], mean_gap_days=gap)
    columns = ["customer_id", "timezone", "consent_email", "consent_sms"]
    wishes = read_table(paths.CLEAN / "customers.parquet", columns)
    return (
        scores[["customer_id", "churn_probability", "expected_value"]]
        .merge(ways, on="customer_id", how="left", validate="1:1")
        .merge(wishes, on="customer_id", how="left", validate="1:1")
    )


def _columns(people: pd.DataFrame) -> dict[str, Floats | Flags | Texts]:
    numbers = {
        "churn_probability": "churn_probability",
        "margin_money": "expected_value",
        "order_value_money": "order_value_money",
        "orders": "orders_ever",
        "days_since_last_order": "days_since_last_order",
        "mean_gap_days": "mean_gap_days",
    }
    wishes = [f"consent_{channel}" for channel in CHANNELS]
    known = people.reindex(columns=wishes).astype("Float64").to_numpy(np.float64, na_value=np.nan)
    return {
        "customer_id": people["customer_id"].to_numpy(object),
        "timezone": people["timezone"].astype(object).where(people["timezone"].notna(), "").to_numpy(object),
        "consent": known,
        **{name: people[column].to_numpy(np.float64, na_value=np.nan) for name, column in numbers.items()},
    }


def _events(customer_ids: pd.Series) -> Events:
    """The events that the gates look at, of these customers, sorted by their position."""
    kinds = ", ".join(f"'{kind}'" for kind in HISTORY_KINDS)
    found = _query(
        f"SELECT customer_id, epoch_us(known_at) AS time, kind, subject FROM '{_engagement()}' "  # noqa: S608
        f"WHERE kind IN ({kinds}) AND is_machine IS NOT TRUE"
    )
    place = pd.Index(customer_ids).get_indexer(pd.Index(found["customer_id"]))
    found = found.assign(place=place)[place >= 0].sort_values(["place", "time", "kind"], kind="stable")
    subject = found["subject"].astype(object).where(found["subject"].notna(), None)
    return Events(
        found["place"].to_numpy(np.int64),
        found["time"].to_numpy(np.int64),
        found["kind"].to_numpy(object),
        subject.to_numpy(object),
    )


def _event_times(kinds: tuple[str, ...]) -> dict[str, Ints]:
    """Times of all the shop's events of some kinds, also of people who are not scored."""
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    found = _query(
        f"SELECT kind, epoch_us(known_at) AS time FROM '{_engagement()}' WHERE kind IN ({listed}) "  # noqa: S608
        f"AND NOT (kind <> 'spam_complaint' AND starts_with(event_id, '{OUTCOME_ID}'))"
    )
    return {kind: found.loc[found["kind"] == kind, "time"].to_numpy(np.int64) for kind in kinds}


def _last_of_each_hour() -> Ints:
    """The last event of every hour, of any kind: enough to tell how old the data are at any instant."""
    parts = " UNION ALL ".join(
        f"SELECT max(epoch_us(known_at)) AS time FROM '{path}' GROUP BY epoch_us(known_at) // {HOUR_US}"  # noqa: S608
        for path in (_engagement(), paths.CLEAN / "orders.parquet")
    )
    return _query(parts)["time"].dropna().to_numpy(np.int64)


def _query(text: str) -> pd.DataFrame:
    with duckdb.connect() as connection:
        found: pd.DataFrame = connection.execute(text).df()
    return found


def _engagement() -> Path:
    return paths.CLEAN / "engagement.parquet"
