"""The four canonical tables: what every source becomes after `check`, and all that the features ever read.

Ids are strings, times UTC microseconds, money `decimal(18,4)` in the one reporting currency. A column that a shop
does not have is there and all null. The engine does not import this module, so the endpoint runs without pyarrow.
"""

from __future__ import annotations

import pyarrow as pa

TIME = pa.timestamp("us", tz="UTC")
MONEY = pa.decimal128(18, 4)

ORDERS = pa.schema(
    {
        "order_id": pa.string(),
        "customer_id": pa.string(),
        "ordered_at": TIME,
        "known_at": TIME,
        "revenue": MONEY,  # after discounts, before tax and shipping
        "discount": MONEY,
        "units": pa.float64(),
        "currency": pa.string(),
        "channel": pa.string(),
    }
)
ORDER_ITEMS = pa.schema(
    {
        "order_id": pa.string(),
        "product_id": pa.string(),
        "category": pa.string(),
        "quantity": pa.float64(),
        "unit_price": MONEY,
    }
)
ENGAGEMENT = pa.schema(
    {
        "event_id": pa.string(),
        "customer_id": pa.string(),
        "occurred_at": TIME,
        "known_at": TIME,
        "kind": pa.string(),
        "value": MONEY,
        "subject": pa.string(),  # product, campaign, ticket or order
        "is_machine": pa.bool_(),
    }
)
CUSTOMERS = pa.schema(
    {
        "customer_id": pa.string(),
        "first_seen_at": TIME,
        "country": pa.string(),
        "timezone": pa.string(),
        "consent_email": pa.bool_(),
        "consent_sms": pa.bool_(),
    }
)

SCHEMAS: dict[str, pa.Schema] = {
    "orders": ORDERS,
    "order_items": ORDER_ITEMS,
    "engagement": ENGAGEMENT,
    "customers": CUSTOMERS,
}
REQUIRED: dict[str, tuple[str, ...]] = {
    "orders": ("order_id", "customer_id", "ordered_at", "revenue"),
    "order_items": ("order_id", "product_id", "quantity", "unit_price"),
    "engagement": ("event_id", "customer_id", "occurred_at", "kind"),
    "customers": ("customer_id",),
}
SORTED_BY: dict[str, tuple[str, ...]] = {
    "orders": ("known_at", "order_id"),
    "order_items": ("order_id", "product_id"),
    "engagement": ("known_at", "event_id"),  # so that the file grows at its end
    "customers": ("customer_id",),
}
