"""One customer in a request: from rows as a request carries them to every column, and the floor beside it."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from random import Random

import features.families  # noqa: F401 - imported by a server when it starts, not by a request
from benchmarks.feature_peers.spec import DAY_US, REQUEST_EVENTS
from features.asof import Settings, snapshot
from features.kinds import ENGAGEMENT_KINDS
from features.reading import log_from_records

ORDERS = 50
AS_OF_US = 19_723 * DAY_US
SETTINGS = Settings(horizon_days=90, active_days=None, half_lives_days=(14, 60))
Rows = list[dict[str, object]]


def measured(customers: int) -> dict[str, float]:
    """Median and 99th percentile over customers in milliseconds, the two steps, and the floor: reading the JSON."""
    whole, made, read, columns = [], [], [], 0
    for number in range(customers):
        request = _request(Random(number))
        text = json.dumps(request)
        read.append(_milliseconds(json.loads, text))
        started = time.perf_counter()
        log = log_from_records(*request)
        between = time.perf_counter()
        known = snapshot(log, [AS_OF_US], SETTINGS)
        ended = time.perf_counter()
        whole.append((ended - started) * 1e3)
        made.append((between - started) * 1e3)
        columns = known.values.shape[1]
    if "pandas" in sys.modules:
        raise RuntimeError("pandas was imported on the way from a request to its columns")
    return {
        "median_ms": statistics.median(whole),
        "p99_ms": statistics.quantiles(whole, n=100)[-1],
        "log_ms": statistics.median(made),
        "snapshot_ms": statistics.median(all_ms - log_ms for all_ms, log_ms in zip(whole, made, strict=True)),
        "json_ms": statistics.median(read),
        "columns": columns,
    }


def _request(random: Random) -> tuple[Rows, Rows, Rows]:
    orders: Rows = [
        {
            "order_id": f"o{number}",
            "customer_id": "C1",
            "ordered_at": _moment(random),
            "revenue": random.randrange(500, 20_000) / 100,
            "discount": max(random.randrange(-2_000, 2_000), 0) / 100,
            "units": random.randrange(1, 9),
        }
        for number in range(ORDERS)
    ]
    engagement: Rows = [
        {
            "event_id": f"e{number}",
            "customer_id": "C1",
            "occurred_at": _moment(random),
            "kind": random.choice(ENGAGEMENT_KINDS),
            "value": random.randrange(11),
            "is_machine": False,
        }
        for number in range(REQUEST_EVENTS - ORDERS)
    ]
    items: Rows = [
        {"order_id": f"o{number // 2}", "product_id": f"p{random.randrange(5_000)}", "category": "k", "quantity": 1}
        for number in range(2 * ORDERS)
    ]
    return orders, engagement, items


def _moment(random: Random) -> int:
    return AS_OF_US - random.randrange(730 * DAY_US)


def _milliseconds(work: Callable[[str], object], text: str) -> float:
    started = time.perf_counter()
    work(text)
    return (time.perf_counter() - started) * 1e3
