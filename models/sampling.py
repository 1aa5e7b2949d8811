"""A share of the customers, always the same ones, whatever else the table holds."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray


def drawn(customers: Iterable[str], share: float, purpose: str) -> NDArray[np.bool_]:
    """Is each customer one of the share? A larger share holds a smaller one; each `purpose` draws others."""
    # A checksum such as crc32 is too regular on consecutive ids: 35 % instead of 42 % of 1,200 customers.
    names = list(customers)
    known = {name: _number(f"{purpose} {name}") < share for name in set(names)}
    return np.fromiter((known[name] for name in names), bool, len(names))


def _number(text: str) -> float:
    return int.from_bytes(blake2b(text.encode(), digest_size=6).digest()) / 2**48
