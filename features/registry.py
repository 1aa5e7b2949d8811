"""Declares features: one function, its unit, windows and empty value make one or more catalogue columns.

`@feature(unit="money", empty=0.0, windows_days=(30, 90))` on `spend` makes `spend_30d` and `spend_90d`; with
`per_half_life=True` there is one column per half-life in the settings. `needs` names what the shop must have,
`windows_back=2` says that the function also looks at the window before its own (`past.earlier()`).
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

from features.declaration import UNITS as UNITS
from features.declaration import require_sound
from features.errors import ConfigError
from features.extra import load_module
from features.past import Column, Past
from features.trial import refuse_unknown_words

Compute = Callable[[Past], Column]
FAMILIES = "features.families"
# Columns that the tables of a run hold beside the features.
RESERVED = frozenset(
    {"customer_id", "cutoff", "as_of", "churned", "future_orders", "future_revenue", "churn_probability"}
)


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
    windows_back: int = 1

    @property
    def path(self) -> str:
        """Module and function, e.g. features.families.frequency.orders."""
        return f"{self.compute.__module__}.{self.name}"

    @cached_property
    def is_own(self) -> bool:
        """Is it the shop's own, and not one of the families?"""
        return not self.compute.__module__.startswith(f"{FAMILIES}.")


@dataclass(frozen=True)
class Settings:
    """What shapes a snapshot.

    `absent` names what the shop does not have (its columns are left out), `extra` the shop's own feature modules,
    `left_out` further columns that do not suit the shop (features/windows.py says which and why).
    """

    horizon_days: int
    active_days: int | None
    half_lives_days: tuple[int, ...]
    absent: frozenset[str] = frozenset()
    extra: tuple[str, ...] = ()
    left_out: frozenset[str] = frozenset()


@dataclass(frozen=True)
class FeatureColumn:
    """One column: a feature seen through one window or half-life (days; None: all the past)."""

    name: str
    feature: Feature
    window_days: int | None
    half_life_days: int | None

    @property
    def reach_days(self) -> int | None:
        """How far before the cutoff the column looks; None: to the first event."""
        return None if self.window_days is None else self.window_days * self.feature.windows_back


_DECLARED: list[Feature] = []


def feature(
    *,
    unit: str,
    empty: float | None,
    windows_days: tuple[int | None, ...] = (None,),
    per_half_life: bool = False,
    needs: tuple[str, ...] = (),
    windows_back: int = 1,
) -> Callable[[Compute], Compute]:
    """Declare a feature; `empty` fills a row that has nothing to tell (None keeps it missing)."""
    words = {
        "unit": unit,
        "empty": empty,
        "windows_days": windows_days,
        "per_half_life": per_half_life,
        "needs": needs,
        "windows_back": windows_back,
    }

    def declare(compute: Compute) -> Compute:
        require_sound(compute, words)
        name, family = compute.__name__, compute.__module__.rpartition(".")[2]
        doc, windows = inspect.getdoc(compute) or "", tuple(windows_days)
        _DECLARED.append(
            Feature(name, family, unit, empty, windows, per_half_life, frozenset(needs), doc, compute, windows_back)
        )
        return compute

    return declare


def declared(extra: tuple[str, ...] = ()) -> tuple[Feature, ...]:
    """Every declared feature: the families in their order, then those of the `extra` modules.

    Raises ConfigError when an extra module is not there, breaks, or declares nothing.
    """
    import features.families

    families = [family.__name__ for family in vars(features.families).values() if inspect.ismodule(family)]
    own = [one for module in dict.fromkeys(extra) for one in _loaded(module)]
    return (*(one for name in families for one in _of_module(name)), *own)


@lru_cache(maxsize=64)
def feature_columns(settings: Settings) -> tuple[FeatureColumn, ...]:
    """The columns of a shop, those it has the data for; the one place where column names are made."""
    every = [column for one in declared(settings.extra) for column in columns_of(one, settings.half_lives_days)]
    _refuse_collisions(every)
    return tuple(
        column
        for column in every
        if not column.feature.needs & settings.absent and column.name not in settings.left_out
    )


def columns_of(one: Feature, half_lives_days: tuple[int, ...]) -> list[FeatureColumn]:
    """Every column of a feature."""
    if one.per_half_life:
        return [FeatureColumn(f"{one.name}_{days}d", one, None, days) for days in half_lives_days]
    if one.windows_days == (None,):
        return [FeatureColumn(one.name, one, None, None)]
    return [FeatureColumn(_windowed(one.name, days), one, days, None) for days in one.windows_days]


def _windowed(name: str, days: int | None) -> str:
    return f"{name}_ever" if days is None else f"{name}_{days}d"


def _of_module(name: str) -> list[Feature]:
    return [one for one in _DECLARED if one.compute.__module__ == name]


def _loaded(module: str) -> list[Feature]:
    if module not in sys.modules:  # what an import that broke half-way had declared is declared again
        _DECLARED[:] = [one for one in _DECLARED if one.compute.__module__ != module]
    load_module(module)
    found = _of_module(module)
    if not found:
        raise ConfigError(
            f"features.extra names {module}, which declares no feature. Put `@feature(unit=..., empty=...)` above a "
            "function in it, or take it off the list."
        )
    for one in found:
        refuse_unknown_words(one.path, one.compute)
    return found


def _refuse_collisions(columns: Iterable[FeatureColumn]) -> None:
    taken: dict[str, Feature] = {}
    for column in columns:
        path, other = column.feature.path, taken.get(column.name)
        if other is not None or column.name in RESERVED:
            owner = f"which {other.path} already makes" if other else "which every table of a run holds already"
            raise ConfigError(f"{path} makes the column {column.name}, {owner}. Rename the function.")
        taken[column.name] = column.feature
