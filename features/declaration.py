"""What the declaration of a feature may say; every fault of one is told at once, with the nearest valid word."""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable, Iterable, Mapping

from features.errors import ConfigError
from features.kinds import KINDS

UNITS = frozenset({"count", "money", "days", "share", "ratio", "rating", "log money", "radians", "flag"})
NEEDS = frozenset({*KINDS[1:], "revenue", "discount", "units", "order_items", "engagement"})


def require_sound(compute: Callable[..., object], words: Mapping[str, object]) -> None:
    """Raise ConfigError naming module, function and every fault; `words` are the keywords of `@feature`."""
    faults = [
        *_faults_of_function(compute),
        *_unknown("unit", [words["unit"]], UNITS),
        *_faults_of_empty(words["empty"]),
        *_faults_of_windows(words["windows_days"]),
        *_faults_of_needs(words["needs"]),
        *_faults_of_reach(words),
    ]
    if faults:
        raise ConfigError(f"{compute.__module__}.{compute.__name__}: {'; '.join(faults)}.")


def nearest(word: str, known: Iterable[str]) -> str:
    """`did you mean x?` for the known word most like this one, or the known words when none is."""
    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.7)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"


def _faults_of_function(compute: Callable[..., object]) -> list[str]:
    faults = []
    if not compute.__name__.isidentifier():
        faults.append("a feature needs a name of its own; write it with `def`")
    if not (inspect.getdoc(compute) or "").strip():
        faults.append("it has no docstring; say in one sentence what it is, for the catalogue")
    if len(inspect.signature(compute).parameters) != 1:
        faults.append("it must take exactly one argument, `past`")
    return faults


def _faults_of_empty(empty: object) -> list[str]:
    is_number = isinstance(empty, int | float) and not isinstance(empty, bool) and math.isfinite(empty)
    if empty is None or is_number:
        return []
    return [f"empty is {empty!r}; it must be a number, or None to keep a row with nothing to tell missing"]


def _faults_of_windows(windows: object) -> list[str]:
    if not isinstance(windows, tuple | list) or not windows:
        return [f"windows_days is {windows!r}; write days such as (30, 90), or (None,) for all the past"]
    wrong = [days for days in windows if days is not None and (type(days) is not int or days < 1)]
    if wrong:
        return [f"windows_days has {wrong[0]!r}; windows are whole days, 1 or more, or None for all the past"]
    twice = [days for days in windows if windows.count(days) > 1]
    return [f"windows_days names {twice[0]} twice"] if twice else []


def _faults_of_needs(needs: object) -> list[str]:
    if not isinstance(needs, tuple | list):
        return [f"needs is {needs!r}; write a tuple such as ('session',)"]
    return _unknown("needs", needs, NEEDS)


def _faults_of_reach(words: Mapping[str, object]) -> list[str]:
    back = words["windows_back"]
    faults = [] if back in (1, 2) else [f"windows_back is {back!r}; it is 1, or 2 for a look at the window before"]
    if words["per_half_life"] and words["windows_days"] not in ((None,), [None]):
        faults.append("per_half_life looks at all the past, so it takes no windows_days")
    return faults


def _unknown(what: str, words: Iterable[object], known: frozenset[str]) -> list[str]:
    return [f"{what} {word!r} is unknown; {nearest(str(word), known)}" for word in words if word not in known]
