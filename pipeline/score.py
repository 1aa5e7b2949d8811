"""Stage `score`: today's customers scored by the model in force, with value, timing and reasons; and watched."""

from __future__ import annotations

import os
from typing import cast

import numpy as np
import pandas as pd
import pyarrow as pa

from features.errors import ModelError
from features.log import DAY_US
from models.btyd import BgNbd, Floats
from models.explaining import as_records
from models.reasons import Reason, top_reasons
from models.scorer import Scorer
from models.segments import deciles, segments
from models.timing import expected_wait_days
from models.wording import USUAL_GAP, worded
from pipeline import paths
from pipeline.files import read_table, write_json, write_table
from pipeline.outlook.known import BTYD, histories, process_of, read_log
from pipeline.outlook.timing import second_order_probability
from pipeline.outlook.value import NO_REVENUE, fitted_worth
from pipeline.params import Params
from pipeline.stage import progress, run_stage
from pipeline.watching.today import Today, today_by
from pipeline.watching.watch import judged, watched

REASONS = pa.list_(pa.struct([("feature", pa.string()), ("value", pa.float64()), ("direction", pa.string())]))
TIME = pa.timestamp("us", tz="UTC")
VALUE_COLUMNS = [
    "customer_id",
    "cutoff",
    "churned",
    "btyd_x",
    "btyd_T",
    "orders_ever",
    "spend_ever",
    "future_orders",
    "future_revenue",
]


def score(params: Params) -> str:
    """Write `data/scores.parquet`, one row per customer of the population at `as_of`, and `reports/watch.json`."""
    scorer = Scorer.load(paths.CHAMPION, threads=os.cpu_count() or 1)
    _require_same_question(scorer, params)
    today = today_by(scorer, paths.CHAMPION)
    current, probability = today.current, today.probability
    progress(f"{len(current):,} customers today, model {scorer.model_version} ({scorer.chosen})")

    bgnbd = process_of(scorer, current)
    found = _expected_value(bgnbd, current, params)
    worth = None if isinstance(found, str) else found
    progress(f"expected value left empty: {found}" if worth is None else f"at stake {(probability * worth).sum():,.0f}")
    second = _second_orders(current)
    reasons = top_reasons(today.shares, today.families, params.score.reasons)
    progress(f"top {params.score.reasons} reasons of {len(reasons):,} customers")
    seen = judged(watched(today), params.score.watch)

    write_table(paths.SCORES, _table(current, scorer, probability, (worth, second), (bgnbd, reasons)))
    write_json(paths.WATCH, seen)
    return _result(today, cast("list[str]", seen["warnings"]))


def _result(today: Today, warnings: list[str]) -> str:
    for warning in warnings:
        progress(f"beware: {warning}")
    told = f"; {len(warnings)} warning(s), see {paths.WATCH}" if warnings else "; nothing to warn of"
    mean = today.probability.mean() if len(today.probability) else 0.0
    version = today.scorer.model_version
    return f"{len(today.current):,} customers scored by {version}, mean churn probability {mean:.3f}{told}"


def _require_same_question(scorer: Scorer, params: Params) -> None:
    asked, answers = params.snapshots.horizon_days, scorer.horizon_days
    if asked != answers:
        raise ModelError(
            f"the model in force {scorer.model_version} speaks of {answers} days, snapshots.horizon_days is {asked}. "
            "Run `dvc repro promote`, which puts a model for the new horizon in force, or set the horizon back."
        )


def _expected_value(bgnbd: BgNbd, current: pd.DataFrame, params: Params) -> Floats | str:
    """Margin over the horizon if kept; or why there is none to expect."""
    if "spend_ever" not in current.columns:
        return NO_REVENUE
    history = read_table(paths.HISTORY, VALUE_COLUMNS)
    worth = fitted_worth(bgnbd, history, current, params.snapshots.horizon_days)
    return worth if isinstance(worth, str) else params.score.margin_share * worth.revenue_if_kept


def _second_orders(current: pd.DataFrame) -> Floats:
    """P(second order within 60 days) of first-time buyers."""
    history = read_table(paths.HISTORY, ["customer_id", "cutoff", *BTYD])
    return second_order_probability(current, history, read_log())


def _table(
    current: pd.DataFrame,
    scorer: Scorer,
    probability: Floats,
    outlook: tuple[Floats | None, Floats],
    how: tuple[BgNbd, list[list[Reason]]],
) -> pa.Table:
    (bgnbd, reasons), (worth, second), ids = how, outlook, current["customer_id"].to_numpy(dtype=object)
    x, t_x, T = histories(current)
    as_of = pa.array(current["as_of"].dt.tz_convert(None).to_numpy()).cast(TIME)
    median, low, high = (_later(as_of, days) for days in expected_wait_days(bgnbd, x, T))
    empty = pa.nulls(len(current), pa.float64())
    return pa.table(
        {
            "customer_id": pa.array(ids, pa.string()),
            "as_of": as_of,
            "churn_probability": probability,
            "churn_decile": deciles(probability, ids),
            "segment": pa.array(segments(x, t_x, T, scorer.horizon_days), pa.string()),
            "expected_next_order_at": median,
            "expected_next_order_low": low,
            "expected_next_order_high": high,
            "expected_value": empty if worth is None else worth,
            "value_at_risk": empty if worth is None else probability * worth,
            "second_order_probability": pa.array(second, from_pandas=True),
            "reasons": pa.array(as_records(reasons), REASONS),
            "reasons_in_words": pa.array(_in_words(current, reasons), pa.list_(pa.string())),
            "model_version": pa.array([scorer.model_version] * len(current), pa.string()),
        }
    )


def _in_words(current: pd.DataFrame, reasons: list[list[Reason]]) -> list[list[str]]:
    known = USUAL_GAP in current.columns
    gaps = current[USUAL_GAP].to_numpy(np.float64) if known else np.full(len(current), np.nan)
    return [
        [worded(reason.feature, reason.value, {USUAL_GAP: gap}) for reason in each]
        for each, gap in zip(reasons, gaps.tolist(), strict=True)
    ]


def _later(moments: pa.Array, days: Floats) -> pa.Array:
    us = np.asarray(moments.cast(pa.int64())) + np.round(days * DAY_US).astype(np.int64)
    return pa.array(us, pa.int64()).cast(TIME)


if __name__ == "__main__":
    run_stage("score", score)
