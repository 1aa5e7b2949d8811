"""Customers by id of whom something came in since the nightly run: last night's history and the new rows, scored anew.

The instant is the one the next nightly run would have: the first midnight UTC after the last row received, and never
before last night's. Rows the nightly run already had (by order id or event id) change nothing.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Mapping, Sequence

import orjson

from features.asof import Settings
from features.errors import ServingError
from features.log import DAY_US
from features.reading import log_from_records
from serving.histories import Floats, own_order, rows_at
from serving.inbox.inbox import Inbox, Received
from serving.store import Store

Record = dict[str, object]
History = dict[str, list[Record]]
_LOG = logging.getLogger(__name__)
_NOTHING: History = {"orders": [], "engagement": [], "order_items": []}


def packed(history: bytes) -> bytes:
    """A history (JSON of Records by table) as a cell of the store."""
    return zlib.compress(history)


def histories(inbox: Inbox, store: Store, customer_ids: Sequence[str]) -> dict[str, History]:
    """The histories, with what is new, of those customers of whom the nightly run does not know everything."""
    if not inbox.unreachable.is_over:
        return {}
    try:
        return histories_since(inbox, store, customer_ids)
    except ServingError:
        # Last night's answer is still an answer; the log tells why it is not a newer one.
        inbox.unreachable.begin()
        _LOG.exception("received events cannot be read; answering as of last night for %g s", inbox.unreachable.seconds)
        return {}


def histories_since(inbox: Inbox, store: Store, customer_ids: Sequence[str]) -> dict[str, History]:
    """As `histories`; raises ServingError when the received rows cannot be read."""
    received = inbox.of(customer_ids)
    if not received:
        return {}
    nightly = store.cells("history", list(received))
    joined = {name: _joined(_unpacked(nightly.get(name)), rows) for name, rows in received.items()}
    return {name: history for name, history in joined.items() if history is not None}


def nightly(store: Store, customer_ids: Sequence[str]) -> dict[str, History]:
    """The histories as the nightly run had them."""
    return {name: _unpacked(cell) for name, cell in store.cells("history", customer_ids).items()}


def instant(inbox: Inbox, nightly_us: int, asked_us: int | None) -> int:
    """The instant asked about; without one, that of the next nightly run."""
    if asked_us is not None:
        return asked_us
    last = inbox.last_known_us()
    return nightly_us if last is None else max(nightly_us, (last // DAY_US + 1) * DAY_US)


def rows_of(
    found: Mapping[str, History], as_of_us: int, settings: Settings, columns: Sequence[str]
) -> dict[str, Floats]:
    """One row of the columns for each customer the model speaks of at the instant."""
    owned: dict[str, list[Record]] = {"orders": [], "engagement": [], "order_items": []}
    for place, (name, history) in enumerate(found.items()):
        for table, records in history.items():
            owned[table] += [_owned(record, name, place) for record in records]
    log = log_from_records(owned["orders"], owned["engagement"], owned["order_items"])
    return rows_at(log, as_of_us, settings, columns)


def _unpacked(cell: bytes | None) -> History:
    if cell is None:
        return _NOTHING
    history: History = orjson.loads(zlib.decompress(cell))
    return history


def _joined(nightly: History, received: Sequence[Received]) -> History | None:
    """Both together; None when the nightly run had all of them."""
    known = {("orders", record["order_id"]) for record in nightly["orders"]}
    known |= {("engagement", record["event_id"]) for record in nightly["engagement"]}
    new = [row for row in received if (row.sort, row.id) not in known]
    if not new:
        return None
    joined = {table: list(records) for table, records in nightly.items()}
    for row in new:
        content: Record = orjson.loads(row.content)
        items = content.pop("order_items", None)
        joined[row.sort].append({**content, "known_at": row.known_at_us})
        if isinstance(items, list):
            joined["order_items"] += [{"order_id": row.id, **item} for item in items]
    return joined


def _owned(record: Record, customer_id: str, place: int) -> Record:
    owner = {"order_id": own_order(record["order_id"], place)} if "order_id" in record else {}
    return {**record, "customer_id": customer_id, **owner}
