"""What the endpoint takes: closed, strict shapes. Times carry a zone, numbers are finite, kinds are known.

The rows are those of the canonical tables; a row's `customer_id` may be left out, and if given must be the customer's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, Protocol

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from features.kinds import ENGAGEMENT_KINDS

Id = Annotated[str, StringConstraints(min_length=1, max_length=200)]
Money = Annotated[float, Field(ge=-1e12, le=1e12)]
_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_FIRST, _LAST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def _plausible(instant: datetime) -> datetime:
    # In UTC from here on: with the zone that pydantic makes, each comparison and difference takes twenty times as long.
    # In the first and last year of the calendar there is no UTC for every zone.
    utc = instant.astimezone(UTC) if 1 < instant.year < 9999 else instant
    if not _FIRST <= utc <= _LAST:
        raise ValueError("the year must lie between 1990 and 2100")
    return utc


Instant = Annotated[AwareDatetime, AfterValidator(_plausible)]


class Shape(BaseModel):
    """Refuses unknown fields, NaN, infinity and values of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, frozen=True)


class Order(Shape):
    """One order."""

    order_id: Id
    ordered_at: Instant
    known_at: Instant | None = None
    revenue: Money | None = Field(None, description="After discounts, before tax and shipping.")
    discount: Money | None = None
    units: Money | None = None
    currency: str | None = None
    channel: str | None = None
    customer_id: Id | None = None


class OrderItem(Shape):
    """One product in an order of the same customer."""

    order_id: Id
    product_id: Id
    category: str | None = None
    quantity: Money
    unit_price: Money | None = None


class Engagement(Shape):
    """One event that is no order."""

    event_id: Id
    occurred_at: Instant
    known_at: Instant | None = None
    kind: Literal[ENGAGEMENT_KINDS]  # type: ignore[valid-type]
    value: Money | None = None
    subject: str | None = None
    is_machine: bool | None = None
    customer_id: Id | None = None


class Customer(Shape):
    """A customer of the last nightly run (the id alone), with the whole history, or with the features of one's own."""

    customer_id: Id
    orders: list[Order] | None = None
    engagement: list[Engagement] | None = None
    order_items: list[OrderItem] | None = None
    features: dict[str, float | None] | None = Field(
        None, description="Every column of the model by name, null where there is nothing to tell; instead of events."
    )

    @property
    def has_events(self) -> bool:
        """True when the request brings the history itself."""
        return any(rows is not None for rows in (self.orders, self.engagement, self.order_items))

    @property
    def is_by_id(self) -> bool:
        """True when all that is known comes from the nightly run."""
        return self.features is None and not self.has_events

    @model_validator(mode="after")
    def _rows_belong_together(self) -> Customer:
        if self.features is not None and self.has_events:
            raise _at("features", "stands beside events; send one or the other")
        orders, events, items = self.orders or [], self.engagement or [], self.order_items or []
        _refuse_repeated([order.order_id for order in orders], "orders", "order_id")
        _refuse_repeated([event.event_id for event in events], "engagement", "event_id")
        self._refuse_strangers(orders, "orders")
        self._refuse_strangers(events, "engagement")
        known = {order.order_id for order in orders}
        for place, item in enumerate(items):
            if item.order_id not in known:
                raise _at(f"order_items[{place}].order_id", "is not among the orders")
        return self

    def _refuse_strangers(self, rows: Sequence[_Owned], name: str) -> None:
        for place, row in enumerate(rows):
            if row.customer_id not in (None, self.customer_id):
                raise _at(f"{name}[{place}].customer_id", "is another customer's")


class PlanCustomer(Customer):
    """A customer to decide about; what the nightly run knows of consent and zone holds unless given here."""

    timezone: str | None = None
    consent_email: bool | None = None
    consent_sms: bool | None = None

    @model_validator(mode="after")
    def _decided_by_events(self) -> PlanCustomer:
        if self.features is not None:
            raise _at("features", "is enough for a score only; a decision needs the events")
        return self


def _at(field: str, what: str) -> PydanticCustomError:
    """A fault between fields, with the field it is told at (read by serving/problems.py)."""
    return PydanticCustomError("between_fields", "{what}", {"field": field, "what": what})


class _Owned(Protocol):
    @property
    def customer_id(self) -> str | None: ...


def _refuse_repeated(ids: Sequence[str], rows: str, field: str) -> None:
    seen: set[str] = set()
    for place, name in enumerate(ids):
        if name in seen:
            raise _at(f"{rows}[{place}].{field}", f"{name!r} occurs twice")
        seen.add(name)


def _once_each(customers: Sequence[Customer]) -> None:
    _refuse_repeated([customer.customer_id for customer in customers], "customers", "customer_id")


class ScoreRequest(Shape):
    """Customers by id, events or features; `as_of`: the instant for those with events, if not the nightly one."""

    customers: Annotated[list[Customer], Field(min_length=1)]
    as_of: Instant | None = None

    @model_validator(mode="after")
    def _every_customer_once(self) -> ScoreRequest:
        _once_each(self.customers)
        return self


class PlanRequest(Shape):
    """Customers to decide about, dry; `as_of` as in a score request."""

    customers: Annotated[list[PlanCustomer], Field(min_length=1)]
    as_of: Instant | None = None

    @model_validator(mode="after")
    def _every_customer_once(self) -> PlanRequest:
        _once_each(self.customers)
        return self


class TriggerRequest(Shape):
    """Customers to decide about and to contact, by id; without any, everybody. `as_of`: the instant, if not now."""

    customers: Annotated[list[Id], Field(min_length=1)] | None = None
    as_of: Instant | None = None


def microseconds(instant: datetime) -> int:
    """Microseconds since 1970 UTC."""
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(instant_us: int) -> datetime:
    """The instant of some microseconds since 1970, in UTC."""
    return _EPOCH + timedelta(microseconds=instant_us)


def iso(instant_us: int) -> str:
    """The instant as text, in UTC."""
    return instant_of(instant_us).isoformat().replace("+00:00", "Z")
