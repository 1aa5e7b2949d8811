"""How a source's invoice lines mark what is no purchase; SQL over the parsed columns of a line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Customs:
    """Conditions for cancelled, bad-debt and test lines, and the product codes that name a service."""

    cancelled: str
    bad_debt: str
    test: str
    services: tuple[str, ...]


PLAIN = Customs(cancelled="quantity < 0", bad_debt="false", test="false", services=())

# UCI Online Retail II: the letter before the invoice number, and stock codes that are no stock.
ONLINE_RETAIL_II = Customs(
    cancelled="order_id LIKE 'C%'",
    bad_debt="order_id LIKE 'A%'",
    test="product_id LIKE 'TEST%'",
    services=(
        *("POST", "DOT", "C2", "C3"),  # carriage
        *("BANK CHARGES", "AMAZONFEE", "CRUK"),  # fees and donations
        *("M", "D", "S", "B", "ADJUST", "ADJUST2", "GIFT", "PADS"),  # manual entries, discounts, samples, adjustments
    ),
)
