"""The unsorted facts of some customers as arrays: what every reader makes and every log is built from."""

from __future__ import annotations

from dataclasses import dataclass

from features.log import Columns, EventLog, build_log


@dataclass(frozen=True)
class Records:
    """The inputs of `features.log.build_log`; `items["order"]` points at rows of `orders`."""

    customer_ids: tuple[str, ...]
    orders: Columns
    engagement: Columns
    items: Columns

    def log(self) -> EventLog:
        """The log of these records."""
        return build_log(self.customer_ids, self.orders, self.engagement, self.items)
