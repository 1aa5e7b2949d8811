"""Removes a person from every table: messages cancelled first, rows deleted, the keyed hash kept so they stay out.

All in the caller's transactions. What is a list of people inside JSON (the answer of a run) loses the person's entry.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import orjson
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from serving.inbox.inbox import RECEIVED
from serving.outbox.lists import suppress
from serving.outbox.tables import ARMS, ATTEMPTS, DECISIONS, ERASURES, EVERY_CHANNEL, MESSAGES, OUTCOMES, RUNS

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
_HANDED_OVER = ("sent", "unknown")
_IN_RUNS = ("answer_json", "shop_json")


class Person(NamedTuple):
    """The id, and the keyed hash of it (person.py)."""

    customer_id: str
    person: str


class Traces(NamedTuple):
    """Of a person's messages: all ids, how many went to each destination, and until when one may still be going."""

    message_ids: list[str]
    handed_over: dict[str, int]
    leased_until_us: int | None


def stop_messages(connection: Connection, who: Person, now_us: int) -> Traces:
    """Keep the person out from now on and cancel what waits; what a receiver is being handed cannot be called back."""
    suppress(connection, who.person, EVERY_CHANNEL, "erased", now_us, "erase")
    waiting = sa.and_(MESSAGES.c.person == who.person, MESSAGES.c.state.in_(("pending", "retry")))
    connection.execute(sa.update(MESSAGES).where(waiting).values(state="cancelled", reason="erased"))
    columns = (MESSAGES.c.message_id, MESSAGES.c.destination, MESSAGES.c.state, MESSAGES.c.lease_until_us)
    rows = connection.execute(sa.select(*columns).where(_of(MESSAGES, who)).order_by(MESSAGES.c.message_id)).all()
    handed_over: dict[str, int] = {}
    for row in rows:
        if row.state in _HANDED_OVER:
            handed_over[str(row.destination)] = handed_over.get(str(row.destination), 0) + 1
    leases = [int(row.lease_until_us or 0) for row in rows if row.state == "leased"]
    leases = [until_us for until_us in leases if until_us > now_us]
    return Traces([str(row.message_id) for row in rows], handed_over, max(leases, default=None))


def delete_rows(connection: Connection, who: Person, now_us: int) -> dict[str, int]:
    """Rows removed by table; the erasure's row must be there already, for the ledger of arms asks for it.

    A message that is just being handed over stays: what it leaves behind is found by its id, when asked again.
    """
    is_leased = sa.and_(MESSAGES.c.state == "leased", sa.func.coalesce(MESSAGES.c.lease_until_us, 0) > now_us)
    these = sa.and_(_of(MESSAGES, who), sa.not_(is_leased))
    messages = sa.select(MESSAGES.c.message_id).where(these)
    deletes = (
        (ATTEMPTS, ATTEMPTS.c.message_id.in_(messages)),
        (OUTCOMES, OUTCOMES.c.message_id.in_(messages)),
        (MESSAGES, these),
        (DECISIONS, _of(DECISIONS, who)),
        (RECEIVED, RECEIVED.c.customer_id == who.customer_id),
        (ARMS, ARMS.c.person == who.person),
    )
    counts = {str(table.name): connection.execute(sa.delete(table).where(rows)).rowcount for table, rows in deletes}
    return counts | {str(RUNS.name): _clear_runs(connection, who.customer_id)}


def receipt_of(connection: Connection, who: Person) -> bytes | None:
    """The receipt of an erasure that was done before."""
    found = connection.scalar(sa.select(ERASURES.c.receipt_json).where(ERASURES.c.person == who.person))
    return None if found is None else str(found).encode()


def keep_receipt(connection: Connection, who: Person, receipt_id: str, asked_us: int) -> None:
    """The erasure's row, with an empty receipt until `fill_receipt`."""
    row = {"person": who.person, "receipt_id": receipt_id, "asked_us": asked_us, "receipt_json": ""}
    connection.execute(sa.insert(ERASURES), row)


def fill_receipt(connection: Connection, who: Person, receipt: bytes) -> None:
    """Write the receipt into the erasure's row."""
    row = sa.update(ERASURES).where(ERASURES.c.person == who.person)
    connection.execute(row.values(receipt_json=receipt.decode()))


def _of(table: sa.Table, who: Person) -> sa.ColumnElement[bool]:
    return sa.or_(table.c.person == who.person, table.c.customer_id == who.customer_id)


def _clear_runs(connection: Connection, customer_id: str) -> int:
    holds = sa.or_(*(RUNS.c[name].contains(orjson.dumps(customer_id).decode()) for name in _IN_RUNS))
    columns = [RUNS.c.seq, *(RUNS.c[name] for name in _IN_RUNS)]
    cleared = 0
    for row in connection.execute(sa.select(*columns).where(holds)).all():
        before = {name: orjson.loads(row._mapping[name]) for name in _IN_RUNS}
        after = {name: without(value, customer_id) for name, value in before.items()}
        if after != before:
            values = {name: orjson.dumps(value).decode() for name, value in after.items()}
            connection.execute(sa.update(RUNS).where(RUNS.c.seq == row.seq).values(values))
            cleared += 1
    return cleared


def without(value: Json, customer_id: str) -> Json:
    """The value without the customer: as an entry of a list, as a key, or as an object of a list that names them."""
    if isinstance(value, list):
        return [without(each, customer_id) for each in value if not _names(each, customer_id)]
    if isinstance(value, dict):
        return {name: without(each, customer_id) for name, each in value.items() if name != customer_id}
    return value


def _names(value: Json, customer_id: str) -> bool:
    return value == customer_id or (isinstance(value, dict) and value.get("customer_id") == customer_id)
