"""kill -9 under load: every acknowledged event is kept, and none twice, however often the endpoint is killed.

Senders post small batches without pause and send again what was not acknowledged; the killer ends the server
and its workers at a random moment and starts it again. At the end the inbox is compared with what the senders know.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.serving_peers.server import free_port, kill, start
from serving.inbox.inbox import Inbox

SENDERS, BATCH = 4, 5
LOAD_SECONDS = (0.1, 1.0)  # between two kills, drawn evenly
AT = "2025-12-30T10:00:00Z"


@dataclass
class Sender:
    """One client: what it sent, and what was acknowledged to it."""

    name: str
    port: int
    stop: threading.Event
    sent: set[str] = field(default_factory=set)
    acknowledged: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Post until told to stop; a batch without an answer is sent again as it was."""
        number = 0
        with httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30) as client:
            while not self.stop.is_set():
                ids = [f"{self.name}-{number + place}" for place in range(BATCH)]
                number += BATCH
                self.sent.update(ids)
                while not self.stop.is_set() and not self._posted(client, ids):
                    time.sleep(0.05)

    def _posted(self, client: httpx.Client, ids: list[str]) -> bool:
        rows = [{"event_id": name, "customer_id": self.name, "kind": "session", "occurred_at": AT} for name in ids]
        try:
            answer = client.post("/v1/events", json={"engagement": rows})
        except httpx.TransportError:
            return False
        if answer.status_code != 200:
            self.faults.append(f"{answer.status_code}: {answer.text[:200]}")
            return False
        results = answer.json()["results"]
        self.acknowledged.update(str(row["id"]) for row in results if row["result"] in ("accepted", "duplicate"))
        self.faults += [str(row) for row in results if row["result"] == "refused"]
        return True


@dataclass(frozen=True)
class Outcome:
    """What the killing came to."""

    kills: int
    acknowledged: int
    kept: int
    lost: int
    twice: int
    strangers: int
    faults: list[str]
    seconds: float

    @property
    def holds(self) -> bool:
        """None lost, none twice, none that nobody sent, and no answer but success."""
        return self.acknowledged > 0 and not (self.lost or self.twice or self.strangers or self.faults)


def kill_often(home: Path, kills: int, is_bare: bool, minutes: float, seed: int = 7) -> Outcome:
    """Kill the endpoint of `home` so often, or for so long, under load; then look into its inbox."""
    draws, port, stop, started = random.Random(seed), free_port(), threading.Event(), time.monotonic()
    senders = [Sender(f"sender{number}", port, stop) for number in range(SENDERS)]
    threads = [threading.Thread(target=sender.run) for sender in senders]
    done = 0
    server = _started(home, port, is_bare)
    try:
        for thread in threads:
            thread.start()
        while done < kills and time.monotonic() - started < minutes * 60:
            time.sleep(draws.uniform(*LOAD_SECONDS))
            kill(server)
            done += 1
            server = _started(home, port, is_bare)
        time.sleep(LOAD_SECONDS[1])
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        kill(server)
    return _compared(home, senders, done, time.monotonic() - started)


def kept_ids(home: Path) -> Iterator[str]:
    """The ids of all events in the inbox, each as often as it is there."""
    inbox = Inbox.open(home)
    for chunk in inbox.rows("engagement", inbox.mark()):
        yield from (row.id for row in chunk)


def _compared(home: Path, senders: list[Sender], kills: int, seconds: float) -> Outcome:
    kept = list(kept_ids(home))
    acknowledged = set().union(*(sender.acknowledged for sender in senders))
    sent = set().union(*(sender.sent for sender in senders))
    faults = [fault for sender in senders for fault in sender.faults]
    return Outcome(
        kills=kills,
        acknowledged=len(acknowledged),
        kept=len(kept),
        lost=len(acknowledged - set(kept)),
        twice=len(kept) - len(set(kept)),
        strangers=len(set(kept) - sent),
        faults=faults[:5],
        seconds=seconds,
    )


def _started(home: Path, port: int, is_bare: bool) -> subprocess.Popen[bytes]:
    bare, whole = [__file__, "--serve", str(home), "--port", str(port)], ["-m", "serving.run", "--port", str(port)]
    # BentoML opens the port long before a worker answers there; the routes alone have no page that says so.
    page = "/" if is_bare else "/readyz"
    return start(bare if is_bare else whole, home, f"http://127.0.0.1:{port}{page}")


def _serve(home: Path, port: int) -> None:
    """The endpoint's routes without BentoML around them: starts sooner, keeps events by the same code."""
    import uvicorn

    from serving.app import routes_app
    from serving.desk import Desk
    from serving.settings import Places

    app = routes_app()
    app.state.desk = Desk.open(Places(home))
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False)


def main(arguments: list[str]) -> None:
    """Print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=40, help="stop after so long, whatever was reached")
    parser.add_argument("--bare", action="store_true", help="the routes alone, without BentoML: starts sooner")
    parser.add_argument("--quick", action="store_true", help="ten kills of the routes alone")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.serve:
        _serve(options.serve, options.port)
        return
    from tests.serving.shop import write_run

    home = Path(tempfile.mkdtemp(prefix="kills"))
    try:
        with contextlib.redirect_stdout(sys.stderr):
            write_run(home)
        is_bare = options.bare or options.quick
        found = kill_often(home, 10 if options.quick else options.kills, is_bare, options.minutes)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    line = {"name": "acknowledged events lost or kept twice", "ours": found.lost + found.twice, "peer": "the promise"}
    line |= {"theirs": 0, "unit": "events", "ratio": 1.0 if found.holds else 0.0, "target": 1.0, "holds": found.holds}
    line |= {"kills": found.kills, "acknowledged": found.acknowledged, "kept": found.kept, "faults": found.faults}
    line |= {"strangers": found.strangers, "seconds": round(found.seconds, 1), "cores": os.cpu_count()}
    print(json.dumps(line | {"server": "routes alone" if is_bare else "BentoML"}))


if __name__ == "__main__":
    main(sys.argv[1:])
