"""The catalogue: every column's name, family, unit, window, empty value and meaning, straight from its declaration."""

from __future__ import annotations

from features.registry import FeatureColumn


def entry(column: FeatureColumn, share_empty: float) -> dict[str, object]:
    """One column as JSON; windows and half-lives in days, null for all the past."""
    declared = column.feature
    return {
        "name": column.name,
        "family": declared.family,
        "unit": declared.unit,
        "window_days": column.window_days,
        "half_life_days": column.half_life_days,
        "empty": declared.empty,
        "doc": declared.doc,
        "share_empty": round(share_empty, 6),
    }
