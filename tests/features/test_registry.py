"""Own features become columns like any other: named, windowed, left out when the shop lacks what they need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from features.asof import snapshot
from features.catalogue import entry
from features.errors import ConfigError
from features.reading import log_from_records
from features.registry import RESERVED, declared, feature_columns
from tests.features.conftest import SETTINGS, us
from tests.features.test_families import CUTOFF, ENGAGEMENT, ORDERS

OwnModule = Callable[[str], str]
WEEKEND = '''
@feature(unit="share", empty=None, windows_days=(90, 365), needs=("search",))
def searches_per_order(past: Past) -> Column:
    """Searches for each order of the window."""
    return ratio(past.of("search").count(), past.of("order").count())
'''


def test_an_own_feature_makes_columns_behind_those_of_the_families(own_module: OwnModule) -> None:
    settings = replace(SETTINGS, extra=(own_module(WEEKEND),))
    names = [column.name for column in feature_columns(settings)]
    assert names[-2:] == ["searches_per_order_90d", "searches_per_order_365d"]
    assert names[:-2] == [column.name for column in feature_columns(SETTINGS)]


def test_an_own_feature_is_computed_on_the_hand_written_customer(own_module: OwnModule) -> None:
    settings = replace(SETTINGS, extra=(own_module(WEEKEND),))
    orders = [{"customer_id": "c", **row} for row in ORDERS]
    events = [{"customer_id": "c", "kind": kind, "occurred_at": us(day)} for kind, day, _ in ENGAGEMENT]
    known = snapshot(log_from_records(orders, events), [CUTOFF], settings)
    assert known.values[0, -2:].tolist() == [1.0, 0.25]  # one search; one order in 90 days, four in 365


def test_an_own_feature_stands_in_the_catalogue_with_its_own_words(own_module: OwnModule) -> None:
    module = own_module(WEEKEND)
    column = feature_columns(replace(SETTINGS, extra=(module,)))[-1]
    told = entry(column, 0.25)
    assert told["doc"] == "Searches for each order of the window."
    assert told["family"] == module.removeprefix("features.")
    assert (told["unit"], told["empty"], told["window_days"]) == ("share", None, 365)


def test_an_own_feature_whose_data_the_shop_lacks_is_left_out(own_module: OwnModule) -> None:
    settings = replace(SETTINGS, extra=(own_module(WEEKEND),), absent=frozenset({"search"}))
    assert not [column for column in feature_columns(settings) if column.feature.is_own]


def test_columns_that_do_not_suit_the_shop_are_left_out_by_name() -> None:
    names = {column.name for column in feature_columns(replace(SETTINGS, left_out=frozenset({"orders_365d"})))}
    assert "orders_365d" not in names
    assert len(names) == len(feature_columns(SETTINGS)) - 1


def test_no_built_in_feature_counts_as_the_shops_own() -> None:
    assert not [one.path for one in declared() if one.is_own]


def test_a_module_named_twice_counts_once(own_module: OwnModule) -> None:
    module = own_module(WEEKEND)
    assert len(feature_columns(replace(SETTINGS, extra=(module, module)))) == len(feature_columns(SETTINGS)) + 2


@pytest.mark.parametrize("name", ["orders", *sorted(RESERVED)])
def test_a_column_name_that_is_taken_is_refused(own_module: OwnModule, name: str) -> None:
    windows = "(30,)" if name == "orders" else "(None,)"
    module = own_module(
        f'@feature(unit="count", empty=0.0, windows_days={windows})\ndef {name}(past):\n    """A count."""\n'
    )
    owner = r"features\.families\.frequency\.orders already makes" if name == "orders" else "every table of a run"
    column = "orders_30d" if name == "orders" else name
    with pytest.raises(ConfigError, match=rf"{module}\.{name} makes the column {column}, which {owner}.*Rename"):
        feature_columns(replace(SETTINGS, extra=(module,)))


def test_a_name_used_by_two_functions_of_one_module_is_refused(own_module: OwnModule) -> None:
    with pytest.raises(ConfigError, match=r"searches_per_order makes the column searches_per_order_90d, which"):
        feature_columns(replace(SETTINGS, extra=(own_module(WEEKEND + WEEKEND),)))


def test_a_family_cannot_be_added_as_if_it_were_own() -> None:
    with pytest.raises(ConfigError, match="already makes"):
        feature_columns(replace(SETTINGS, extra=("features.families.site",)))
