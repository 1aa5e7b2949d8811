"""API keys and their roles."""

from __future__ import annotations

import pytest

from features.errors import ConfigError
from serving.keys import api_keys, may, needed_role, role_of
from serving.settings import API_KEYS

SCORE, TRIGGER, ADMIN = (f"{letter}-key-that-is-long-enough" for letter in "abc")


@pytest.fixture(autouse=True)
def three_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(API_KEYS, f"{SCORE}, trigger:{TRIGGER},admin:{ADMIN},")


def test_a_key_has_the_role_before_its_colon_and_without_one_the_least() -> None:
    assert [role_of(key, api_keys()) for key in (SCORE, TRIGGER, ADMIN)] == ["score", "trigger", "admin"]


def test_an_unknown_key_has_no_role() -> None:
    assert role_of("", api_keys()) is None
    assert role_of(SCORE[:-1], api_keys()) is None
    assert role_of(f"trigger:{TRIGGER}", api_keys()) is None
    assert role_of("ключ-длиннее-чем-шестнадцать", api_keys()) is None


def test_a_key_listed_twice_has_the_higher_role(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(API_KEYS, f"score:{SCORE},admin:{SCORE}")
    assert role_of(SCORE, api_keys()) == "admin"


def test_no_key_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(API_KEYS, " , ")
    assert api_keys() == ()


@pytest.mark.parametrize("entry", ["short", "score:short", f"{SCORE},trigger:short"])
def test_a_key_that_could_be_guessed_is_refused_without_being_told(entry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(API_KEYS, entry)
    with pytest.raises(ConfigError, match="shorter than 16 characters") as raised:
        api_keys()
    assert SCORE not in str(raised.value)


def test_an_unknown_role_is_refused_without_telling_the_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(API_KEYS, f"reader:{SCORE}")
    with pytest.raises(ConfigError, match="none of the roles score, trigger, admin") as raised:
        api_keys()
    assert "reader" not in str(raised.value)


def test_only_hashes_are_kept() -> None:
    assert SCORE not in repr(api_keys())


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("/v1/score", "score"),
        ("/v1/customers/c1", "score"),
        ("/metrics", "score"),
        ("/v1/events", "trigger"),
        ("/v1/trigger", "trigger"),
        ("/v1/decisions/d-6f1c", "trigger"),
        ("/v1/something-new", "admin"),
        ("/schema.json", "admin"),
    ],
)
def test_a_page_needs_the_least_role_that_does_and_an_unlisted_one_the_last(path: str, role: str) -> None:
    assert needed_role(path) == role


def test_a_role_may_do_what_those_before_it_may() -> None:
    assert may("admin", "score")
    assert may("trigger", "trigger")
    assert not may("score", "trigger")
