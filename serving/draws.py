"""Chance that anyone with the key can repeat: uniform draws from a keyed hash of the customer and a purpose.

The same person lands in the same control group on every run and machine; without the key nobody can tell who is in it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable

import numpy as np

from serving.history import Floats

HOLDOUT_KEY = "REKINDLE_HOLDOUT_KEY"
# Not a secret: it keeps the demo repeatable. A shop sets its own, so that nobody can work out who is in control.
OPEN_KEY = "rekindle-open-holdout-key"


def holdout_key() -> bytes:
    """The key of the draws, from the environment."""
    return os.environ.get(HOLDOUT_KEY, OPEN_KEY).encode()


def key_mark(key: bytes) -> str:
    """A short mark that tells two keys apart without giving them away."""
    return hmac.digest(key, b"mark", hashlib.sha256).hex()[:12]


def uniform_draws(customer_ids: Iterable[str], key: bytes, purpose: str) -> Floats:
    """One number in [0, 1) per customer; another purpose gives independent numbers."""
    prefix = f"{purpose}\0".encode()
    heads = (hmac.digest(key, prefix + name.encode(), hashlib.sha256)[:8] for name in customer_ids)
    whole = np.frombuffer(b"".join(heads), dtype=">u8")
    return (whole >> np.uint64(11)).astype(np.float64) * 2.0**-53
