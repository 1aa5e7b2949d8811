"""One server process at a time: started, waited for, weighed, stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
LONGEST_START_S = 120


@dataclass(frozen=True)
class Server:
    """A running server: where, its process, and how long it took to be ready."""

    url: str
    pid: int
    ready_seconds: float

    @property
    def memory_mb(self) -> float:
        """Resident memory of the process and its children; shared pages count in each."""
        return sum(_resident_kb(pid) for pid in family(self.pid)) / 1024

    @property
    def largest_mb(self) -> float:
        """Resident memory of the largest process: the worker."""
        return max(_resident_kb(pid) for pid in family(self.pid)) / 1024


@contextmanager
def running(command: list[str], home: Path, ready: str, **environment: str) -> Iterator[Server]:
    """Start `python -m ...` with `{port}` filled in; stopped at the end. Raises RuntimeError when it never answers."""
    port, started = free_port(), time.perf_counter()
    url = f"http://127.0.0.1:{port}"
    arguments = [word.replace("{port}", str(port)) for word in command]
    process = start(arguments, home, f"{url}{ready}", **environment)
    try:
        yield Server(url, process.pid, time.perf_counter() - started)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            kill(process)


def start(command: list[str], home: Path, ready: str, **environment: str) -> subprocess.Popen[bytes]:
    """Start `python ...` in `home` and return once the address `ready` answers; else stop it and raise RuntimeError."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # MLflow starts uvicorn by its name
    own = {"PATH": path, "PYTHONPATH": str(ROOT), "BENTOML_HOME": str(home / "bentoml")}
    known, file = {**os.environ, **own, **environment}, home / "server.log"
    with file.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, *command], cwd=home, env=known, stdout=log, stderr=log, start_new_session=True
        )
    try:
        _wait(ready, process, file)
    except BaseException:
        kill(process)
        raise
    return process


def kill(process: subprocess.Popen[bytes]) -> None:
    """The process and its workers at once: no group signal reaches them all."""
    for pid in family(process.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(LONGEST_START_S * 20):
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback
                if answer.status == 200:
                    return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')[-4000:]}")


def free_port() -> int:
    """A loopback port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def family(pid: int) -> list[int]:
    """A process and all that it started, also those in a session of their own, as BentoML's workers are."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    own = [int(child) for child in children.read_text().split()] if children.exists() else []
    return [pid, *(one for child in own for one in family(child))]


def _resident_kb(pid: int) -> int:
    try:
        lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        return int(lines.get("VmRSS", "0 kB").split()[0])
    except FileNotFoundError:
        return 0
