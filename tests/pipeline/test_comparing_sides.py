"""The rows two runs share: never more than both have, never silently fewer."""

from __future__ import annotations

import pandas as pd

from pipeline.comparing.sides import Side, shared

CUTOFF = pd.Timestamp("2025-07-01", tz="UTC")


def side(letter: str, numbers: range, churned: int = 0, cutoff: pd.Timestamp = CUTOFF, **params: str) -> Side:
    rows = pd.DataFrame(
        {
            "customer_id": [f"c{number:03}" for number in numbers],
            "cutoff": [cutoff] * len(numbers),
            "churned": [(number % 2 + churned) % 2 for number in numbers],
            "churn_probability": [number / 1000 for number in numbers],
        }
    )
    told = {"snapshots.horizon_days": "90", **{f"snapshots.{name}": value for name, value in params.items()}}
    return Side(letter, letter.lower(), letter * 32, "2025-11-01T00:00:00+00:00", told, {}, rows)


def test_the_same_rows_need_no_word() -> None:
    rows, said = shared(side("A", range(100)), side("B", range(100)))
    assert rows is not None
    assert (len(rows.churned), said["common"], said["notes"], said["against"]) == (100, 100, [], None)


def test_other_rows_are_compared_on_the_common_ones_and_that_is_said() -> None:
    rows, said = shared(side("A", range(100)), side("B", range(40, 160)))
    assert rows is not None
    assert rows.customer_ids.tolist() == [f"c{number:03}" for number in range(40, 100)]
    first, second = rows.probabilities
    assert first.tolist() == second.tolist() == [number / 1000 for number in range(40, 100)]
    assert "100 in A, 120 in B" in said["notes"][0]  # type: ignore[index]
    assert "60 rows that both have" in said["notes"][0]  # type: ignore[index]


def test_the_order_of_rows_changes_nothing() -> None:
    second = side("B", range(100))
    shuffled = side("B", range(100))
    shuffled.rows[:] = second.rows.sample(frac=1.0, random_state=1).to_numpy()
    rows, _ = shared(side("A", range(100)), shuffled)
    assert rows is not None
    assert rows.probabilities[0].tolist() == [float(value) for value in rows.probabilities[1]]


def test_rows_with_another_outcome_are_left_out_and_counted() -> None:
    second = side("B", range(100))
    second.rows.loc[:4, "churned"] = 1 - second.rows.loc[:4, "churned"]
    rows, said = shared(side("A", range(100)), second)
    assert rows is not None
    assert (len(rows.churned), said["disagree"]) == (95, 5)
    assert "5 common rows have another outcome in B" in said["notes"][1]  # type: ignore[index]


def test_no_common_row_is_no_comparison() -> None:
    later = pd.Timestamp("2025-08-01", tz="UTC")
    rows, said = shared(side("A", range(100)), side("B", range(100), cutoff=later))
    assert rows is None
    assert "share no test row: 100 rows at 2025-07-01 in A, 100 rows at 2025-08-01 in B" in str(said["against"])


def test_a_handful_of_common_rows_proves_nothing() -> None:
    rows, said = shared(side("A", range(100)), side("B", range(90, 190)))
    assert (rows, "only 10 test rows" in str(said["against"])) == (None, True)


def test_one_outcome_only_cannot_tell_models_apart() -> None:
    sides = side("A", range(100)), side("B", range(100))
    for each in sides:
        each.rows["churned"] = 1
    rows, said = shared(*sides)
    assert (rows, "same outcome" in str(said["against"])) == (None, True)


def test_another_horizon_is_another_question_even_on_the_same_customers() -> None:
    rows, said = shared(side("A", range(100)), side("B", range(100), horizon_days="30"))
    assert rows is None
    assert said["against"] == "they answer different questions: the horizon is 90 days in A and 30 days in B"


def test_another_population_is_said() -> None:
    _, said = shared(side("A", range(100), active_days="365"), side("B", range(100), active_days="None"))
    assert said["notes"] == ["The populations differ: active within 365 days in A, None in B."]
