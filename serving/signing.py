"""Secrets of the Standard Webhooks kind (whsec_...), from environment variables; never shown in an error."""

from __future__ import annotations

import base64
import os

import standardwebhooks

from features.errors import ConfigError

_LEAST_SECRET_BYTES = 16
_MAKE_ONE = (
    "Make one with: python -c 'import base64, secrets; "
    'print("whsec_" + base64.b64encode(secrets.token_bytes(32)).decode())\''
)


def signer(variable: str) -> standardwebhooks.Webhook:
    """Signs and verifies with the secret in a variable; raises ConfigError when there is none that can be used."""
    secret = os.environ.get(variable, "").strip()
    if not secret:
        raise ConfigError(f"${variable} holds no secret to sign with. {_MAKE_ONE}")
    try:
        key = base64.b64decode(secret.removeprefix("whsec_") + "==")
    except ValueError as error:
        raise ConfigError(
            f"${variable} is no secret of the form whsec_<base64> (it is not shown). {_MAKE_ONE}"
        ) from error
    if len(key) < _LEAST_SECRET_BYTES:
        raise ConfigError(f"the secret in ${variable} is shorter than {_LEAST_SECRET_BYTES} bytes. {_MAKE_ONE}")
    return standardwebhooks.Webhook(key)
