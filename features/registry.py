"""Declares features: one function, its unit, windows and empty value make one or more catalogue columns.

`@feature(unit="money", empty=0.0, windows_days=(30, 90))` on `spend` makes `spend_30d` and `spend_90d`; with
`per_half_life=True` there is one column per half-life in the settings. `needs` names what the shop must have.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

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
class Settings:
    """What shapes a snapshot.

    `absent` names what the shop does not have (its columns are left out), `extra` the shop's own feature modules.
    """

    horizon_days: int
    active_days: int | None
    half_lives_days: tuple[int, ...]
    absent: frozenset[str] = frozenset()
    extra: tuple[str, ...] = ()


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


def declared(extra: tuple[str, ...] = ()) -> tuple[Feature, ...]:
    """Every declared feature: the families in their order, then those of the `extra` modules."""
    import features.families

    modules = [family.__name__ for family in vars(features.families).values() if inspect.ismodule(family)]
    return tuple(one for name in (*modules, *extra) for one in _DECLARED if one.compute.__module__ == name)


def feature_columns(settings: Settings) -> tuple[FeatureColumn, ...]:
    """The columns of a shop, those it has the data for; the one place where column names are made."""
    for module in settings.extra:
        import_module(module)
    return tuple(
        column
        for one in declared(settings.extra)
        if not one.needs & settings.absent
        for column in _columns_of(one, settings.half_lives_days)
    )


def _columns_of(one: Feature, half_lives_days: tuple[int, ...]) -> list[FeatureColumn]:
    if one.per_half_life:
        return [FeatureColumn(f"{one.name}_{days}d", one, None, days) for days in half_lives_days]
    if one.windows_days == (None,):
        return [FeatureColumn(one.name, one, None, None)]
    return [FeatureColumn(_windowed(one.name, days), one, days, None) for days in one.windows_days]


def _windowed(name: str, days: int | None) -> str:
    return f"{name}_ever" if days is None else f"{name}_{days}d"
