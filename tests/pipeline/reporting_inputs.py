"""Small clean tables typed by hand, for the tests of the report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from features.tables import ORDERS
from models.wording import worded
from pipeline.files import write_json, write_table, write_text
from tests.pipeline.effect_inputs import EFFECT
from tests.pipeline.money_inputs import CURVE, outlook

OrderRow = tuple[str, str, str, str | None]


def instant(day: str) -> datetime:
    """Midnight UTC of a day."""
    return datetime.fromisoformat(day).replace(tzinfo=UTC)


def write_orders(path: Path, rows: Sequence[OrderRow], currency: str | None = None) -> Path:
    """Write orders of (order_id, customer_id, day, revenue); an order is known when it happens."""
    moments = [instant(row[2]) for row in rows]
    columns: dict[str, list[object]] = {name: [None] * len(rows) for name in ORDERS.names}
    columns |= {
        "order_id": [row[0] for row in rows],
        "customer_id": [row[1] for row in rows],
        "ordered_at": list(moments),
        "known_at": list(moments),
        "revenue": [None if row[3] is None else Decimal(row[3]) for row in rows],
        "currency": [currency] * len(rows),
    }
    write_table(path, pa.table(columns, schema=ORDERS))
    return path


def write_history(path: Path, rows: Sequence[tuple[str, str, int]]) -> Path:
    """Write history rows of (customer_id, cutoff, churned), without features."""
    table = {
        "customer_id": [row[0] for row in rows],
        "cutoff": pa.array([instant(row[1]) for row in rows], pa.timestamp("us", tz="UTC")),
        "churned": pa.array([row[2] for row in rows], pa.int8()),
    }
    write_table(path, pa.table(table))
    return path


def write_run(folder: Path, revenue: bool = True) -> None:
    """Write every file the stage reads, for a shop of six customers, as the other stages would."""
    money = ["60", "20", "99", "20", "20", "50"] if revenue else [None] * 6
    days = ["2024-01-05", "2024-02-10", "2025-03-01", "2024-02-20", "2024-03-01", "2025-05-01"]
    write_orders(
        folder / "data/clean/orders.parquet",
        [(str(at), "aaabbc"[at], days[at], money[at]) for at in range(6)],
        "GBP" if revenue else None,
    )
    write_history(
        folder / "data/features/history.parquet",
        [("a", "2025-01-01", 0), ("b", "2025-01-01", 1), ("a", "2025-02-01", 0)],
    )
    write_table(folder / "data/scores.parquet", pa.Table.from_pylist(_scores(revenue), schema=SCORES_SCHEMA))
    write_table(folder / "data/plan.parquet", pa.Table.from_pylist(PLAN_ROWS, schema=PLAN_SCHEMA))
    for name, value in _documents(revenue).items():
        write_json(folder / name, value)
    for name, lines in (CURVES | ({"profit.csv": CURVE} if revenue else {})).items():
        write_text(folder / "reports/plots" / name, lines)
    write_text(folder / "reports/model_card.md", "# Model card\n\nTrained on 3 rows.\n")


SCORES_SCHEMA = pa.schema(
    {
        "customer_id": pa.string(),
        "churn_probability": pa.float64(),
        "churn_decile": pa.int8(),
        "segment": pa.string(),
        "value_at_risk": pa.float64(),
        "reasons": pa.list_(
            pa.struct({"feature": pa.string(), "value": pa.float64(), "direction": pa.string()}),
        ),
        "reasons_in_words": pa.list_(pa.string()),
        "model_version": pa.string(),
    }
)
PLAN_SCHEMA = pa.schema({"customer_id": pa.string(), "action": pa.string(), "gate": pa.string()})
PLAN_ROWS = [
    {"customer_id": "a", "action": None, "gate": "control"},
    {"customer_id": "b", "action": "follow_up", "gate": None},
    {"customer_id": "c", "action": None, "gate": "no_consent"},
]
CURVES = {
    "calibration.csv": (
        "candidate,bin,mean_predicted,observed,count\n"
        "logistic,1,0.3,0.35,1\nlogistic,2,0.8,0.75,2\n"
        "xgboost_btyd,1,0.25,0.24,1\nxgboost_btyd,2,0.85,0.86,2\n"
    ),
    "gain.csv": (
        "candidate,contacted_share,churners_share\n"
        "logistic,0,0\nlogistic,0.5,0.6\nlogistic,1,1\n"
        "xgboost_btyd,0,0\nxgboost_btyd,0.5,0.7\nxgboost_btyd,1,1\n"
    ),
}


RISE = {"value": 0.0213, "low": 0.0102, "high": 0.0331}
SMALL = {"value": -0.0004, "low": -0.0011, "high": 0.0002}
COLUMNS = {
    "as_of": "2025-06-01T00:00:00+00:00",
    "test_cutoff": "2025-02-01T00:00:00+00:00",
    "horizon_days": 90,
    "importance": {"model": "xgboost_btyd", "measure": "rise in log loss", "customers": 2, "interval_share": 0.95},
    "columns": [
        {
            "name": name,
            "family": family,
            "unit": unit,
            "window_days": window,
            "half_life_days": half_life,
            "empty": empty,
            "doc": f"Meaning of {name}, 1 < 2.",
            "share_empty": share,
            "importance": rise,
        }
        for name, family, unit, window, half_life, empty, share, rise in (
            ("orders_90d", "frequency", "count", 90, None, 0.0, 0.0, SMALL),
            ("days_since_last_order", "recency", "days", None, None, None, 0.125, RISE),
            ("spend_decayed_14d", "decay", "money", None, 14, 0.0, 0.0, {**SMALL, "value": 0.004}),
            ("visits_from_work", "mine", "share", 30, None, 0.5, 0.25, None),
        )
    ],
    "families": [
        {"name": "frequency", "columns": 1, "importance": SMALL},
        {"name": "recency", "columns": 1, "importance": RISE},
        {"name": "decay", "columns": 1, "importance": SMALL},
        {"name": "mine", "columns": 1, "importance": None},
    ],
    "left_out": {"orders_365d": "looks back 365 days, but the log starts 200 days before the last cutoff"},
    "without_data": {"refunds_90d": "needs refund, which the data does not have"},
}


RATE = {"expected": 0.81, "low": 0.78, "high": 0.84}
WATCH = {
    "model_version": "m-0123456789ab",
    "customers": 3,
    "training": {
        "rows": 12345,
        "first_cutoff": "2024-01-01T00:00:00+00:00",
        "last_cutoff": "2025-01-01T00:00:00+00:00",
    },
    "limits": {"moved_psi": 0.1, "much_moved_psi": 0.25, "churn_rate_gap": 0.03},
    "scores": {"psi": 0.15, "by_chance": 0.012, "mean_then": 0.6, "mean_now": 0.7},
    "features": {
        "psi": 0.034,
        "by_chance": 0.011,
        "columns": [
            {"name": "days_since_last_order", "weight": 0.75, "psi": 0.042, "by_chance": 0.011},
            {"name": "orders_90d", "weight": 0.25, "psi": 0.01, "by_chance": 0.011},
        ],
    },
    "expected": dict.fromkeys(("churn_rate", "roc_auc", "log_loss", "brier"), RATE),
    "expected_share": 0.95,
    "outcomes": {
        "state": "in force",
        "told": "one horizon closed since the labels that m-0123456789ab learned from",
        "cutoffs": [
            {
                "cutoff": "2025-02-01T00:00:00+00:00",
                "customers": 2,
                "metrics": {name: RATE | {"measured": 0.83} for name in ("churn_rate", "roc_auc", "log_loss", "brier")},
            }
        ],
    },
    "warnings": ["the scores moved since training: stability index 0.15, above 0.1"],
}


TUNING = {
    "params": {"max_depth": 4, "learning_rate": 0.06},
    "settings": {"max_depth": 4, "learning_rate": 0.06},
    "trial": 0,
    "why": "the settings of params stay: trial 3 is not better at every origin",
    "trials": [
        {"settings": {"max_depth": depth, "learning_rate": rate}, "mean_log_loss": loss, "state": state}
        for depth, rate, loss, state in (
            (4, 0.06, 0.594, "complete"),
            (6, 0.075, 0.612, "complete"),
            (2, 0.2, 0.571, "pruned"),
            (3, 0.0312, 0.583, "complete"),
        )
    ],
}


def _scores(revenue: bool) -> list[dict[str, object]]:
    up = {"feature": "days_since_last_order", "value": 300.0, "direction": "raises"}
    down = {"feature": "orders_90d", "value": 2.0, "direction": "lowers"}
    rows = [("a", 0.9, 1, "slipping", [up, down]), ("b", 0.5, 2, "slipping", [up]), ("c", 0.2, 3, "loyal", [down])]
    return [
        {
            "customer_id": customer,
            "churn_probability": probability,
            "churn_decile": decile,
            "segment": segment,
            "value_at_risk": 10.25 * decile if revenue else None,
            "reasons": reasons,
            "reasons_in_words": [worded(str(one["feature"]), float(str(one["value"]))) for one in reasons],
            "model_version": "m-0123456789ab",
        }
        for customer, probability, decile, segment, reasons in rows
    ]


def _documents(revenue: bool) -> dict[str, object]:
    interval = {"value": 0.7, "low": 0.6, "high": 0.8}
    metrics = ("roc_auc", "pr_auc", "brier", "log_loss", "calibration_error", "lift_top_decile", "skill")
    compared = {"ours": interval, "best_baseline": {"name": "logistic", **interval, "value": 0.65}}
    one = dict.fromkeys(metrics, 0.61)
    columns = ["days_since_last_order", "orders_90d"]
    return {
        "data/features/catalogue.json": {
            "as_of": "2025-06-01T00:00:00+00:00",
            "cutoffs": ["2025-01-01T00:00:00+00:00", "2025-02-01T00:00:00+00:00"],
            "horizon_days": 90,
            "active_days": 365,
            "columns": [{"name": name, "doc": f"Meaning of {name}."} for name in columns],
            "leakage_proof": {
                "passed": True,
                "customers": 3,
                "cutoffs": 2,
                "attempts": [{"attempt": "at", "rows": 3, "changed_columns": []}],
            },
        },
        "reports/quality.json": {
            "source": "files",
            "tables": {"orders": {"rows_in": 9, "kept": 6, "quarantined": 2, "duplicates": 1}},
            "quarantine": {"orders": {"ordered_at is no time": 2}},
            "absent": ["engagement"] if revenue else ["engagement", "revenue"],
            "notes": ["2 orders had no customer id."],
            "guests": 2,
            "facts": {"lines": 9},
            "period": {"first_event": "2024-01-05T00:00:00.000000Z", "last_event": "2025-05-01T00:00:00.000000Z"},
        },
        "reports/catalogue.json": COLUMNS,
        "reports/backtest.json": {
            "origins": ["2025-01-01T00:00:00+00:00"],
            "candidates": {
                "logistic": {"log_loss": [0.61], "mean_log_loss": 0.61, "regret": 0.03},
                "xgboost_btyd": {"log_loss": [0.58], "mean_log_loss": 0.58, "regret": 0.0},
            },
            "chosen": "xgboost_btyd",
            "notes": ["Only 1 origin."],
            "leakage": {
                "shuffled_label": {"mean_skill": -0.012, "max_skill": 0.03, "holds": True},
                "highest_auc": 0.8,
            },
        },
        "reports/metrics.json": {
            "test_cutoff": "2025-02-01T00:00:00+00:00",
            "rows": 3,
            "customers": 2,
            "churn_rate": {"value": 0.81, "low": 0.79, "high": 0.83},
            "chosen": "xgboost_btyd",
            "metrics": dict.fromkeys(metrics, compared),
            "candidates": {"logistic": one, "xgboost_btyd": one},
            "oracle": {"roc_auc": 0.9, "log_loss": 0.3},
            "segments": {
                "2–3 orders": {
                    "customers": 2,
                    "churn_rate": 0.5,
                    "mean_predicted": 0.52,
                    "calibration_error": 0.02,
                    "roc_auc": None,
                }
            },
            "drift": {"churn_rate_before": 0.8, "most_moved": {"orders_90d": 0.123456}},
            **outlook(revenue),
        },
        "reports/gate.json": {
            "promoted": True,
            "checks": [{"name": "withdrawn", "ok": True, "value": None, "limit": None, "text": "log loss +0.01"}],
        },
        "reports/tuning.json": TUNING,
        "reports/watch.json": WATCH,
        "reports/effect.json": EFFECT,
        "reports/plan.json": {
            "policy_version": "1",
            "customers": 3,
            "contacted": 1,
            "control": 1,
            "by_action": {"follow_up": 1},
            "by_gate": {"control": 1, "no_consent": 1},
        },
    }
