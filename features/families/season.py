"""Season of the horizon: the part of the year in which the next order would fall. Known in advance, so no leak."""

from __future__ import annotations

import numpy as np

from features.past import Column, Past
from features.registry import feature


@feature(unit="ratio", empty=0.0)
def season_sine(past: Past) -> Column:
    """Sine of the year's phase at the middle of the horizon."""
    return np.sin(past.horizon_phase())


@feature(unit="ratio", empty=0.0)
def season_cosine(past: Past) -> Column:
    """Cosine of the year's phase at the middle of the horizon."""
    return np.cos(past.horizon_phase())


@feature(unit="share", empty=0.0)
def season_peak_share(past: Past) -> Column:
    """Share of the horizon's days in October to December, the peak of most shops."""
    return past.horizon_share_in_months(10, 11, 12)


@feature(unit="share", empty=0.0)
def season_summer_share(past: Past) -> Column:
    """Share of the horizon's days in June to August."""
    return past.horizon_share_in_months(6, 7, 8)
