"""The trials in the ledger: each person once, at the first decision that could have had an action.

Nobody has been touched by us before it, in either arm, so who is in a trial and when it begins cannot depend on what
was sent. The global control group is the other arm of all trials.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import orjson
import pandas as pd

from features.decided import FACTS
from features.log import DAY_US, Ints
from models.effect import Flags, Floats, Trial
from pipeline.paying.outcomes import Ways, microseconds


@dataclass(frozen=True)
class Spans:
    """From when to when each person counts, and how long before it CUPED looks back; int64 µs UTC."""

    begin: Ints
    end: Ints
    before_days: int


@dataclass(frozen=True)
class Told:
    """A trial on net margin, the same people's order or none, what they brought before, and what was known of them."""

    margin: Trial
    ordered: Floats
    before: Floats
    facts: Floats


def first_of_each(decisions: pd.DataFrame) -> pd.DataFrame:
    """The first decision of each person whose shop has a control group."""
    some = decisions[(decisions["control_share"] > 0)]
    ordered = some.sort_values(["run_seq", "decision_id"], kind="stable")
    return ordered.drop_duplicates("customer_id", keep="first").reset_index(drop=True)


def everybody(first: pd.DataFrame, ways: Ways, customers: pd.Index, spans: Spans) -> Told:
    """Treatment against control, as assigned: whatever was drawn, sent or delivered."""
    treated = (first["arm"] == "treatment").to_numpy(bool)
    control = first["control_share"].to_numpy(np.float64)
    return _told(first, (treated, 1.0 - control, control), ways, customers, spans)


def of_action(first: pd.DataFrame, name: str, ways: Ways, customers: pd.Index, spans: Spans) -> Told:
    """Those whom the lot gave this action against the controls who could have had it."""
    chance = chances_of(first, name)
    treated = ((first["action"] == name) & (first["arm"] == "treatment")).to_numpy(bool)
    inside = (chance > 0) & (treated | (first["arm"] == "control").to_numpy(bool))
    part = first[inside].reset_index(drop=True)
    control = part["control_share"].to_numpy(np.float64)
    own = Spans(spans.begin[inside], spans.end[inside], spans.before_days)
    return _told(part, (treated[inside], (1.0 - control) * chance[inside], control), ways, customers, own)


def against_own_control(first: pd.DataFrame, name: str, ways: Ways, customers: pd.Index, spans: Spans) -> Told:
    """Those who could have had this action against those whom its own control group kept from it, and from no other."""
    held = np.array([name in orjson.loads(text) for text in first["held_back"]], dtype=bool)
    likely = np.array([orjson.loads(text).get(name, 0.0) for text in first["chances"]], dtype=np.float64)
    control = np.array([orjson.loads(text).get(name, 0.0) for text in first["own_control"]], dtype=np.float64)
    inside = (likely > 0) & (control > 0) & (first["arm"] == "treatment").to_numpy(bool)
    own = Spans(spans.begin[inside], spans.end[inside], spans.before_days)
    lot = ~held[inside], 1.0 - control[inside], control[inside]
    return _told(first[inside].reset_index(drop=True), lot, ways, customers, own)


def chances_of(decisions: pd.DataFrame, name: str) -> Floats:
    """The chance of one action outside the control groups; 0 where it was closed or held back."""
    texts = zip(decisions["chances"], decisions["held_back"], strict=True)
    return np.array([0.0 if name in orjson.loads(held) else orjson.loads(text).get(name, 0.0) for text, held in texts])


def _told(rows: pd.DataFrame, lot: tuple[Flags, Floats, Floats], ways: Ways, customers: pd.Index, spans: Spans) -> Told:
    who = customers.get_indexer(pd.Index(rows["customer_id"])).astype(np.int64)
    margin, orders = ways.between(who, spans.begin, spans.end)
    before, _ = ways.between(who, spans.begin - spans.before_days * DAY_US, spans.begin)
    trial = Trial(margin, *lot, who)
    return Told(trial, (orders > 0).astype(np.float64), before, rows[list(FACTS)].to_numpy(np.float64))


def begins(rows: pd.DataFrame) -> Ints:
    """The instants of the decisions."""
    return microseconds(rows["as_of"])
