"""What came of one send, and how long to wait before the next try."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from serving.dispatch.claim import Letter
from serving.dispatch.settings import Lane

# failed: it surely did not arrive; doubtful: it may have; refused: it is not wanted; gone: nothing is, any more.
Result = Literal["sent", "failed", "doubtful", "refused", "gone"]


@dataclass(frozen=True)
class Outcome:
    """`status` is the HTTP one; `wait_seconds` what the receiver asked for."""

    result: Result
    told: str
    status: int | None = None
    wait_seconds: float | None = None


SENT = Outcome("sent", "sent")


class Sink(Protocol):
    """A destination, open for one worker."""

    def refusal(self) -> str | None:
        """Why nothing may be sent there now, before anything is claimed."""
        ...

    def deliver(self, letters: Sequence[Letter]) -> Mapping[str, Outcome]:
        """Try each once; an outcome by message id."""
        ...

    def close(self) -> None:
        """Let go of connections and files."""
        ...


def wait_seconds(lane: Lane, attempts: int, asked: float | None, draws: random.Random) -> float:
    """Seconds until the next try: what was asked for, else full jitter below first_retry · 2^(attempts - 1).

    Full jitter: Brooker, "Exponential Backoff And Jitter", 2015. Both are capped by longest_retry_seconds.
    """
    if asked is not None:
        return min(max(asked, 0.0), lane.longest_retry_seconds)
    ceiling = min(lane.longest_retry_seconds, lane.first_retry_seconds * 2.0 ** min(attempts - 1, 60))
    return draws.uniform(0.0, ceiling)
