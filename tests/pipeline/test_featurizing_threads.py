"""Work on all cores comes back in order, and stops where it breaks."""

from __future__ import annotations

import time

import pytest

from pipeline.featurizing.threads import in_order


def test_results_come_in_the_order_of_the_tasks_however_long_each_takes() -> None:
    def slow_first(task: int) -> int:
        time.sleep(0.02 if task % 2 == 0 else 0.0)
        return task * task

    assert list(in_order(slow_first, range(20))) == [task * task for task in range(20)]


def test_what_breaks_a_task_reaches_the_reader_and_the_rest_is_not_begun() -> None:
    begun: list[int] = []

    def third_breaks(task: int) -> int:
        begun.append(task)
        if task == 2:
            raise ValueError("the third")
        return task

    results = in_order(third_breaks, range(10_000))
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="the third"):
        next(results)
    assert len(begun) < 1_000
