"""Who changed deciles, told for fifty customers whose order the second run turns round."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.comparing.moves import moves
from pipeline.comparing.sides import Shared

SIZE = 50


def rows(turned: bool) -> Shared:
    ids = np.array([f"c{number:02}" for number in range(SIZE)], dtype=object)
    rising = (np.arange(SIZE) + 1) / 100

    def told(probability: np.ndarray, features: list[str]) -> pd.DataFrame:
        reasons = [[{"feature": feature, "value": 1.23456, "direction": "raises"} for feature in features]] * SIZE
        return pd.DataFrame({"churn_probability": probability, "reasons": reasons})

    churned = (np.arange(SIZE) % 2).astype(np.int8)
    second = rising[::-1] if turned else rising
    return Shared(ids, churned, told(rising, ["a", "b"]), told(second, ["b", "c"] if turned else ["a", "b"]))


def test_a_run_beside_its_twin_moves_nobody() -> None:
    told = moves(rows(turned=False))
    assert (told["stayed"], told["moved"], told["customers"]) == (SIZE, 0, [])
    assert [told["table"][i][i] for i in range(10)] == [5] * 10  # type: ignore[index]


def test_the_farthest_come_first_with_the_reasons_of_both() -> None:
    told = moves(rows(turned=True))
    assert (told["moved"], told["far"], told["far_means"]) == (50, 40, 3)
    first = told["customers"][0]  # type: ignore[index]
    assert (first["decile_a"], first["decile_b"], first["direction"]) in ((10, 1, "riskier"), (1, 10, "safer"))
    assert first["reasons_a"] == [
        {"feature": "a", "value": 1.235, "direction": "raises"},
        {"feature": "b", "value": 1.235, "direction": "raises"},
    ]
    assert [(reason["feature"], reason["new"]) for reason in first["reasons_b"]] == [("b", False), ("c", True)]


def test_what_is_new_among_the_reasons_is_counted_by_direction() -> None:
    told = moves(rows(turned=True))
    assert told["riskier"] == {"customers": 25, "left": 12, "features": [{"feature": "c", "customers": 25}]}
    assert told["safer"]["customers"] == 25  # type: ignore[index]


def test_rows_without_reasons_are_moved_all_the_same() -> None:
    full = rows(turned=True)
    bare = Shared(full.customer_ids, full.churned, full.first.drop(columns="reasons"), full.second)
    told = moves(bare)
    assert told["moved"] == 50
    assert told["customers"][0]["reasons_a"] == []  # type: ignore[index]
