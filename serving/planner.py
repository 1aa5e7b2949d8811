"""Decisions for the customers of a request, dry: the code of the nightly plan, its budget, its control group."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import orjson

from features.errors import ServingError
from features.log import DAY_US
from serving import received
from serving.budgets import Budget, within_budget
from serving.current import Known, read_known, with_ledger
from serving.decisions import decide
from serving.desk import Desk, Entry, Named
from serving.facts import CHANNELS, Facts
from serving.gates import Shop
from serving.histories import events_of
from serving.history import gather_history
from serving.inbox.database import told
from serving.outbox.reading import Ledger, read_ledger
from serving.requests import PlanCustomer, PlanRequest
from serving.rows import as_json, decision_rows

_LOG = logging.getLogger(__name__)


def plan(desk: Desk, request: PlanRequest) -> Entry:
    """What would be done for each customer, and if nothing, the first gate that said no."""
    as_of_us = desk.instant(request.as_of)
    rows = desk.rows(request.customers, as_of_us)
    ledger = _ledger(desk, [each.customer_id for each in request.customers])
    decided = _by_id(desk, ledger, [each.customer_id for each in request.customers if each.is_by_id])

    def from_events(named: Named) -> dict[str, Entry]:
        people = [each for each in request.customers if each.customer_id in named]
        if not people:
            return decided
        facts = with_ledger(_facts(desk, people, named, as_of_us), ledger)
        return decided | _decided(desk, Known(facts, None), ledger, as_of_us)

    entries = desk.entries(request.customers, rows, "decision", from_events)
    return {**desk.head(as_of_us), "policy_version": desk.policy.policy_version, "dry_run": True, "decisions": entries}


def _ledger(desk: Desk, customer_ids: Sequence[str]) -> Ledger:
    """What stands in the database about them; everybody is kept out when that cannot be read."""
    try:
        with told(), desk.inbox.engine.connect() as connection:
            return read_ledger(connection, customer_ids, desk.key)
    except ServingError:
        _LOG.exception("ledger and lists cannot be read; nobody is to be contacted")
        return Ledger(frozenset(customer_ids), {}, frozenset(), {}, ())


def _by_id(desk: Desk, ledger: Ledger, customer_ids: Sequence[str]) -> dict[str, Entry]:
    """Those of whom something came in are decided on as of that, the others as of last night."""
    scored = desk.store.cells("facts", customer_ids)
    news = received.histories(desk.inbox, desk.store, list(scored))
    instants = {name: received.instant(desk.inbox, desk.as_of_us, None) for name in news}
    decided: dict[str, Entry] = {}
    for as_of_us in {desk.as_of_us, *instants.values()}:
        some = [name for name in scored if instants.get(name, desk.as_of_us) == as_of_us]
        if some:
            decided |= _decided(desk, read_known(desk, ledger, news, some, as_of_us), ledger, as_of_us)
    return decided


def shop_of(about: Mapping[str, object], as_of_us: int) -> Shop:
    """The state of the shop at an instant, from what the nightly run knew: the data only get older."""
    age, nightly_us = about["data_age_days"], int(str(about["as_of_us"]))
    return Shop(
        as_of_us=as_of_us,
        data_age_days=float("inf") if age is None else float(str(age)) + (as_of_us - nightly_us) / DAY_US,
        complaint_share=float(str(about["complaint_share"])),
        model_refused=bool(about["model_refused"]),
        complaints=int(str(about["complaints"])) if about.get("complaints") is not None else None,
    )


def _decided(desk: Desk, known: Known, ledger: Ledger, as_of_us: int) -> dict[str, Entry]:
    shop = replace(shop_now(desk, as_of_us), paused=ledger.paused)
    budget = Budget(**desk.store.about["budget"])  # type: ignore[arg-type]
    decisions = within_budget(decide(known.facts, desk.policy, shop, desk.key, known.uplift), budget)
    rows = as_json(decision_rows(decisions, desk.policy, as_of_us))
    return {str(row["customer_id"]): row for row in rows}


def shop_now(desk: Desk, as_of_us: int) -> Shop:
    """The state of the shop at an instant, for the desk's own model."""
    shop = shop_of(desk.store.about, as_of_us)
    # Between a promotion and the next nightly run the scores are another model's: nobody is contacted on those.
    return shop if desk.has_own_scores else replace(shop, model_refused=True)


def _facts(desk: Desk, people: Sequence[PlanCustomer], named: Named, as_of_us: int) -> Facts:
    """Facts from the request; wishes and money that only the nightly run knows are taken over from it."""
    cells = desk.store.cells("facts", [each.customer_id for each in people])
    nightly: dict[str, Entry] = {name: orjson.loads(content) for name, content in cells.items()}
    stored = [nightly.get(each.customer_id, {}) for each in people]
    values = np.array([named[each.customer_id] for each in people])
    place_of = {name: place for place, name in enumerate(desk.scorer.feature_columns)}
    orders = values[:, place_of["orders_ever"]]
    spent = values[:, place_of["spend_ever"]] if "spend_ever" in place_of else np.full(len(people), np.nan)
    zones = np.array([_zone(*pair) for pair in zip(people, stored, strict=True)], dtype=object)
    history = gather_history(len(people), events_of(people), as_of_us, desk.policy, zones)
    known = {
        "customer_id": np.array([each.customer_id for each in people], dtype=object),
        "churn_probability": desk.probabilities({each.customer_id: named[each.customer_id] for each in people}),
        "margin_money": np.array([each.get("margin_money") for each in stored], dtype=np.float64),
        "order_value_money": spent / orders,
        "orders": orders,
        "days_since_last_order": values[:, place_of["days_since_last_order"]],
        "consent": np.array([_consent(*pair) for pair in zip(people, stored, strict=True)], dtype=np.float64),
        "timezone": zones,
        "mean_gap_days": values[:, place_of["gap_mean_days"]]
        if "gap_mean_days" in place_of
        else np.full(len(people), np.nan),
    }
    facts = Facts.of(known, history)
    # An opt-out that the request leaves out still stands.
    facts.suppressed[:] |= np.array([bool(each.get("suppressed")) for each in stored])
    return facts


def _consent(person: PlanCustomer, stored: Mapping[str, object]) -> list[object]:
    given = {"email": person.consent_email, "sms": person.consent_sms}
    known = stored.get("consent")
    nightly = known if isinstance(known, list) else [None] * len(CHANNELS)
    return [before if given.get(name) is None else given[name] for name, before in zip(CHANNELS, nightly, strict=True)]


def _zone(person: PlanCustomer, stored: Mapping[str, object]) -> str:
    return person.timezone or str(stored.get("timezone") or "")
