"""Declares features: one function, its unit, windows and empty value make one or more catalogue columns.

`@feature(unit="money", empty=0.0, windows_days=(30, 90))` on `spend` makes `spend_30d` and `spend_90d`; with
`per_half_life=True` there is one column per half-life in the settings. `needs` names what the shop must have.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from features.past import Column, Past

Compute = Callable[[Past], Column]
UNITS = frozenset({"count", "money", "days", "share", "ratio", "rating", "log money", "radians", "flag"})


@dataclass(frozen=True)
class Feature:
    """One declared function and what its columns have in common."""

    name: str
    family: str
    unit: str
    empty: float | None
    windows_days: tuple[int | None, ...]
    per_half_life: bool
    needs: frozenset[str]
    doc: str
    compute: Compute


@dataclass(frozen=True)
class FeatureColumn:
    """One column: a feature seen through one window or half-life (days; None: all the past)."""

    name: str
    feature: Feature
    window_days: int | None
    half_life_days: int | None


_DECLARED: list[Feature] = []


def feature(
    *,
    unit: str,
    empty: float | None,
    windows_days: tuple[int | None, ...] = (None,),
    per_half_life: bool = False,
    needs: tuple[str, ...] = (),
) -> Callable[[Compute], Compute]:
    """Declare a feature; `empty` fills a row that has nothing to tell (None keeps it missing)."""

    def declare(compute: Compute) -> Compute:
        family = compute.__module__.rpartition(".")[2]
        name, doc = compute.__name__, inspect.getdoc(compute) or ""
        _DECLARED.append(
            Feature(name, family, unit, empty, windows_days, per_half_life, frozenset(needs), doc, compute)
        )
        return compute

    return declare


def declared() -> tuple[Feature, ...]:
    """Every declared feature, in order of declaration."""
    import features.families  # noqa: F401 - importing the families is what declares them

    return tuple(_DECLARED)


def feature_columns(half_lives_days: tuple[int, ...], absent: frozenset[str]) -> tuple[FeatureColumn, ...]:
    """The columns of a shop that lacks what `absent` names; the one place where column names are made."""
    return tuple(
        column
        for declared_feature in declared()
        if not declared_feature.needs & absent
        for column in _columns_of(declared_feature, half_lives_days)
    )


def _columns_of(one: Feature, half_lives_days: tuple[int, ...]) -> list[FeatureColumn]:
    if one.per_half_life:
        return [FeatureColumn(f"{one.name}_{days}d", one, None, days) for days in half_lives_days]
    if one.windows_days == (None,):
        return [FeatureColumn(one.name, one, None, None)]
    return [FeatureColumn(_windowed(one.name, days), one, days, None) for days in one.windows_days]


def _windowed(name: str, days: int | None) -> str:
    return f"{name}_ever" if days is None else f"{name}_{days}d"
