"""Stage `featurize`: clean tables in, one row per customer and cutoff out, with the label and the leakage proof."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from features.asof import Settings
from features.block import Calendar, block_features
from features.catalogue import entry
from features.cutoffs import closed_cutoffs, end_of_data
from features.errors import DataError
from features.log import DAY_US
from features.proof import leakage_proof
from features.records import Records
from features.registry import feature_columns
from pipeline import paths
from pipeline.event_log import absent, blocks, read_records, sample
from pipeline.featurizing.tables import current_table, history_table
from pipeline.files import write_json, write_table
from pipeline.params import Params, Snapshots
from pipeline.stage import progress, run_stage

PROOF_CUSTOMERS = 200


def featurize(params: Params) -> str:
    """Write history (every closed cutoff, labelled), current (as_of) and the catalogue."""
    records = read_records(paths.CLEAN)
    settings = Settings(
        params.snapshots.horizon_days,
        params.snapshots.active_days,
        tuple(params.features.half_lives_days),
        absent(paths.CLEAN),
        tuple(params.features.extra),
    )
    as_of, cutoffs = calendar(records, params.snapshots)
    customers, orders = len(records.customer_ids), len(records.orders["time"])
    progress(f"{customers:,} customers, {orders:,} orders, {len(cutoffs)} closed cutoffs")

    history, current = _tables(records, cutoffs, as_of, (settings, params.features.customers_per_block))
    _require_rows(history, current, cutoffs, as_of)
    catalogue = _catalogue(records, cutoffs, as_of, settings) | {"columns": _entries(history, settings)}

    write_table(paths.HISTORY, history)
    write_table(paths.CURRENT, current)
    write_json(paths.CATALOGUE, catalogue)
    columns = len(feature_columns(settings))
    return f"{history.num_rows:,} rows at {len(cutoffs)} cutoffs, {current.num_rows:,} today, {columns} columns"


def calendar(records: Records, snapshots: Snapshots) -> tuple[int, tuple[int, ...]]:
    """`as_of` and the closed cutoffs in use, in microseconds."""
    orders, engagement = records.orders["time"], records.engagement["time"]
    last = max(int(times.max()) for times in (orders, engagement) if len(times))
    as_of = end_of_data(last) if snapshots.as_of is None else instant(snapshots.as_of)
    test = None if snapshots.test_cutoff is None else instant(snapshots.test_cutoff)
    closed = closed_cutoffs(int(orders.min()), as_of, snapshots.horizon_days, snapshots.every_days, test)
    return as_of, closed[-snapshots.max_cutoffs :]


def instant(text: str) -> int:
    """A date or time of the params as microseconds UTC; without a zone it is UTC."""
    moment = datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
    return round(moment.timestamp() * 1_000_000)


def iso(moment_us: int) -> str:
    """Microseconds as ISO 8601, UTC."""
    return datetime.fromtimestamp(moment_us / 1_000_000, UTC).isoformat()


def _tables(
    records: Records, cutoffs: tuple[int, ...], as_of: int, how: tuple[Settings, int]
) -> tuple[pa.Table, pa.Table]:
    (settings, customers_per_block), past, now = how, list[pa.Table](), list[pa.Table]()
    for number, block in enumerate(blocks(records, customers_per_block), start=1):
        made = block_features(block, Calendar(cutoffs, as_of), settings)
        past.append(history_table(made))
        now.append(current_table(made))
        progress(f"block {number}: {past[-1].num_rows} rows at {len(cutoffs)} cutoffs, {now[-1].num_rows} today")
    history = pa.concat_tables(past).sort_by([("cutoff", "ascending"), ("customer_id", "ascending")])
    return history, pa.concat_tables(now).sort_by("customer_id")


def _require_rows(history: pa.Table, current: pa.Table, cutoffs: tuple[int, ...], as_of: int) -> None:
    at = {int(moment) for moment in np.unique(np.asarray(history["cutoff"].cast(pa.int64())))}
    empty = [iso(cutoff) for cutoff in cutoffs if cutoff not in at]
    if empty or not current.num_rows:
        raise DataError(
            f"nobody is in the population at {', '.join(empty) or iso(as_of)}: no customer's last order lies within "
            "snapshots.active_days before it. Raise snapshots.active_days or lower snapshots.max_cutoffs."
        )


def _catalogue(records: Records, cutoffs: tuple[int, ...], as_of: int, settings: Settings) -> dict[str, object]:
    verdicts = leakage_proof(sample(records, PROOF_CUSTOMERS), cutoffs, settings)
    leaking = {verdict.attempt: list(verdict.changed_columns) for verdict in verdicts if verdict.changed_columns}
    if leaking:
        raise DataError(f"the leakage proof failed, features saw the future: {leaking}. Mend these features.")
    progress(f"leakage proof passed: {len(verdicts)} attempts on {verdicts[0].rows} rows changed nothing")
    return {
        "as_of": iso(as_of),
        "cutoffs": [iso(cutoff) for cutoff in cutoffs],
        "test_cutoff": iso(cutoffs[-1]),
        "horizon_days": settings.horizon_days,
        "active_days": settings.active_days,
        "half_lives_days": list(settings.half_lives_days),
        "absent": sorted(settings.absent),
        "first_order_days_before_first_cutoff": (cutoffs[0] - int(records.orders["time"].min())) // DAY_US,
        "leakage_proof": {
            "passed": True,
            "attempts": [{"attempt": one.attempt, "rows": one.rows, "changed_columns": []} for one in verdicts],
        },
    }


def _entries(history: pa.Table, settings: Settings) -> list[dict[str, object]]:
    columns = feature_columns(settings)
    shares = (float(np.isnan(np.asarray(history[column.name])).mean()) for column in columns)
    return [entry(column, share) for column, share in zip(columns, shares, strict=True)]


if __name__ == "__main__":
    run_stage("featurize", featurize)
