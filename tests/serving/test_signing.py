"""Secrets to sign with: usable ones only, and never shown."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from features.errors import ConfigError
from serving.signing import signer


def test_a_secret_with_and_without_its_prefix_signs_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    at, signatures = datetime(2026, 1, 1, tzinfo=UTC), set()
    for secret in ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"):
        monkeypatch.setenv("CRM_SECRET", secret)
        signatures.add(signer("CRM_SECRET").sign("msg_1", at, "{}"))
    assert len(signatures) == 1


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("", "CRM_SECRET holds no secret"),
        ("whsec_a", "of the form whsec_"),
        ("whsec_c2hvcnQ=", "shorter than 16 bytes"),
    ],
)
def test_a_secret_that_cannot_be_used_is_said_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, value: str, told: str
) -> None:
    monkeypatch.setenv("CRM_SECRET", value)
    with pytest.raises(ConfigError, match=told) as caught:
        signer("CRM_SECRET")
    assert not value or value not in str(caught.value)
