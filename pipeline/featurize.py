"""Stage `featurize`: clean tables in, one row per customer and cutoff out, with the label and the leakage proof."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime

from features.catalogue import entry
from features.errors import DataError
from features.log import DAY_US
from features.registry import feature_columns
from features.windows import absences, cut_short, longer_than_log
from pipeline import paths
from pipeline.featurizing.leakage import Read, prove
from pipeline.featurizing.local import local_features
from pipeline.featurizing.output import Made, Written
from pipeline.featurizing.spark import spark_features
from pipeline.featurizing.through_store import through_store
from pipeline.featurizing.treated import mark_treated
from pipeline.files import write_json
from pipeline.params import Params
from pipeline.stage import progress, run_stage

PROOF_CUSTOMERS = 200


def featurize(params: Params) -> str:
    """Write history (every closed cutoff, labelled), current (as_of) and the catalogue."""
    with _engine(params) as made:
        _require_rows(made)
        catalogue = _catalogue(made, through_store if params.features.engine == "local" else None)
    mark_treated(paths.HISTORY, params.snapshots.horizon_days)
    write_json(paths.CATALOGUE, catalogue)
    columns, cutoffs = len(feature_columns(made.settings)), len(made.calendar.cutoffs_us)
    return f"{made.history.rows:,} rows at {cutoffs} cutoffs, {made.current.rows:,} today, {columns} columns"


def iso(moment_us: int) -> str:
    """Microseconds as ISO 8601, UTC."""
    return datetime.fromtimestamp(moment_us / 1_000_000, UTC).isoformat()


def _engine(params: Params) -> AbstractContextManager[Made]:
    carry = spark_features if params.features.engine == "spark" else local_features
    return carry(params, PROOF_CUSTOMERS)


def _require_rows(made: Made) -> None:
    empty = [iso(cutoff) for cutoff in made.calendar.cutoffs_us if not made.history.rows_at[cutoff]]
    if empty or not made.current.rows:
        raise DataError(
            f"nobody is in the population at {', '.join(empty) or iso(made.calendar.as_of_us)}: no customer's last "
            "order lies within snapshots.active_days before it. Raise "
            "snapshots.active_days or lower snapshots.max_cutoffs."
        )


def _catalogue(made: Made, read: Read | None) -> dict[str, object]:
    settings, cutoffs, first = made.settings, made.calendar.cutoffs_us, made.survey.first_order_us
    if made.proven:
        progress("leakage proof: passed on this history when it was computed, with the same code")
    else:
        made.proven.update(prove(*made.proof, cutoffs, settings, read))
        progress("leakage proof passed: nothing at or after a cutoff changed a feature")
    if said := cut_short(settings, first, cutoffs):
        progress(said)
    return {
        "as_of": iso(made.calendar.as_of_us),
        "cutoffs": [iso(cutoff) for cutoff in cutoffs],
        "test_cutoff": iso(cutoffs[-1]),
        "horizon_days": settings.horizon_days,
        "active_days": settings.active_days,
        "half_lives_days": list(settings.half_lives_days),
        "absent": sorted(settings.absent),
        "extra": list(settings.extra),
        "left_out": longer_than_log(replace(settings, left_out=frozenset()), first, cutoffs[-1]),
        "without_data": absences(settings),
        "first_order_days_before_first_cutoff": (cutoffs[0] - first) // DAY_US,
        "leakage_proof": made.proven,
        "columns": _entries(made.history, made),
    }


def _entries(history: Written, made: Made) -> list[dict[str, object]]:
    return [entry(column, history.empty[column.name] / history.rows) for column in feature_columns(made.settings)]


if __name__ == "__main__":
    run_stage("featurize", featurize)
