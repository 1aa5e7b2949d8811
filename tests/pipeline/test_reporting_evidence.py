"""Numbers bound to their source: pointers, styles, absences."""

from __future__ import annotations

import pytest

from pipeline.reporting.evidence import Evidence, pointer, rounded_money

EVIDENCE = Evidence(
    {"metrics": {"a/b": {"x~y": [0.8125, None]}, "n": 12345, "when": "2025-10-01T00:00:00+00:00"}}, "EUR"
)


def test_a_number_carries_its_pointer_its_raw_value_and_its_text() -> None:
    assert EVIDENCE.shown("share", "metrics", "a/b", "x~y", 0) == (
        '<span data-key="metrics.json#/a~1b/x~0y/0" data-value="0.8125">81.2\u202f%</span>'
    )


def test_a_missing_value_is_a_dash_without_source() -> None:
    for path in (
        ("metrics", "a/b", "x~y", 1),
        ("metrics", "a/b", "x~y", 7),
        ("gate", "promoted"),
        ("metrics", "n", "m"),
    ):
        assert "data-key" not in EVIDENCE.shown("count", *path)
        assert "–" in EVIDENCE.shown("count", *path)


def test_a_text_from_a_file_cannot_bring_markup() -> None:
    shown = Evidence({"quality": {"note": '<b a="1">'}}).shown("text", "quality", "note")
    assert "&lt;b a=" in shown
    assert "<b" not in shown


@pytest.mark.parametrize(
    ("style", "value", "text"),
    [
        ("count", 12345, "12,345"),
        ("share", 0.0712, "7.1\u202f%"),
        ("chance", 0.9998, ">99.9\u202f%"),
        ("chance", 0.0001, "<0.1\u202f%"),
        ("chance", 1.0, "100.0\u202f%"),
        ("chance", 0.9994, "99.9\u202f%"),
        ("decimal", 0.81249, "0.812"),
        ("money", 1234.5, "EUR 1,234"),
        ("brief_money", 201_984.0, "EUR 202\u202fk"),
        ("brief_money", 999_700.0, "EUR 999,700"),
        ("day", "2025-10-01T00:00:00+00:00", "1 Oct 2025"),
        ("fitting", True, "yes"),
    ],
)
def test_styles_write_values_for_readers(style: str, value: object, text: str) -> None:
    assert EVIDENCE.written(style, value) == text


def test_money_keeps_three_or_four_telling_digits() -> None:
    assert [rounded_money(value) for value in (0.5, 99.994, 1240.4, -12.5, 2_345_678.0)] == [
        "0.50",
        "99.99",
        "1,240",
        "-12.50",
        "2.35\u202fM",
    ]


def test_a_size_is_bound_to_the_list_it_counts() -> None:
    found = Evidence({"catalogue": {"changed": []}}).size("catalogue", "changed")
    assert found == '<span data-key="catalogue.json#/changed" data-value="[]">0</span>'


def test_pointers_follow_rfc_6901() -> None:
    assert pointer(("quality", "a/b", 0, "m~n")) == "quality.json#/a~1b/0/m~0n"
