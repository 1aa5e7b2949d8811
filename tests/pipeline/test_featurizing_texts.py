"""Texts are found by all their bytes: whatever the hash, whatever stands in the slot."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.featurizing import texts
from pipeline.featurizing.texts import LONGEST, TextTable


def found(known: list[str], asked: list[str]) -> list[int]:
    column = pa.array(["before", *asked, "behind"]).slice(1, len(asked))
    return TextTable(pa.array(known, pa.string())).find(column, np.arange(len(asked))).tolist()


@given(
    st.lists(st.text("aé\x00\x01", max_size=12), unique=True, max_size=30),
    st.lists(st.text("aé\x00\x01", max_size=12), max_size=30),
)
def test_a_text_is_found_at_its_place_and_no_other_text_is(known: list[str], others: list[str]) -> None:
    asked = [*others, *known]
    assert found(known, asked) == [known.index(one) if one in known else -1 for one in asked]


@pytest.mark.parametrize("length", [7, 8, 9, 15, 16, 36, 63, 64])
def test_texts_of_one_length_differ_in_any_byte(length: int) -> None:
    known = ["a" * place + "b" + "a" * (length - place - 1) for place in range(length)]
    assert found(known, ["a" * length, *known[::-1]]) == [-1, *range(length)[::-1]]


def test_a_text_too_long_for_the_table_is_not_found_in_it() -> None:
    longest = "a" * LONGEST
    assert found([longest + "b", longest], [longest, longest + "b", longest + "\x01", "a"]) == [1, -1, -1, -1]
    assert found([], ["a", ""]) == [-1, -1]


def test_texts_that_share_a_slot_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "_FACTORS", [np.uint64(0)] * 9)  # every text hashes to the same number
    assert found(["x", "y", "z"], ["z", "w", "y", "x"]) == [2, -1, 1, 0]


def test_only_the_rows_asked_for_are_looked_up() -> None:
    table = TextTable(pa.array(["x", "yy"]))
    assert table.find(pa.array(["yy", "?", "x", "x"]), np.array([0, 3])).tolist() == [1, 0]
