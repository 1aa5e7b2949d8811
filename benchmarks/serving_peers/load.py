"""Load from another process: wrk, with the bodies of a file in turn."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

_SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
local bodies, turn = {}, 0
for line in io.lines("@BODIES@") do bodies[#bodies + 1] = line end
request = function()
  turn = turn % #bodies + 1
  return wrk.format(nil, nil, nil, bodies[turn])
end
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format("found %d %d %d %d %d\\n", summary.requests, summary.duration,
    e.connect + e.read + e.write + e.status + e.timeout, latency:percentile(50), latency:percentile(99)))
end
"""


@dataclass(frozen=True)
class Load:
    """What a server bore: answers per second, latencies in milliseconds, answers that were errors."""

    per_second: float
    p50_ms: float
    p99_ms: float
    errors: int


def load(url: str, bodies: Path, connections: int, seconds: int) -> Load:
    """Ask as fast as answers come over so many connections."""
    script = bodies.with_suffix(".lua")
    script.write_text(_SCRIPT.replace("@BODIES@", str(bodies)))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(script), url]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    (line,) = (line for line in told.splitlines() if line.startswith("found "))
    requests, duration_us, errors, p50_us, p99_us = map(int, line.split()[1:])
    return Load(requests / duration_us * 1e6, p50_us / 1e3, p99_us / 1e3, errors)
