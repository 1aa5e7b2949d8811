"""Rhythm: a customer's own gaps between shopping days, and the silence relative to them."""

from __future__ import annotations

import numpy as np

from features.past import Column, Past, ratio
from features.registry import feature


@feature(unit="days", empty=None)
def gap_mean_days(past: Past) -> Column:
    """Mean gap between shopping days; missing for one-time buyers."""
    occasions = past.of("occasion")
    return ratio(occasions.total("gap"), occasions.total("again"))


@feature(unit="days", empty=None)
def gap_spread_days(past: Past) -> Column:
    """Standard deviation of the gaps; 0 with one gap."""
    occasions = past.of("occasion")
    square = ratio(occasions.total("gap_squared"), occasions.total("again"))
    return np.sqrt(np.maximum(square - gap_mean_days(past) ** 2, 0.0))


@feature(unit="ratio", empty=None)
def gap_cv(past: Past) -> Column:
    """Coefficient of variation of the gaps: near 0 for clockwork, 1 for chance."""
    return ratio(gap_spread_days(past), gap_mean_days(past))


@feature(unit="days", empty=None)
def gap_longest_days(past: Past) -> Column:
    """Longest gap so far; missing for one-time buyers."""
    longest = past.of("occasion").longest("gap")
    return np.where(longest > 0, longest, np.nan)


@feature(unit="days", empty=None)
def gap_last_days(past: Past) -> Column:
    """Gap before the last shopping day; missing for one-time buyers."""
    last = past.of("occasion").last("gap")
    return np.where(last > 0, last, np.nan)


@feature(unit="ratio", empty=None)
def silence_over_gap_mean(past: Past) -> Column:
    """Days since the last order over the mean gap: above 1 is later than usual."""
    return ratio(past.of("order").days_since_last(), gap_mean_days(past))


@feature(unit="ratio", empty=None)
def silence_over_gap_longest(past: Past) -> Column:
    """Days since the last order over the longest gap: above 1 never happened before."""
    return ratio(past.of("order").days_since_last(), gap_longest_days(past))
