"""One worker of one lane: claim, send outside any transaction, finish; again until nothing is due or it is stopped.

A lane knows nothing of the others, so a dead destination delays no live one. Where all of a round failed, the lane
rests, longer each time: a dead destination is knocked at now and then, not once per message.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.engine import Engine

from features.errors import ServingError
from serving.dispatch.claim import Claimed, Desk, Letter, claim
from serving.dispatch.clock import Clock
from serving.dispatch.finish import finish
from serving.dispatch.link import with_link
from serving.dispatch.outcome import Outcome, Sink, wait_seconds
from serving.draws import holdout_key
from serving.inbox.database import told, writing

IDLE_SECONDS = 1.0
# Of a finish that the database does not take: sooner tried again than a message sent again.
FINISH_SECONDS = 0.5
# `--once` leaves a destination alone after so many rounds in which nothing got through.
MOST_FAILED_ROUNDS = 3
LONGEST_REST_SECONDS = 60.0
_LOG = logging.getLogger(__name__)


@dataclass
class Lane:
    """One worker; `counts` are the states of the messages it finished, closed or moved.

    `turn` lets the workers of a process to the database one by one: SQLite's own queue is not a fair one.
    """

    engine: Engine
    desk: Desk
    sink: Sink
    endpoint_url: str
    now_us: Clock
    stop: threading.Event
    turn: threading.Lock = field(default_factory=threading.Lock)
    counts: Counter[str] = field(default_factory=Counter)
    held: str | None = None
    failed_rounds: int = 0
    asked_to_wait: float | None = None
    has_warned: bool = False

    def once(self) -> None:
        """Until nothing is due, something holds the lane up, or the destination is given up for now."""
        while not self.stop.is_set() and self.round():
            if self.failed_rounds >= MOST_FAILED_ROUNDS or self.asked_to_wait is not None:
                return

    def loop(self) -> None:
        """Until told to stop; a database that does not answer is waited for."""
        while not self.stop.is_set():
            try:
                busy = self.round()
            except ServingError as error:
                _LOG.warning("%s: %s", self.desk.destination, error)
                busy = False
            if not busy:
                self.stop.wait(IDLE_SECONDS)
            self._rest()

    def round(self) -> bool:
        """One claim and what follows; False when there was nothing to send."""
        self._hold(self.sink.refusal())
        if self.held is not None:
            return False
        with self.turn, told(), writing(self.engine) as connection:
            claimed = claim(connection, self.desk, self.now_us())
        self.counts.update(state for state, _ in claimed.closed)
        self._hold(claimed.held)
        self._warn(claimed.held)
        if not claimed.letters:
            return _found_work(claimed)
        key = holdout_key()
        outcomes = self.sink.deliver([with_link(letter, self.endpoint_url, key) for letter in claimed.letters])
        self.counts.update(self._finished(claimed.letters, outcomes))
        is_through = any(outcome.result not in ("failed", "doubtful") for outcome in outcomes.values())
        self.failed_rounds = 0 if is_through else self.failed_rounds + 1
        asked = [outcome.wait_seconds for outcome in outcomes.values() if outcome.wait_seconds is not None]
        self.asked_to_wait = max(asked, default=None)
        return True

    def _finished(self, letters: Sequence[Letter], outcomes: Mapping[str, Outcome]) -> list[str]:
        """Written down, and tried until the leases end: then somebody else recovers them."""
        until = time.monotonic() + self.desk.lane.lease_seconds
        while True:
            try:
                with self.turn, told(), writing(self.engine) as connection:
                    return finish(connection, self.desk, letters, outcomes, self.now_us())
            except ServingError as error:
                if time.monotonic() > until:
                    raise
                _LOG.warning("%s: sent, but not yet written down: %s", self.desk.destination, error)
                time.sleep(FINISH_SECONDS)

    def _rest(self) -> None:
        lane = self.desk.lane
        if self.asked_to_wait is not None:
            self.stop.wait(min(self.asked_to_wait, lane.longest_retry_seconds))
        elif self.failed_rounds:
            self.stop.wait(min(LONGEST_REST_SECONDS, wait_seconds(lane, self.failed_rounds, None, random.Random())))
        self.asked_to_wait = None

    def _warn(self, held: str | None) -> None:
        found = self.desk.health.warning
        if found is not None and held is None and not self.has_warned:
            _LOG.warning("%s: %s", self.desk.destination, found)
        self.has_warned = found is not None

    def _hold(self, reason: str | None) -> None:
        if reason is not None and reason != self.held:
            _LOG.warning("%s: nothing is sent: %s", self.desk.destination, reason)
        self.held = reason


def _found_work(claimed: Claimed) -> bool:
    # All that was looked at was closed; more may be due behind it.
    return bool(claimed.closed) and claimed.held is None
