"""Posts letters to an HTTP receiver, signed as Standard Webhooks says; the webhook-id is the message's own."""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpcore
import httpx

from serving.dispatch.claim import Letter
from serving.dispatch.outcome import Outcome
from serving.dispatch.settings import Webhook
from serving.dispatch.sinks.address import AddressRefusedError, CheckedTransport, Deadline, checked_addresses
from serving.signing import signer

# An answer says nothing we need beyond its head; this much is read to keep the connection.
MOST_BYTES = 65_536
GONE = 410
# Neither wrong nor unwanted, only not now.
LATER = (408, 425, 429)
WAITS = (429, 503)


class WebhookSink:
    """One receiver; safe for the threads of one worker."""

    def __init__(self, lane: Webhook) -> None:
        self._lane, self._signer, self._deadline = lane, signer(lane.secret_env), Deadline()
        transport = CheckedTransport(lane.allow_private, lane.concurrency, self._deadline)
        self._client = httpx.Client(
            transport=transport, timeout=lane.timeout_seconds, follow_redirects=False, trust_env=False
        )
        self._threads = ThreadPoolExecutor(lane.concurrency, thread_name_prefix="send")

    def refusal(self) -> str | None:
        """An address that is not public; a name without an address is tried, for that may pass."""
        url = httpx.URL(self._lane.url)
        try:
            checked_addresses(url.host, url.port or 443, self._lane.allow_private)
        except AddressRefusedError as error:
            return f"{error}; if it is meant, say allow_private: true"
        except httpcore.ConnectError:
            return None
        return None

    def deliver(self, letters: Sequence[Letter]) -> Mapping[str, Outcome]:
        """All at once, each on a thread."""
        found = self._threads.map(self._delivered, letters)
        return {letter.message_id: outcome for letter, outcome in zip(letters, found, strict=True)}

    def close(self) -> None:
        """End the connections."""
        self._threads.shutdown()
        self._client.close()

    def _delivered(self, letter: Letter) -> Outcome:
        self._deadline.until = time.monotonic() + self._lane.timeout_seconds
        try:
            return self._posted(letter)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            return Outcome("failed", f"no connection: {error}")
        except httpx.HTTPError as error:
            # Sent, or partly: what became of it nobody knows.
            return Outcome("doubtful", f"{type(error).__name__}: {error}")

    def _posted(self, letter: Letter) -> Outcome:
        now = datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            "user-agent": "rekindle",
            "webhook-id": letter.message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(letter.message_id, now, letter.payload),
        }
        with self._client.stream("POST", self._lane.url, content=letter.payload.encode(), headers=headers) as answer:
            read = 0
            for part in answer.iter_raw():
                read += len(part)
                if read > MOST_BYTES:
                    break
        return outcome_of(answer.status_code, answer.headers.get("retry-after"), time.time())


def outcome_of(status: int, retry_after: str | None, now: float) -> Outcome:
    """What an HTTP status means; `retry_after` is that header, `now` in seconds since 1970."""
    if 200 <= status < 300:
        return Outcome("sent", "sent", status)
    if status == GONE:
        return Outcome("gone", "the receiver answered 410 Gone", status)
    told = f"the receiver answered {status}"
    if status >= 500 or status in LATER:
        asked = seconds_of(retry_after, now) if status in WAITS else None
        return Outcome("failed", told, status, asked)
    return Outcome("refused", told + (": redirects are not followed" if 300 <= status < 400 else ""), status)


def seconds_of(text: str | None, now: float) -> float | None:
    """Retry-After in seconds, from a number or an HTTP date; None when there is none that can be read."""
    if text is None:
        return None
    if text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None
