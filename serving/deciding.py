"""`POST /v1/trigger` and `GET /v1/decisions/{id}`: from the headers and bytes of a request to those of an answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

import orjson

from features.errors import RekindleError
from serving import trigger as committing
from serving.desk import Desk
from serving.inbox.database import told
from serving.limits import RETRY_SECONDS
from serving.problems import Problem
from serving.show import shown

IDEMPOTENCY_KEY = "Idempotency-Key"
LONGEST_KEY = 200
# Clocks differ a little; what lies further ahead has not come.
_AHEAD_US = 5 * 60 * 1_000_000
_LOG = logging.getLogger(__name__)


def key_in(headers: Mapping[str, str]) -> str:
    """The idempotency key of a request; raises Problem without a usable one."""
    key = headers.get(IDEMPOTENCY_KEY, "").strip()
    if not 1 <= len(key) <= LONGEST_KEY:
        how = f"Send {IDEMPOTENCY_KEY}, a key of your own of 1 to {LONGEST_KEY} characters; the same for a retry."
        raise Problem("no-idempotency-key", how, IDEMPOTENCY_KEY)
    return key


def trigger(desk: Desk, body: bytes, key: str) -> bytes:
    """Decide and commit; raises Problem, and then nobody is contacted."""
    now_us = time.time_ns() // 1000
    call = committing.Call.of(body, now_us, key)
    if call.now_us > now_us + _AHEAD_US:
        raise Problem("invalid", "as_of has not come yet.", "as_of")
    try:
        return committing.trigger(desk, call)
    except RekindleError as error:
        _LOG.exception("nothing was decided")
        retry = {"Retry-After": str(RETRY_SECONDS)}
        raise Problem("not-decided", "Nothing was committed; nobody is contacted.", headers=retry) from error


def show(desk: Desk, decision_id: str) -> bytes:
    """A committed decision, whole; raises Problem when there is none."""
    try:
        with told(), desk.inbox.engine.connect() as connection:
            found = shown(connection, decision_id, desk.key)
    except RekindleError as error:
        _LOG.exception("a decision cannot be read")
        raise Problem("not-decided", "Decisions cannot be read now.") from error
    if found is None:
        unknown = f"decision_id: {decision_id!r} was not committed; /v1/plan is a dry run."
        raise Problem("unknown-decision", unknown, "decision_id")
    return orjson.dumps(found)
