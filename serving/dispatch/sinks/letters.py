"""Writes each letter as an e-mail file (.eml), to try things out: any mail program opens it, nothing is sent.

Head and link are those RFC 8058 asks for, so what a shop's mailer must add can be read here. The address is made of
the customer's id by `to`: where true ones come from is the shop's business.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

import orjson

from serving.dispatch.claim import Letter
from serving.dispatch.link import UNSUBSCRIBE_URL
from serving.dispatch.outcome import SENT, Outcome
from serving.dispatch.settings import Eml
from serving.requests import instant_of
from serving.unsubscribe_link import one_click_headers

# A link that is folded is encoded too, and then no mail program knows it; 998 is what RFC 5322 allows.
_WHOLE_LINES = SMTP.clone(max_line_length=998)


class EmlSink:
    """One folder, one file per message."""

    def __init__(self, lane: Eml, folder: Path, now_us: Callable[[], int]) -> None:
        self._lane, self._folder, self._now_us = lane, folder, now_us

    def refusal(self) -> str | None:
        """A folder can always be tried."""
        return None

    def deliver(self, letters: Sequence[Letter]) -> Mapping[str, Outcome]:
        """Each file whole or not there; one that is there stays."""
        return {letter.message_id: self._written(letter) for letter in letters}

    def close(self) -> None:
        """Nothing stays open."""

    def _written(self, letter: Letter) -> Outcome:
        file = self._folder / f"{letter.message_id}.eml"
        aside = file.with_suffix(f".{os.getpid()}.part")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if not file.exists():
                with aside.open("wb") as opened:
                    opened.write(self._message(letter).as_bytes(policy=_WHOLE_LINES))
                    opened.flush()
                    os.fsync(opened.fileno())
                aside.replace(file)
        except OSError as error:
            with suppress(OSError):  # what stood in the way of the file may stand in the way of its removal
                aside.unlink()
            return Outcome("failed", f"not written: {error.strerror}")
        return SENT

    def _message(self, letter: Letter) -> EmailMessage:
        payload = orjson.loads(letter.payload)
        message = EmailMessage(policy=_WHOLE_LINES)
        message["From"] = self._lane.sender
        message["To"] = self._lane.to.format(customer_id=_local_part(letter.customer_id))
        message["Subject"] = letter.action.replace("_", " ").capitalize()
        message["Date"] = format_datetime(instant_of(self._now_us()))
        message["Message-ID"] = f"<{letter.message_id}@{self._lane.sender.rpartition('@')[2]}>"
        for name, value in one_click_headers(payload[UNSUBSCRIBE_URL]).items():
            message[name] = value
        message.set_content(words(payload))
        return message


def words(payload: Mapping[str, object]) -> str:
    """A touch in plain words."""
    reasons = payload.get("reasons_in_words")
    why = [f"- {reason}" for reason in reasons] if isinstance(reasons, list) else []
    chance, customer = payload.get("churn_probability"), " ".join(str(payload["customer_id"]).split())
    lines = [
        f"{payload['action']} ({payload['intent']}) for customer {customer} by {payload['channel']}",
        *([f"Chance to lose this customer: {float(str(chance)):.0%}"] if chance is not None else []),
        *(["Because:", *why] if why else []),
        f"Decision {payload['decision_id']}, message {payload['message_id']}",
    ]
    return "\n".join(lines) + "\n"


def _local_part(customer_id: str) -> str:
    # What has no place before an @, or could begin another header, becomes a dash.
    return "".join(sign if sign.isascii() and (sign.isalnum() or sign in "._-") else "-" for sign in customer_id)
