"""What the servers are asked: ids, feature rows, or a customer's whole history of a thousand events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

from features.kinds import ENGAGEMENT_KINDS

ORDERS = 50
EVENTS = 1_000
_AS_OF = datetime(2025, 12, 1, tzinfo=UTC)


def by_events(number: int) -> dict[str, object]:
    """A request with one customer's thousand events of two years, fifty of them orders."""
    random = Random(number)

    def moment() -> str:
        return (_AS_OF - timedelta(seconds=random.randrange(1, 730 * 86_400))).isoformat()

    orders = [
        {
            "order_id": f"o{place}",
            "ordered_at": moment(),
            "revenue": random.randrange(500, 20_000) / 100,
            "discount": random.randrange(0, 500) / 100,
            "units": random.randrange(1, 9),
        }
        for place in range(ORDERS)
    ]
    orders[0]["ordered_at"] = (_AS_OF - timedelta(days=random.randrange(1, 300))).isoformat()
    engagement = [
        {"event_id": f"e{place}", "occurred_at": moment(), "kind": random.choice(ENGAGEMENT_KINDS), "value": 3.0}
        for place in range(EVENTS - ORDERS)
    ]
    customer = {"customer_id": f"new{number}", "orders": orders, "engagement": engagement}
    return {"customers": [customer], "as_of": _AS_OF.isoformat()}


def by_ids(ids: list[str], at_once: int, bodies: int) -> list[object]:
    """Requests for some customers of the last nightly run each."""
    random = Random(7)
    return [
        {"customers": [{"customer_id": one} for one in random.sample(ids, min(at_once, len(ids)))]}
        for _ in range(bodies)
    ]
