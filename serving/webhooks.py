"""`POST /v1/webhooks/{provider}`: what became of a message after it was handed over, told by whoever delivers it.

The form is Standard Webhooks'; the signature is the proof, no API key is asked for. The secret of a provider is in
$REKINDLE_PROVIDER_<NAME>_SECRET; a provider without one does not exist. A report that came before changes nothing.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Literal

import orjson
import sqlalchemy as sa
import standardwebhooks
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy.engine import Connection, Row

from features.errors import ServingError
from serving.desk import Desk, Entry
from serving.dispatch.claim import Letter
from serving.dispatch.finish import keep_touch
from serving.events import AHEAD, PlainId
from serving.history import OUTCOME_ID
from serving.inbox.database import told, writing
from serving.inbox.inbox import RECEIVED
from serving.limits import RETRY_SECONDS
from serving.outbox import lists
from serving.outbox.tables import DECISIONS, ERASURES, EVERY_CHANNEL, MESSAGES
from serving.problems import Problem, invalid
from serving.requests import Instant, iso, microseconds
from serving.signing import signer

Kind = Literal["delivered", "bounced", "opened", "clicked", "complained", "unsubscribed"]
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
# The event a report becomes, by kind and channel; where none stands, there is no such event.
_EVENTS: dict[tuple[str, str], str] = {
    ("delivered", "email"): "email_sent",
    ("delivered", "sms"): "sms_sent",
    ("delivered", "push"): "push_sent",
    ("opened", "email"): "email_open",
    ("opened", "push"): "push_open",
    ("clicked", "email"): "email_click",
}
_OPT_OUTS: dict[str, tuple[str, lists.Reason]] = {
    "complained": ("spam_complaint", "complained"),
    "unsubscribed": ("unsubscribe", "unsubscribed"),
}
_KEEP = sa.text(
    "INSERT INTO outcomes (provider, provider_id, message_id, kind, occurred_us, received_us) "
    "VALUES (:provider, :provider_id, :message_id, :kind, :occurred_us, :received_us) ON CONFLICT DO NOTHING"
)
_LOG = logging.getLogger(__name__)


class About(BaseModel):
    """Which message; providers say more, which is ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    message_id: PlainId
    is_machine: bool | None = None
    is_permanent: bool = True


class OutcomeReport(BaseModel):
    """What became of a message: `message.<kind>`, when, and which; `is_permanent` is of a bounce."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    type: Literal[
        "message.delivered",
        "message.bounced",
        "message.opened",
        "message.clicked",
        "message.complained",
        "message.unsubscribed",
    ]
    timestamp: Instant
    data: About

    @property
    def kind(self) -> str:
        """Without the word before it."""
        return self.type.removeprefix("message.")


def secret_variable(provider: str) -> str:
    """The variable that holds the provider's secret."""
    return f"REKINDLE_PROVIDER_{provider.upper()}_SECRET"


def verified(provider: str, headers: Mapping[str, str], body: bytes) -> OutcomeReport:
    """The report; raises Problem for an unknown provider, a wrong or old signature, or another shape."""
    if not _NAME.fullmatch(provider) or not os.environ.get(secret_variable(provider)):
        raise Problem("not-found", "No such provider is set up.", "provider")
    try:
        signer(secret_variable(provider)).verify(body, dict(headers), json_parse=False)
    except (standardwebhooks.WebhookVerificationError, ValueError) as error:
        # ValueError: a signature that is no base64, a body that is no text.
        raise Problem("signature", f"{error}.", "webhook-signature") from error
    try:
        report = OutcomeReport.model_validate_json(body)
    except ValidationError as error:
        raise invalid(error) from error
    if report.timestamp > datetime.now(UTC) + AHEAD:
        raise Problem("future-event", "timestamp has not come yet.", "timestamp")
    return report


