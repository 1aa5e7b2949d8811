"""`POST /v1/events`: rows of the canonical tables, each kept once or refused with the field that is wrong.

A row is kept when the answer says so: it was on the disk before. Sending a row again changes nothing.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated

import orjson
from pydantic import AfterValidator, Field, JsonValue, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from features.errors import ServingError
from serving.desk import Desk, Entry
from serving.inbox.database import told
from serving.inbox.inbox import Outcome, Received, Sort
from serving.limits import RETRY_SECONDS
from serving.outbox.lists import erased
from serving.outbox.person import person_of
from serving.problems import Fault, Problem, invalid
from serving.requests import Engagement, Id, Money, Order, Shape, microseconds

# Clocks differ a little; what lies further ahead has not happened.
AHEAD = timedelta(minutes=5)
_SCALE_OF = {"review": (1.0, 5.0), "nps": (0.0, 10.0)}
_IDS: dict[Sort, str] = {"orders": "order_id", "engagement": "event_id"}
_HAPPENED: dict[Sort, str] = {"orders": "ordered_at", "engagement": "occurred_at"}
_LOG = logging.getLogger(__name__)


def _plain(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not hold a zero byte")
    return text


PlainId = Annotated[Id, AfterValidator(_plain)]


class BoughtItem(Shape):
    """One product in the order it stands in."""

    product_id: PlainId
    category: str | None = None
    quantity: Money
    unit_price: Money | None = None


class ReceivedOrder(Order):
    """One order with its customer; revenue above zero, for a refund is an engagement event of its own time."""

    order_id: PlainId
    customer_id: PlainId
    revenue: Annotated[float, Field(ge=0.0001, le=1e12)] | None = None
    order_items: list[BoughtItem] | None = None


class ReceivedEvent(Engagement):
    """One event with its customer: a visit, a message and what came of it, a touch's outcome, an opt-out."""

    event_id: PlainId
    customer_id: PlainId

    @model_validator(mode="after")
    def _value_fits_kind(self) -> ReceivedEvent:
        if self.kind == "refund" and (self.value is None or self.value < 0):
            raise _wrong_value("a refund needs the amount given back, as positive money")
        low, high = _SCALE_OF.get(self.kind, (None, None))
        if low is not None and high is not None and (self.value is None or not low <= self.value <= high):
            raise _wrong_value(f"a {self.kind} needs {low:.0f} to {high:.0f}")
        return self


class EventsRequest(Shape):
    """Rows to keep; a wrong row does not keep the others out. `known_at` is `ordered_at` or `occurred_at` if not given.

    Rows are those of ReceivedOrder and ReceivedEvent; they are checked one by one.
    """

    orders: list[JsonValue] = Field(
        default=[], json_schema_extra={"items": {"$ref": "#/components/schemas/ReceivedOrder"}}
    )
    engagement: list[JsonValue] = Field(
        default=[], json_schema_extra={"items": {"$ref": "#/components/schemas/ReceivedEvent"}}
    )


def keep(desk: Desk, request: EventsRequest) -> Entry:
    """Check each row, keep the good ones, and only then say so; raises Problem when none could be kept."""
    sent: list[tuple[Sort, int, JsonValue]] = [("orders", place, row) for place, row in enumerate(request.orders)]
    sent += [("engagement", place, row) for place, row in enumerate(request.engagement)]
    if not sent:
        raise Problem("invalid", "Send at least one row of orders or engagement.", "engagement")
    if len(sent) > desk.limits.max_customers:
        told = f"The request has {len(sent)} rows, at most {desk.limits.max_customers} fit."
        raise Problem("too-many-rows", told, sent[-1][0])
    latest, needs_revenue = datetime.now(UTC) + AHEAD, "revenue" not in desk.scorer.settings.absent
    checked = _without_erased(desk, sent, [_checked(*row, latest, needs_revenue) for row in sent])
    results = list(_results(sent, checked, _kept(desk, [row for row in checked if isinstance(row, Received)])))
    counts = {name: sum(one["result"] == name for one in results) for name in ("accepted", "duplicate", "refused")}
    return {"model_version": desk.scorer.model_version, **counts, "results": results}


