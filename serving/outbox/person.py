"""A person as the lists know them: a keyed hash of the id, which names nobody without the key."""

from __future__ import annotations

import hashlib
import hmac

_PURPOSE = b"person\0"


def person_of(customer_id: str, key: bytes) -> str:
    """128 bits as hex; `key` is that of the control group (serving/draws.py)."""
    return hmac.digest(key, _PURPOSE + customer_id.encode(), hashlib.sha256).hex()[:32]