def keep(desk: Desk, provider: str, report_id: str, report: OutcomeReport) -> Entry:
    """Write it down with all that follows from it, or nothing; raises Problem when it could not be written."""
    now_us = microseconds(datetime.now(UTC))
    try:
        with told(), writing(desk.inbox.engine) as connection:
            return {"result": _kept(connection, (provider, report_id), report, now_us)}
    except ServingError as error:
        _LOG.exception("an outcome could not be written")
        retry = {"Retry-After": str(RETRY_SECONDS)}
        raise Problem("not-written", "It was not written; send it again.", headers=retry) from error


def _kept(connection: Connection, source: tuple[str, str], report: OutcomeReport, now_us: int) -> str:
    provider, report_id = source
    row = {
        "provider": provider,
        "provider_id": report_id,
        "message_id": report.data.message_id,
        "kind": report.kind,
        "occurred_us": microseconds(report.timestamp),
        "received_us": now_us,
    }
    if connection.execute(_KEEP, row).rowcount == 0:
        return "duplicate"
    message = _message(connection, report.data.message_id)
    if message is None:
        return "unknown_message"
    _settle(connection, message, report, now_us)
    kind = _OPT_OUTS[report.kind][0] if report.kind in _OPT_OUTS else _EVENTS.get((report.kind, str(message.channel)))
    if kind is not None and not _is_erased(connection, str(message.person)):
        _receive(connection, message, (kind, f"{OUTCOME_ID}{provider}:{report_id}"), report, now_us)
    if report.kind in _OPT_OUTS:
        lists.suppress(connection, message.person, EVERY_CHANNEL, _OPT_OUTS[report.kind][1], now_us, provider)
    if report.kind == "bounced" and report.data.is_permanent:
        lists.suppress(connection, message.person, message.channel, "bounced", now_us, provider)
    return "accepted"


def _message(connection: Connection, message_id: str) -> Row[*tuple[object, ...]] | None:
    query = sa.select(MESSAGES, DECISIONS.c.propensity)
    query = query.outerjoin(DECISIONS, DECISIONS.c.decision_id == MESSAGES.c.decision_id)
    return connection.execute(query.where(MESSAGES.c.message_id == message_id)).first()


def _settle(connection: Connection, message: Row[*tuple[object, ...]], report: OutcomeReport, now_us: int) -> None:
    """A message that may have arrived did, or the report could not speak of it."""
    if message.state != "unknown" or report.kind == "bounced":
        return
    sent = sa.update(MESSAGES).where(MESSAGES.c.message_id == message.message_id)
    connection.execute(sent.values(state="sent", sent_us=now_us, reason=None))
    letter = Letter(
        message.message_id,
        message.lease_token,
        message.customer_id,
        message.action,
        message.channel,
        message.payload_json,
        message.attempts,
        message.propensity,
    )
    keep_touch(connection, letter, now_us)


def _receive(
    connection: Connection,
    message: Row[*tuple[object, ...]],
    event: tuple[str, str],
    report: OutcomeReport,
    now_us: int,
) -> None:
    kind, name = event
    content = {
        "event_id": name,
        "customer_id": message.customer_id,
        "kind": kind,
        "subject": f"{message.action}:{message.message_id}",
        "occurred_at": iso(min(microseconds(report.timestamp), now_us)),
        "known_at": iso(now_us),
    }
    content |= {} if report.data.is_machine is None else {"is_machine": report.data.is_machine}
    about = sa.and_(RECEIVED.c.sort == "engagement", RECEIVED.c.id == name)
    if connection.execute(sa.select(RECEIVED.c.seq).where(about)).first() is not None:
        return
    row = {"sort": "engagement", "id": name, "customer_id": message.customer_id, "known_at_us": now_us}
    row["content"] = orjson.dumps(content, option=orjson.OPT_SORT_KEYS).decode()
    connection.execute(sa.insert(RECEIVED), row)


def _is_erased(connection: Connection, person: str) -> bool:
    return connection.scalar(sa.select(ERASURES.c.person).where(ERASURES.c.person == person)) is not None
