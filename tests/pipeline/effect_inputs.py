"""What `plan` says about the effect of what was sent, typed by hand for the tests of the report."""

from __future__ import annotations

MEASURED = {
    "state": "measured",
    "treated": 812,
    "control": 93,
    "effect_money": {"value": 1.2, "low": 0.3, "high": 2.1},
    "effect_with_cuped_money": {"value": 1.31, "low": 0.52, "high": 2.1},
    "smallest_effect_money": 0.88,
    "sample_ratio": {"expected_treated": 814.5, "p_value": 0.78, "alarm": False},
}
LEARNING = MEASURED | {"state": "learning", "treated": 401}
TOTAL = {"value": 1063.72, "low": 422.24, "high": 1705.2}
PLANNED = {"customers": 905, "control": 91, "smallest_effect_money": 0.91}
NOTHING: dict[str, object] = {
    "state": "nothing sent yet",
    "as_of": "2025-06-01T00:00:00+00:00",
    "window_days": 30,
    "interval_share": 0.95,
    "planned": PLANNED,
}
EFFECT: dict[str, object] = NOTHING | {
    "state": "measured",
    "overall": MEASURED
    | {"total_money": TOTAL, "delivered": 1290, "delivered_people": 640, "since": "2025-03-01T00:00:00+00:00"},
    "policy_versions": {"1": MEASURED | {"total_money": TOTAL}, "2": LEARNING | {"total_money": TOTAL}},
    "actions": {
        "follow_up": LEARNING | {"against_own_control": LEARNING | {"control": 44}},
        "how_to_content": LEARNING | {"treated": 0},
    },
    "uplift": {
        "window_days": 30,
        "actions": {
            "follow_up": {
                "state": "measured",
                "treated": 401,
                "control": 93,
                "ordered_more": {"value": 0.021, "low": 0.004, "high": 0.038},
                "smallest_uplift": 0.019,
                "learner": "x",
            },
            "how_to_content": {"state": "learning"},
        },
    },
}
