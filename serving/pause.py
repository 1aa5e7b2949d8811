"""`python -m serving.pause` and `POST /v1/pause`: the switches that stop all sending, a channel or a destination.

They hold at once: whoever decides or sends asks them in the same transaction. What a receiver is being handed in that
very moment still goes out.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from typing import Annotated, get_args

from pydantic import StringConstraints
from sqlalchemy.engine import Engine

from features.errors import ConfigError, RekindleError, ServingError
from serving.desk import Desk, Entry
from serving.dispatch.settings import read_dispatch
from serving.inbox.database import inbox_url, open_database, told, writing
from serving.limits import RETRY_SECONDS
from serving.outbox import lists
from serving.outbox.tables import EVERYTHING
from serving.policy import Channel
from serving.problems import Problem
from serving.requests import Shape, iso
from serving.settings import places

_RETRY = {"Retry-After": str(RETRY_SECONDS)}
_PATTERN = r"^(all|channel:[a-z]+|destination:[a-z][a-z0-9_]*)$"
Text = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True)]


class PauseRequest(Shape):
    """A switch, whether it shall stop, and why."""

    name: Annotated[str, StringConstraints(pattern=_PATTERN)]
    stopped: bool
    reason: Text


def pause(desk: Desk, request: PauseRequest) -> Entry:
    """Turn the switch; raises Problem for one that would stop nothing, and when it could not be written."""
    try:
        turn(desk.inbox.engine, request, time.time_ns() // 1000)
    except ConfigError as error:
        raise Problem("invalid", f"name: {error}", "name") from error
    except ServingError as error:
        raise Problem("not-written", "The switch was not turned; send it again.", headers=_RETRY) from error
    return state(desk)


def state(desk: Desk) -> Entry:
    """All switches that were ever turned."""
    try:
        with told(), desk.inbox.engine.connect() as connection:
            found = lists.switches(connection)
    except ServingError as error:
        what = "The switches cannot be read; as long as that is so nothing is sent."
        raise Problem("not-written", what, headers=_RETRY) from error
    return {"switches": [_entry(switch) for switch in found]}


def turn(engine: Engine, request: PauseRequest, now_us: int) -> None:
    """Turn the switch; raises ConfigError for one that would stop nothing, ServingError when it cannot be written."""
    change = lists.stop if request.stopped else lists.resume
    with told(), writing(engine) as connection:
        known = [*_names(), *(switch.name for switch in lists.switches(connection))]
        if request.name not in known and not _is_unread(request.name):
            raise ConfigError(f"{request.name} would stop nothing; there is {', '.join(dict.fromkeys(known))}.")
        change(connection, request.name, request.reason, now_us)


def _names() -> list[str]:
    names = [EVERYTHING, *(f"channel:{channel}" for channel in get_args(Channel))]
    return names + [f"destination:{name}" for name in _destinations() or ()]


def _is_unread(name: str) -> bool:
    # Params that cannot be read shall not keep anybody from stopping.
    return name.startswith("destination:") and _destinations() is None


def _destinations() -> list[str] | None:
    try:
        return list(read_dispatch(places().params).destinations)
    except ConfigError:
        return None


def _entry(switch: lists.Switch) -> Entry:
    return {
        "name": switch.name,
        "stopped": switch.is_stopped,
        "reason": switch.reason,
        "changed_at": iso(switch.changed_us),
    }


def main(arguments: Sequence[str]) -> None:
    """Turn a switch, or without a name say how they stand; exits 1 on an error the user can solve."""
    options = _parser().parse_args(arguments)
    try:
        engine = open_database(inbox_url(places().home))
        if options.name is not None:
            if not options.reason:
                raise ConfigError("say why with --reason; whoever finds it stopped tomorrow will ask.")
            request = PauseRequest(name=options.name, stopped=not options.resume, reason=options.reason)
            turn(engine, request, time.time_ns() // 1000)
        with told(), engine.connect() as connection:
            found = lists.switches(connection)
    except RekindleError as error:
        sys.exit(f"pause: {error}")
    except ValueError:
        sys.exit(f"pause: {options.name!r} is no switch; there is {', '.join(_names())}.")
    for switch in found:
        how = "stopped" if switch.is_stopped else "goes on"
        print(f"{switch.name:<24} {how} since {iso(switch.changed_us)}: {switch.reason}")
    if not any(switch.is_stopped for switch in found):
        print("pause: nothing is stopped")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m serving.pause", description="Stop sending, or let it go on.")
    parser.add_argument("name", nargs="?", help="all, channel:email, destination:crm; none: say how they stand")
    parser.add_argument("--resume", action="store_true", help="let it go on")
    parser.add_argument("--reason", default="", help="why; kept beside the switch")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
