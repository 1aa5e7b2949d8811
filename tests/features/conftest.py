"""A hand-written customer and a random shop, for every test of the engine."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from features.asof import Settings
from features.kinds import KINDS
from features.log import DAY_US
from features.records import Records

SETTINGS = Settings(horizon_days=90, active_days=365, half_lives_days=(14, 60))


def us(text: str) -> int:
    """An ISO date or time, UTC, as microseconds."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000_000)


def random_records(seed: int, customers: int = 60, orders: int = 240, events: int = 2_000) -> Records:
    """Orders and events of every kind over 600 days; many on the same instant, some exactly at midnight."""
    random = np.random.default_rng(seed)

    def times(count: int) -> np.ndarray:
        fine = random.integers(0, 600 * DAY_US, count)
        return np.where(random.random(count) < 0.3, fine // DAY_US * DAY_US, fine)

    items = orders * 2
    return Records(
        tuple(f"c{number:03d}" for number in range(customers)),
        {
            "customer": random.integers(0, customers, orders),
            "time": times(orders),
            "revenue": random.integers(1, 2_000_000, orders),
            "discount": random.integers(0, 2, orders) * 50_000,
            "units": random.integers(1, 9, orders) * 10_000,
        },
        {
            "customer": random.integers(0, customers, events),
            "time": times(events),
            "kind": random.integers(1, len(KINDS), events),
            "value": random.integers(0, 100_000, events),
        },
        {
            "order": random.integers(0, orders, items),
            "product": random.integers(0, 20, items),
            "category": random.integers(0, 4, items),
            "quantity": random.integers(1, 5, items) * 10_000,
        },
    )


@pytest.fixture(scope="session")
def shop() -> Records:
    """One random shop, shared: nothing changes it."""
    return random_records(seed=11)
