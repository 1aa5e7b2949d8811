"""The complaint breaker: how the shop's spam complaints stand to the bounds the large mailbox providers publish.

They want less than one complaint in a thousand messages and never three: at the first bound we warn, at the second
nobody is contacted. The share itself decides, not the low end of its interval, for waiting until the share is proven
too high costs the very people who complain. One complaint alone is the exception: among few messages it is any share at
all and says little, so it warns; from the second on the share counts, however few the messages were.
"""

from __future__ import annotations

from typing import Literal

State = Literal["ok", "warn", "stop"]
WARN_SHARE = 0.001
STOP_SHARE = 0.003
FEWEST_TO_STOP = 2


def share_of(complaints: int, sent: int) -> float:
    """Complaints per message; 1 when there are complaints but no messages."""
    return complaints / sent if sent > 0 else float(complaints > 0)


def breaker(complaints: int, sent: int, stop_share: float = STOP_SHARE) -> State:
    """What `complaints` about `sent` messages of the same days mean; complaints without messages count in full."""
    share = share_of(complaints, sent)
    if share >= stop_share and complaints >= FEWEST_TO_STOP:
        return "stop"
    return "warn" if complaints and share >= min(WARN_SHARE, stop_share) else "ok"


def warning(complaints: int, sent: int, stop_share: float = STOP_SHARE) -> str | None:
    """The sentence that answers and logs carry, None while all is well."""
    state = breaker(complaints, sent, stop_share)
    if state == "ok":
        return None
    counted = f"{complaints:,} spam complaint(s) about {sent:,} message(s)"
    if state == "stop":
        return f"{counted} reach the bound of {stop_share:.1%}: nobody is contacted until the share has fallen."
    return f"{counted} reach {min(WARN_SHARE, stop_share):.1%}; at {stop_share:.1%} nobody is contacted any more."
