"""A buy-till-you-die formula with plausible parameters, for every test that needs one."""

from __future__ import annotations

from models.formulas import Formula

BGNBD: Formula = {
    "kind": "bgnbd",
    "columns": ["btyd_x", "btyd_t_x", "btyd_T"],
    "horizon_days": 90.0,
    "r": 0.6,
    "alpha": 80.0,
    "a": 0.8,
    "b": 2.5,
}
