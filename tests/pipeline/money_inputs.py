"""What `evaluate` says about value, timing, second orders and profit, typed by hand for the tests of the report."""

from __future__ import annotations

RANGE = {"value": 120.5, "low": 90.25, "high": 150.75}
LESS = {"value": -12.5, "low": -20.25, "high": -4.75}
SHARES = {"value": 0.812, "low": 0.774, "high": 0.851}
BESIDE = {"ours": RANGE, "naive": {**RANGE, "value": 133.0}, "difference": LESS}
ERRORS = {
    "customers": 3,
    "naive_mean": 88.4,
    "actual_total": 1234.5,
    "expected_total": 1001.25,
    "total_ratio": SHARES,
    "mae": BESIDE,
    "rmse": BESIDE,
    "capped_rmse": BESIDE,
}
PUBLISHED = {
    "before": 4,
    "inside": 21,
    "after": 1,
    "waiting_open": 30,
    "waiting_past": 2,
    "lowest": 0.3621,
    "highest": 0.9107,
}
COVERED = {
    "cutoff": "2025-02-01T00:00:00+00:00",
    "customers": 58,
    "follow_up_days": 120.0,
    "returned": 26,
    "coverage": SHARES,
    "published": PUBLISHED,
}
PROFIT = {
    "offer": {"margin_share": 0.35, "offer_cost_money": 5.0, "contact_cost_money": 1.0, "accept_rate": 0.1},
    "customers": 3,
    "best": {"share": 0.666667, "contacts": 2, "expected": 130.1, "profit": RANGE},
    "most_at_risk": {"profit": {**RANGE, "value": 101.0}, "difference": {**RANGE, "value": 19.5}},
    "everybody": {"profit": LESS},
    "hindsight": {"share": 0.333333, "profit": 140.0},
    "empc": {
        "constants": {"clv": 200.0, "offer_cost": 10.0, "contact_cost": 1.0, "alpha": 6.0, "beta": 14.0},
        "ours": {"value": 23.875, "low": 20.5, "high": 26.25},
        "share": 0.87437,
        "best_baseline": {"name": "logistic", "value": 22.5, "low": 19.5, "high": 25.25},
    },
    "candidates": {
        "logistic": {"share": 0.5, "profit": 99.5, "empc": 22.5},
        "xgboost_btyd": {"share": 0.666667, "profit": 120.5, "empc": 23.875},
    },
    "sensitivity": [
        {"parameter": "margin_share", "factor": 0.5, "value": 0.175, "share": 0.3, "expected": 40.5, "profit": 35.25},
        {"parameter": "contact_cost_money", "factor": 2.0, "value": 2.0, "share": 0.5, "expected": 80, "profit": -1.5},
    ],
}
SECOND_ORDER = {
    "days": 60.0,
    "cutoff": "2025-02-01T00:00:00+00:00",
    "customers": 40,
    "calibrated": True,
    "backtest": {"plain": 0.11, "calibrated": 0.1},
    "mean_predicted": 0.032,
    "observed": {"value": 0.033, "low": 0.029, "high": 0.038},
    "calibration_error": {"value": 0.0066, "low": 0.0032, "high": 0.0111},
    "roc_auc": {"value": 0.833, "low": 0.809, "high": 0.859},
    "skill": {"value": 0.176, "low": 0.14, "high": 0.214},
    "bins": [
        {"mean_predicted": 0.0002, "observed": 0.0, "customers": 20},
        {"mean_predicted": 0.064, "observed": 0.066, "customers": 20},
    ],
}
CURVE = (
    "candidate,contacted_share,profit,by_risk\n"
    "logistic,0,0,0\nlogistic,0.5,90,70\nlogistic,1,-12.5,-12.5\n"
    "xgboost_btyd,0,0,0\nxgboost_btyd,0.5,130,80\nxgboost_btyd,1,-12.5,-12.5\n"
)


def outlook(revenue: bool) -> dict[str, object]:
    """The entries of `reports/metrics.json`."""
    money = {
        "value": {
            "learned_from": {"cutoffs": 2, "kept_customers": 31},
            "cap_money": 900.25,
            "all": ERRORS,
            "if_kept": {**ERRORS, "customers": 2},
        },
        "profit": PROFIT,
    }
    gone = {key: {"left_out": "the data has no revenue"} for key in money}
    return {
        "horizon_days": 90,
        "timing": {"interval_share": 0.8, "test": COVERED, "earlier": {**COVERED, "follow_up_days": 400.0}},
        "second_order": SECOND_ORDER,
        **(money if revenue else gone),
    }
