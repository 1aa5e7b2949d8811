"""The model in force and the store of the last nightly run, opened together; no HTTP here.

A customer that cannot be answered about gets an error entry; the others get their answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import orjson

from features.errors import ServingError
from models.scorer import Scorer
from serving import received
from serving.draws import HOLDOUT_KEY, holdout_key, key_mark
from serving.histories import Floats, feature_rows, given_row, refuse_unusable
from serving.inbox.inbox import Inbox
from serving.policy import Policy
from serving.problems import Problem
from serving.requests import Customer, iso, microseconds
from serving.settings import Places, Serve, read_serve
from serving.store import Cell, Store

Entry = dict[str, object]
Named = dict[str, Floats]


@dataclass(frozen=True)
class Desk:
    """Everything an answer needs."""

    scorer: Scorer
    store: Store
    limits: Serve
    policy: Policy
    key: bytes
    inbox: Inbox
    places: Places

    @classmethod
    def open(cls, places: Places) -> Desk:
        """Load everything; raises a RekindleError when a part is missing, damaged or does not fit the others."""
        return cls.of(Scorer.load(places.champion), Store.open(places.store), places)

    @classmethod
    def of(cls, scorer: Scorer, store: Store, places: Places, inbox: Inbox | None = None) -> Desk:
        """The desk of a model and a store; the inbox is opened unless it is given."""
        key = holdout_key()
        if store.about["key_mark"] != key_mark(key):
            raise ServingError(
                f"${HOLDOUT_KEY} is not the key the control group was drawn with; set the one that `make run` had, "
                "or run it again with this one."
            )
        policy = Policy.model_validate(store.about["policy"])
        return cls(scorer, store, read_serve(places.params), policy, key, inbox or Inbox.open(places.home), places)

    @property
    def has_own_scores(self) -> bool:
        """Did this very model make the scores of the store? Not between a promotion and the next nightly run."""
        return self.store.about["model_version"] == self.scorer.model_version

    @property
    def as_of_us(self) -> int:
        """The instant of the nightly run."""
        return int(str(self.store.about["as_of_us"]))

    def instant(self, as_of: datetime | None) -> int:
        """The instant asked about; the nightly one when none is given."""
        return self.as_of_us if as_of is None else microseconds(as_of)

    def head(self, as_of_us: int) -> Entry:
        """What every answer carries."""
        return {
            "model_version": self.scorer.model_version,
            "as_of": iso(as_of_us),
            "horizon_days": self.scorer.horizon_days,
        }

    def rows(self, customers: Sequence[Customer], as_of_us: int) -> dict[str, Floats | Problem]:
        """For each customer with events or features its row, or what is wrong; raises Problem for too many."""
        if len(customers) > self.limits.max_customers:
            most = self.limits.max_customers
            raise Problem("too-many", f"customers has {len(customers)} entries, at most {most} fit.", "customers")
        settings, found = self.scorer.settings, dict[str, Floats | Problem]()
        usable: list[Customer] = []
        for place, customer in enumerate(customers):
            if customer.has_events:
                problem = refuse_unusable(customer, place, as_of_us, settings.absent)
                found[customer.customer_id] = problem or _outside(place, settings.active_days)
                usable += [] if problem else [customer]
            elif customer.features is not None:
                found[customer.customer_id] = given_row(customer.features, place, self.scorer.feature_columns)
        return found | (feature_rows(usable, as_of_us, settings, self.scorer.feature_columns) if usable else {})

    def news(self, customers: Sequence[Customer], as_of: datetime | None) -> tuple[int, Named]:
        """Feature rows of those by id whom the store cannot answer for, and their instant.

        Something was received of them since the nightly run, or the model is newer than the store's scores.
        """
        asked = [each.customer_id for each in customers if each.is_by_id]
        found = received.histories(self.inbox, self.store, asked)
        if not self.has_own_scores:
            found = received.nightly(self.store, asked) | found
        if not found:
            return self.as_of_us, {}
        as_of_us = received.instant(self.inbox, self.as_of_us, None if as_of is None else microseconds(as_of))
        return as_of_us, received.rows_of(found, as_of_us, self.scorer.settings, self.scorer.feature_columns)

    def probabilities(self, named: Named) -> Floats:
        """P(churned) of feature rows."""
        return self.scorer.churn_probability(np.array(list(named.values()))) if named else np.empty(0)

    def entries(
        self,
        customers: Sequence[Customer],
        rows: Mapping[str, Floats | Problem],
        cell: Cell,
        answer: Callable[[Named], Mapping[str, Entry]],
    ) -> list[object]:
        """One entry per customer, in the order asked: by id from the store, else from `answer`, or its error."""
        stored = self.store.cells(cell, [each.customer_id for each in customers if each.is_by_id])
        found: dict[str, object] = {name: orjson.Fragment(content) for name, content in stored.items()}
        found |= {name: error_entry(name, row) for name, row in rows.items() if isinstance(row, Problem)}
        found |= answer(usable(rows))
        return [
            found.get(each.customer_id) or error_entry(each.customer_id, unknown(each.customer_id, place))
            for place, each in enumerate(customers)
        ]


def usable(rows: Mapping[str, Floats | Problem]) -> Named:
    """The feature rows without the problems."""
    return {name: row for name, row in rows.items() if not isinstance(row, Problem)}


def error_entry(customer_id: str, problem: Problem) -> Entry:
    """A customer that cannot be answered about."""
    return {"customer_id": customer_id, "error": problem.body()}


def unknown(customer_id: str, place: int | None = None) -> Problem:
    """The problem of an id that the nightly run did not score; `place` is where in the request it stood."""
    field = "customer_id" if place is None else f"customers[{place}].customer_id"
    told = f"{field}: {customer_id!r} was not scored in the last nightly run; check the id, or send the events."
    return Problem("unknown-customer", told, field)


def _outside(place: int, active_days: int | None) -> Problem:
    since = "" if active_days is None else f" in the {active_days} days"
    field = f"customers[{place}].orders"
    return Problem("outside-population", f"customers[{place}] has no order{since} before as_of.", field)
