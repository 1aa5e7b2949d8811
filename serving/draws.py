"""Chance that anyone with the key can repeat: uniform draws from a keyed hash of the customer and a purpose.

The same person lands in the same control group on every run and machine; without the key nobody can tell who is in it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

import numpy as np

from serving.history import Floats
from serving.outbox.person import HOLDOUT_KEY as HOLDOUT_KEY
from serving.outbox.person import OPEN_KEY as OPEN_KEY
from serving.outbox.person import holdout_key as holdout_key
from serving.outbox.person import key_mark as key_mark


def uniform_draws(customer_ids: Iterable[str], key: bytes, purpose: str) -> Floats:
    """One number in [0, 1) per customer; another purpose gives independent numbers."""
    prefix = f"{purpose}\0".encode()
    heads = (hmac.digest(key, prefix + name.encode(), hashlib.sha256)[:8] for name in customer_ids)
    whole = np.frombuffer(b"".join(heads), dtype=">u8")
    return (whole >> np.uint64(11)).astype(np.float64) * 2.0**-53
