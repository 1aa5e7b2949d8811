"""Windows against the length of the log: a column that looks back further than the log goes says nothing of its own.

At every cutoff such a window holds all of the past, as `_ever` does, until the log has grown longer than what the model
learned from. Columns of the families are then left out, with the reason; of the shop's own features it is an error.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from features.errors import ConfigError
from features.log import DAY_US
from features.registry import FeatureColumn, Settings, feature_columns


def longer_than_log(settings: Settings, first_event_us: int, last_cutoff_us: int) -> dict[str, str]:
    """Columns of the families whose window is never full at any cutoff, each with the reason.

    Raises ConfigError when a feature of the shop's own has such a window.
    """
    days = (last_cutoff_us - first_event_us) / DAY_US
    longer = [column for column in feature_columns(settings) if (column.reach_days or 0) > days]
    _refuse_own([column for column in longer if column.feature.is_own], int(days))
    why = f"days, but the log starts {int(days)} days before the last cutoff"
    return {column.name: f"looks back {column.reach_days} {why}" for column in longer}


def absences(settings: Settings) -> dict[str, str]:
    """Columns left out because the shop does not have what they need, each with the reason."""
    needs = {
        column.name: sorted(column.feature.needs & settings.absent)
        for column in feature_columns(replace(settings, absent=frozenset(), left_out=frozenset()))
    }
    return {name: f"needs {' and '.join(gone)}, which the data does not have" for name, gone in needs.items() if gone}


def cut_short(settings: Settings, first_event_us: int, cutoffs_us: Iterable[int]) -> str | None:
    """A line about windows that are not yet full at the first cutoffs; None when all are."""
    ages = [(cutoff - first_event_us) / DAY_US for cutoff in sorted(cutoffs_us)]
    longest = max(column.reach_days or 0 for column in feature_columns(settings))
    early = [age for age in ages if age < longest]
    if not early:
        return None
    return (
        f"the longest window looks back {longest} days but the log starts {int(ages[0])} days before the first cutoff: "
        f"at {len(early)} of {len(ages)} cutoffs it is not yet full. Lower snapshots.max_cutoffs to learn from full "
        "windows only."
    )


def _refuse_own(columns: list[FeatureColumn], days: int) -> None:
    if not columns:
        return
    named = "; ".join(f"{one.name} ({one.feature.path}) looks back {one.reach_days} days" for one in columns)
    raise ConfigError(
        f"{named}, but the log starts {days} days before the last cutoff, so the window is never full. Shorten "
        "windows_days, write None in it for all the past, or pull a longer history."
    )
