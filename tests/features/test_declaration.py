"""A declaration that says something impossible is refused, with module, function and the nearest word."""

from __future__ import annotations

import pytest

from features.errors import ConfigError
from features.past import Column, Past
from features.registry import declared, feature


def visits(past: Past) -> Column:
    """Visits of the customer."""
    return past.of("session").count()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"unit": "mony"}, r"test_declaration\.visits: unit 'mony' is unknown; did you mean 'money'\?"),
        ({"unit": "parsecs"}, r"unit 'parsecs' is unknown; known: count, days, flag"),
        ({"empty": float("nan")}, r"empty is nan; it must be a number, or None"),
        ({"empty": True}, "empty is True; it must be a number, or None"),
        ({"windows_days": (30, 0)}, "windows_days has 0; windows are whole days, 1 or more"),
        ({"windows_days": (-7,)}, "windows_days has -7"),
        ({"windows_days": (30.5,)}, r"windows_days has 30\.5"),
        ({"windows_days": 30}, r"windows_days is 30; write days such as \(30, 90\)"),
        ({"windows_days": (30, 90, 30)}, "windows_days names 30 twice"),
        ({"needs": ("sesion",)}, r"needs 'sesion' is unknown; did you mean 'session'\?"),
        ({"needs": "session"}, r"needs is 'session'; write a tuple such as \('session',\)"),
        ({"windows_back": 0}, "windows_back is 0; it is 1, or 2 for"),
        ({"per_half_life": True, "windows_days": (30,)}, "per_half_life looks at all the past, so it takes no windows"),
    ],
)
def test_a_word_that_means_nothing_is_named_with_the_nearest_one(words: dict[str, object], message: str) -> None:
    before = declared()
    with pytest.raises(ConfigError, match=message):
        feature(**{"unit": "count", "empty": 0.0} | words)(visits)  # type: ignore[arg-type]
    assert declared() == before


def test_every_fault_of_one_feature_is_told_at_once() -> None:
    with pytest.raises(ConfigError, match=r"unit 'cuont'.*; empty is 'x'.*; windows_days has 0"):
        feature(unit="cuont", empty="x", windows_days=(0,))(visits)  # type: ignore[arg-type]


def test_a_feature_without_a_docstring_is_refused() -> None:
    def mute(past: Past) -> Column:
        return visits(past)

    with pytest.raises(ConfigError, match=r"mute: it has no docstring; say in one sentence"):
        feature(unit="count", empty=0.0)(mute)


def test_a_feature_takes_the_past_and_nothing_else() -> None:
    def curious(past: Past, cutoff: int) -> Column:
        """Wants to know when it is."""
        return visits(past) + cutoff

    with pytest.raises(ConfigError, match="it must take exactly one argument, `past`"):
        feature(unit="count", empty=0.0)(curious)  # type: ignore[arg-type]


def test_a_feature_needs_a_name() -> None:
    nameless = lambda past: visits(past)  # noqa: E731
    nameless.__doc__ = "Visits."
    with pytest.raises(ConfigError, match="a feature needs a name of its own"):
        feature(unit="count", empty=0.0)(nameless)
