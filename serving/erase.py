"""`python -m serving.erase CUSTOMER_ID` and `POST /v1/privacy/erase`: every trace of a person goes, a receipt stays.

Open messages are cancelled first, then files and rows go, and the keyed hash stays: it keeps the person out of every
later decision and every later `pull`. Asked again, what has come in since goes too, and the receipt is the same.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import sys
import time
from collections.abc import Sequence

import orjson
from sqlalchemy.engine import Engine

from features.errors import ConfigError, RekindleError, ServingError
from serving.champions import last_good
from serving.desk import Desk, Entry
from serving.dispatch.settings import Destination, read_dispatch
from serving.events import PlainId
from serving.inbox.database import inbox_url, open_database, told, writing
from serving.inbox.erased import erased_file, offer_erased
from serving.inbox.marking import QUIET_SECONDS
from serving.limits import RETRY_SECONDS
from serving.outbox import erasing, files
from serving.outbox.person import holdout_key, person_of
from serving.problems import Problem
from serving.requests import Shape, iso
from serving.settings import Places, places

LONGEST_WAIT_SECONDS = 3600
AFTERWARDS = (
    "Run `dvc repro`: the tables, features, scores and reports of the pipeline hold the person until it has run.",
    "Then run `dvc gc -w` (with `-c` for a remote): the cache keeps older versions of them until then.",
    "Remove the person from the shop's own systems and from backups; `pull` leaves them out whatever the source sends.",
)
_LOG = logging.getLogger(__name__)


class EraseRequest(Shape):
    """The customer to erase."""

    customer_id: PlainId


def erase_page(desk: Desk, request: EraseRequest) -> Entry:
    """The receipt; raises Problem when something could not be removed: then ask again."""
    try:
        return erase(desk.inbox.engine, places(), request.customer_id, time.time_ns() // 1000)
    except ServingError as error:
        _LOG.error("an erasure did not come to its end")
        retry = {"Retry-After": str(RETRY_SECONDS)}
        raise Problem("not-erased", "Not everything could be removed; ask again.", headers=retry) from error


def erase(engine: Engine, where: Places, customer_id: str, now_us: int) -> Entry:
    """Remove the person and give the receipt; raises ServingError when a part stayed: then call it again."""
    who = erasing.Person(customer_id, person_of(customer_id, holdout_key()))
    with told(), writing(engine) as connection:
        traces = erasing.stop_messages(connection, who, now_us)
    counts = _clear_files(where, customer_id, traces.message_ids)
    with told(), writing(engine) as connection:
        found = erasing.receipt_of(connection, who)
        receipt_id = "r-" + hashlib.sha256(f"{who.person} {now_us}".encode()).hexdigest()[:20]
        if found is None:
            erasing.keep_receipt(connection, who, receipt_id, now_us)
        counts = erasing.delete_rows(connection, who, now_us) | counts
        receipt: Entry = {
            "receipt_id": receipt_id,
            "person": who.person,
            "erased_at": iso(now_us),
            "removed": {name: count for name, count in sorted(counts.items()) if count},
            "remains": [*_elsewhere(where, traces), *AFTERWARDS],
        }
        if found is None:
            erasing.fill_receipt(connection, who, orjson.dumps(receipt))
    _truncate_log(engine)
    offer_erased(where.home, [who.person])
    return receipt if found is None else dict(orjson.loads(found))


def _clear_files(where: Places, customer_id: str, message_ids: Sequence[str]) -> dict[str, int]:
    stores = (where.store, last_good(where) / where.store.name)
    counts = {store.relative_to(where.home).as_posix(): files.clear_store(store, customer_id) for store in stores}
    try:
        for lane in _destinations(where).values():
            if lane.kind == "csv":
                counts[lane.path] = files.clear_csv(where.home / lane.path, customer_id)
            elif lane.kind == "eml":
                counts[lane.path] = files.clear_letters(where.home / lane.path, message_ids)
    except OSError as error:
        raise ServingError(f"{error.filename} still holds the customer: {error.strerror}. Erase again.") from error
    return counts


def _elsewhere(where: Places, traces: erasing.Traces) -> list[str]:
    """What went out of our hands, in words."""
    ours = {name for name, lane in _destinations(where).items() if lane.kind in ("csv", "eml")}
    told = [
        f"Ask the destination {name} to erase too: {count} message(s) went there."
        for name, count in sorted(traces.handed_over.items())
        if name not in ours
    ]
    if traces.leased_until_us is not None:
        told.append(f"A message was just being handed over; erase again after {iso(traces.leased_until_us)}.")
    return told


def _destinations(where: Places) -> dict[str, Destination]:
    try:
        return dict(read_dispatch(where.params).destinations)
    except ConfigError as error:
        raise ServingError(f"which files hold the customer is unknown; mend this, then erase again: {error}") from error


def _truncate_log(engine: Engine) -> None:
    """Rows that were deleted stand in SQLite's log until it is written back; PostgreSQL does so in its own time."""
    if engine.dialect.name != "sqlite":
        return
    with told():
        raw = engine.raw_connection()
        try:
            cursor = raw.cursor()
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            cursor.close()
        finally:
            raw.close()


def main(arguments: Sequence[str]) -> None:
    """Erase a customer and print the receipt; exits 1 on an error the user can solve."""
    parser = argparse.ArgumentParser(prog="python -m serving.erase", description="Erase a customer.")
    parser.add_argument("customer_id")
    customer_id, where = parser.parse_args(arguments).customer_id, places()
    try:
        engine = open_database(inbox_url(where.home))
        receipt = erase(engine, where, customer_id, time.time_ns() // 1000)
        _wait_for_pull(where, str(receipt["person"]))
    except RekindleError as error:
        sys.exit(f"erase: {error}")
    print(orjson.dumps(receipt, option=orjson.OPT_INDENT_2).decode())


def _wait_for_pull(where: Places, person: str) -> None:
    """A pull that runs now has read the person already; the next one must see a change."""
    if not erased_file(where.home).parent.is_dir():
        return  # no pipeline beside it
    for second in range(LONGEST_WAIT_SECONDS):
        if offer_erased(where.home, [person]):
            return
        if second == QUIET_SECONDS:
            print("erase: a pull is running; waiting for its end", file=sys.stderr, flush=True)
        time.sleep(1)
    raise ServingError("a pull has been running for an hour; erase again after it.")


if __name__ == "__main__":
    main(sys.argv[1:])
