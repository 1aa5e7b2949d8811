"""How a raw value becomes a canonical one; expected values typed by hand."""

from __future__ import annotations

import pytest

from pipeline.checks import parsing
from pipeline.sources.raw import connect, literal


def parsed(expression: str, value: str, kind: str = "VARCHAR") -> object:
    query = f"SELECT CAST({expression} AS VARCHAR) FROM (SELECT CAST({literal(value)} AS {kind}) AS v)"  # noqa: S608
    return connect().execute(query).fetchall()[0][0]


@pytest.mark.parametrize(
    ("value", "utc"),
    [
        ("2024-06-01T10:00:00Z", "2024-06-01 10:00:00+00"),
        ("2024-06-01 10:00:00+02:00", "2024-06-01 08:00:00+00"),
        ("2024-06-01T10:00:00.25+0530", "2024-06-01 04:30:00.25+00"),
        ("2024-06-01 10:00:00+00", "2024-06-01 10:00:00+00"),
        ("2024-06-01 10:00", "2024-06-01 09:00:00+00"),
        ("2024-01-01 10:00", "2024-01-01 10:00:00+00"),
        ("2024-06-01", "2024-05-31 23:00:00+00"),
        ("01/06/2024", None),
        ("2024-02-30", None),
        ("infinity", None),
        ("", None),
    ],
)
def test_a_zone_in_the_value_wins_and_else_the_source_zone_holds(value: str, utc: str | None) -> None:
    assert parsed(parsing.instant("v", "VARCHAR", "Europe/London"), value) == utc


def test_without_any_zone_a_time_is_not_guessed() -> None:
    assert parsed(parsing.instant("v", "VARCHAR", None), "2024-06-01 10:00") is None
    assert parsed(parsing.instant("v", "VARCHAR", None), "2024-06-01 10:00Z") == "2024-06-01 10:00:00+00"


@pytest.mark.parametrize(
    ("value", "utc", "change"),
    [
        ("2011-03-27 00:59:00", "2011-03-27 00:59:00+00", None),
        ("2011-03-27 01:30:00", "2011-03-27 01:30:00+00", "gap"),
        ("2010-10-31 01:30:00", "2010-10-31 01:30:00+00", "overlap"),
        ("2010-10-31 00:30:00", "2010-10-30 23:30:00+00", None),
        ("2010-10-31 02:30:00", "2010-10-31 02:30:00+00", None),
    ],
)
def test_clock_changes_are_settled_one_way_and_named(value: str, utc: str, change: str | None) -> None:
    assert parsed(parsing.instant("v", "TIMESTAMP", "Europe/London"), value, "TIMESTAMP") == utc
    wall = parsing.wall_time("v", "TIMESTAMP")
    assert parsed(parsing.clock_change(wall, "Europe/London"), value, "TIMESTAMP") == change


@pytest.mark.parametrize(
    ("value", "amount"),
    [("12.5", "12.5000"), (" 7 ", "7.0000"), ("-3.14159", "-3.1416"), ("12,50", None), ("£5", None), ("nan", None)],
)
def test_money_is_exact_or_refused(value: str, amount: str | None) -> None:
    assert parsed(parsing.money("v", "VARCHAR"), value) == amount


def test_a_float_that_is_no_number_is_no_money() -> None:
    assert parsed(parsing.money("v", "DOUBLE"), "nan", "DOUBLE") is None
    assert parsed(parsing.money("v", "DOUBLE"), "2.675", "DOUBLE") == "2.6750"


@pytest.mark.parametrize(
    ("value", "kind", "identity"),
    [("00123", "VARCHAR", "00123"), (" a ", "VARCHAR", "a"), ("  ", "VARCHAR", None), ("13085", "DOUBLE", "13085")],
)
def test_an_id_keeps_its_zeros_and_loses_only_what_a_float_added(value: str, kind: str, identity: str | None) -> None:
    assert parsed(parsing.text("v", kind), value, kind) == identity


@pytest.mark.parametrize(("value", "truth"), [("Yes", "true"), ("0", "false"), ("perhaps", None)])
def test_flags_in_the_usual_spellings(value: str, truth: str | None) -> None:
    assert parsed(parsing.flag("v", "VARCHAR"), value) == truth


@pytest.mark.parametrize(("value", "number"), [("2.5", "2.5"), ("inf", None), ("two", None)])
def test_numbers_are_finite(value: str, number: str | None) -> None:
    assert parsed(parsing.number("v", "VARCHAR"), value) == number