def _without_erased(
    desk: Desk, sent: Sequence[tuple[Sort, int, JsonValue]], checked: Sequence[Received | Problem]
) -> list[Received | Problem]:
    """Rows of people who were erased are refused: nothing of them is kept again."""
    persons = {row.customer_id: person_of(row.customer_id, desk.key) for row in checked if isinstance(row, Received)}
    try:
        with told(), desk.inbox.engine.connect() as connection:
            gone = erased(connection, persons.values()) if persons else set()
    except ServingError as error:
        raise _not_kept() from error
    return [
        _erased(table, place) if isinstance(row, Received) and persons[row.customer_id] in gone else row
        for (table, place, _), row in zip(sent, checked, strict=True)
    ]


def _kept(desk: Desk, rows: Sequence[Received]) -> Iterator[Outcome]:
    try:
        return iter(desk.inbox.add(rows) if rows else [])
    except ServingError as error:
        raise _not_kept() from error


def _not_kept() -> Problem:
    _LOG.exception("received events could not be kept")
    retry = {"Retry-After": str(RETRY_SECONDS)}
    return Problem("not-kept", "None of the rows was kept; send all again.", headers=retry)


def _erased(table: Sort, place: int) -> Problem:
    field = f"{table}[{place}].customer_id"
    return Problem("erased", f"{field}: this customer was erased; a new one needs a new id.", field)


def _results(
    sent: Sequence[tuple[Sort, int, JsonValue]], checked: Sequence[Received | Problem], outcomes: Iterator[Outcome]
) -> Iterator[Entry]:
    for (table, place, row), found in zip(sent, checked, strict=True):
        outcome = next(outcomes) if isinstance(found, Received) else "refused"
        problem = _conflict(table, place) if outcome == "conflict" else found
        told: Entry = {"error": problem.body()} if isinstance(problem, Problem) else {}
        result = "refused" if told else outcome
        yield {"table": table, "place": place, "id": _id_of(table, row), "result": result, **told}


def _checked(table: Sort, place: int, row: JsonValue, latest: datetime, needs_revenue: bool) -> Received | Problem:
    """The row as it will be kept, or what is wrong with it."""
    where = f"{table}[{place}]"
    try:
        # Not orjson, which would make a null of NaN.
        text = json.dumps(row)
        shaped = (
            ReceivedOrder.model_validate_json(text) if table == "orders" else ReceivedEvent.model_validate_json(text)
        )
    except ValidationError as error:
        return _below(where, invalid(error))
    happened = shaped.ordered_at if isinstance(shaped, ReceivedOrder) else shaped.occurred_at
    for name, instant in ((_HAPPENED[table], happened), ("known_at", shaped.known_at)):
        if instant is not None and instant > latest:
            return Problem("future-event", f"{where}.{name} has not come yet.", f"{where}.{name}")
    if isinstance(shaped, ReceivedOrder) and needs_revenue and shaped.revenue is None:
        told = f"{where}.revenue is missing; the model was trained on revenue."
        return Problem("missing-value", told, f"{where}.revenue")
    return _received(table, shaped, happened)


def _received(table: Sort, row: ReceivedOrder | ReceivedEvent, happened: datetime) -> Received:
    known = max(row.known_at or happened, happened)
    content = row.model_dump(exclude_none=True) | {"known_at": known}
    text = orjson.dumps(content, option=orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z).decode()
    name = row.order_id if isinstance(row, ReceivedOrder) else row.event_id
    return Received(table, name, row.customer_id, microseconds(known), text)


def _below(where: str, problem: Problem) -> Problem:
    """The problem of a row, told from the root of the request."""
    field = where if problem.field in (None, "body") else f"{where}.{problem.field}"
    faults = tuple(Fault(f"{where}.{fault.field}", fault.detail) for fault in problem.faults)
    return Problem(problem.kind, f"{where}: {problem.detail}", field, faults)


def _conflict(table: Sort, place: int) -> Problem:
    field = f"{table}[{place}].{_IDS[table]}"
    return Problem("conflict", f"{field}: this id was received before with other content, which stays.", field)


def _id_of(table: Sort, row: JsonValue) -> str | None:
    name = row.get(_IDS[table]) if isinstance(row, dict) else None
    return name if isinstance(name, str) else None


def _wrong_value(what: str) -> PydanticCustomError:
    return PydanticCustomError("between_fields", "{what}", {"field": "value", "what": what})
