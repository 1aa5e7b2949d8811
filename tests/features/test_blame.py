"""A feature that breaks is named with the customer that broke it, found by halves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from features.blame import first_customer_that_breaks, guarded
from features.errors import DataError
from features.log import DAY_US
from features.past import Column, Past
from features.reading import log_from_records
from features.registry import FeatureColumn, feature_columns
from features.rows import Rows
from tests.features.conftest import SETTINGS

ORDERS = [
    {"customer_id": name, "order_id": f"{name}{day}", "ordered_at": day * DAY_US, "revenue": revenue}
    for name, day, revenue in (("a", 1, 5), ("b", 1, 0), ("c", 1, 9), ("c", 2, 7), ("d", 3, 0))
]
PAST = Past(Rows.everyone(log_from_records(ORDERS, []), [10 * DAY_US, 20 * DAY_US]), None, 90)

WORTH = '''
@feature(unit="ratio", empty=None)
def worth(past: Past) -> Column:
    """Something about the revenue."""
    spent = past.of("order").sum("revenue")
'''


@pytest.fixture
def column(own_module: Callable[[str], str]) -> Callable[[str], FeatureColumn]:
    """The column of a feature `worth` whose last line is given."""
    return lambda line: feature_columns(replace(SETTINGS, extra=(own_module(f"{WORTH}    {line}"),)))[-1]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "return 1 / spent if spent.all() else [1 // 0]",
            r"feature worth \(features\.mine_\d+\.worth\) raised ZeroDivisionError: .* \(mine_\d+\.py, line 10\)\. "
            r"Customer 'b' breaks it \(found among 4\)",
        ),
        ("return spent[spent < 16]", r"worth\) returned \(0,\) values for 2 rows; .*one value per row\. Customer 'c'"),
        ("return 3.0", r"returned \(\) values for 2 rows.*Customer 'a'"),
        ("return spent / 0", r"returned an infinite value; divide with features\.past\.ratio.*Customer 'a'"),
        ("return ['much'] * len(spent)", r"raised ValueError: could not convert string to float.*Customer 'a'"),
        ("spent[:] = 0\n    return spent", r"raised ValueError: assignment destination is read-only.*Customer 'a'"),
        ("return np.log(spent)", r"raised NameError: name 'np' is not defined.*Customer 'a'"),
    ],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_the_customer_that_breaks_a_feature_is_named(
    column: Callable[[str], FeatureColumn], line: str, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        guarded(column(line), PAST)


def test_a_feature_that_only_breaks_on_several_customers_says_so(column: Callable[[str], FeatureColumn]) -> None:
    with pytest.raises(DataError, match=r"raised ZeroDivisionError.*Nobody breaks it alone.*these 4 customers"):
        guarded(column("return spent if len(spent) < 8 else [1 // 0]"), PAST)


def test_a_feature_that_works_gives_its_values(column: Callable[[str], FeatureColumn]) -> None:
    np.testing.assert_array_equal(guarded(column("return spent"), PAST), [5, 5, 0, 0, 16, 16, 0, 0])


def test_a_bug_in_a_built_in_feature_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(past: Past) -> Column:
        raise KeyError("ours")

    first = feature_columns(SETTINGS)[0]
    ours = replace(first, feature=replace(first.feature, compute=broken))
    monkeypatch.setattr("features.registry.Feature.is_own", False)
    with pytest.raises(KeyError, match="ours"):
        guarded(ours, PAST)


@pytest.mark.parametrize("guilty", [{0}, {7}, {3, 5}, {12}])
def test_halving_finds_the_first_of_those_who_break_it_alone(guilty: set[int]) -> None:
    asked: list[tuple[int, int]] = []

    def breaks(first: int, last: int) -> bool:
        asked.append((first, last))
        return bool(guilty & set(range(first, last)))

    assert first_customer_that_breaks(breaks, 13) == min(guilty)
    assert len(asked) < 10


def test_halving_gives_up_when_nobody_breaks_it_alone() -> None:
    assert first_customer_that_breaks(lambda first, last: last - first > 3, 8) is None
    assert first_customer_that_breaks(lambda *_: False, 1) is None
