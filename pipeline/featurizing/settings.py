"""What shapes the snapshots of a shop: the params, less what the data cannot give."""

from __future__ import annotations

from dataclasses import replace

from features.asof import Settings
from features.block import Calendar
from features.windows import longer_than_log
from pipeline.featurizing.output import Survey
from pipeline.params import Params


def settings_of(params: Params, survey: Survey, when: Calendar) -> Settings:
    """Settings without the columns whose data is absent or whose window is longer than the log."""
    snapshots, features = params.snapshots, params.features
    asked = Settings(
        snapshots.horizon_days,
        snapshots.active_days,
        tuple(features.half_lives_days),
        survey.absent,
        tuple(features.extra),
    )
    return replace(asked, left_out=frozenset(longer_than_log(asked, survey.first_order_us, when.cutoffs_us[-1])))
