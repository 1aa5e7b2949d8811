"""A person as the lists know them: a keyed hash of the id, which names nobody without the key.

The key is that of the control groups too. It must stay: with another one nobody on the lists would be known any more.
"""

from __future__ import annotations

import hashlib
import hmac
import os

HOLDOUT_KEY = "REKINDLE_HOLDOUT_KEY"
# Not a secret: it keeps the demo repeatable. A shop sets its own, so that nobody can work out who is in control.
OPEN_KEY = "rekindle-open-holdout-key"
_PURPOSE = b"person\0"


def holdout_key() -> bytes:
    """The key of the draws and of persons, from the environment."""
    return os.environ.get(HOLDOUT_KEY, OPEN_KEY).encode()


def key_mark(key: bytes) -> str:
    """A short mark that tells two keys apart without giving them away."""
    return hmac.digest(key, b"mark", hashlib.sha256).hex()[:12]


def person_of(customer_id: str, key: bytes) -> str:
    """128 bits as hex."""
    return hmac.digest(key, _PURPOSE + customer_id.encode(), hashlib.sha256).hex()[:32]
