"""API keys and what each may do: `role:key` entries, comma separated, in $REKINDLE_API_KEYS.

Each role may also do what the roles before it may. Objects hold hashes, so no error or log can show a key.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass

from features.errors import ConfigError
from serving.settings import API_KEYS, LEAST_KEY_LENGTH

ROLES = ("score", "trigger", "admin")
# What only reads: pages by name, folders by what their names start with. What is listed nowhere needs the last role.
SCORE_PAGES = frozenset({"/", "/v1/score", "/v1/explain", "/v1/plan", "/metrics", "/openapi.json", "/docs.json"})
SCORE_FOLDERS = ("/v1/customers/", "/static_content/")
TRIGGER_PAGES = frozenset({"/v1/events", "/v1/trigger", "/v1/pause", "/v1/unsubscribe"})
TRIGGER_FOLDERS = ("/v1/decisions/",)
_MAKE_ONE = "Make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"


@dataclass(frozen=True)
class Key:
    """The SHA-256 of a key, and its role."""

    digest: bytes
    role: str


def api_keys() -> tuple[Key, ...]:
    """The keys in $REKINDLE_API_KEYS; none means loopback only. Raises ConfigError on a short key or a wrong role."""
    entries = [entry.strip() for entry in os.environ.get(API_KEYS, "").split(",") if entry.strip()]
    return tuple(_key(entry, place) for place, entry in enumerate(entries, 1))


def role_of(shown: str, keys: tuple[Key, ...]) -> str | None:
    """The highest role of a key, None for an unknown one; takes the same time whatever is shown."""
    digest = hashlib.sha256(shown.encode()).digest()
    # Every key is compared, each in constant time: how long it takes tells nothing.
    matches = [(hmac.compare_digest(digest, key.digest), key.role) for key in keys]
    roles = [role for matched, role in matches if matched]
    return max(roles, key=ROLES.index) if roles else None


def needed_role(path: str) -> str:
    """The least role that may ask for a page."""
    if path in SCORE_PAGES or path.startswith(SCORE_FOLDERS):
        return ROLES[0]
    return ROLES[1] if path in TRIGGER_PAGES or path.startswith(TRIGGER_FOLDERS) else ROLES[2]


def may(role: str, needed: str) -> bool:
    """True when a key of `role` may do what needs `needed`."""
    return ROLES.index(role) >= ROLES.index(needed)


def _key(entry: str, place: int) -> Key:
    role, colon, secret = entry.rpartition(":")
    if colon and role not in ROLES:
        # The entry itself is not told: a part of it may be the secret.
        raise ConfigError(f"entry {place} of ${API_KEYS} has none of the roles {', '.join(ROLES)}; write role:key.")
    if len(secret) < LEAST_KEY_LENGTH:
        raise ConfigError(
            f"the key in entry {place} of ${API_KEYS} is shorter than {LEAST_KEY_LENGTH} characters and could be "
            f"guessed. {_MAKE_ONE}"
        )
    return Key(hashlib.sha256(secret.encode()).digest(), role or ROLES[0])
