"""Plain JSON values with their types checked."""

from __future__ import annotations

import pytest

from features.errors import ModelError
from models.plain import described, listed, number, numbers, places, texts


def test_values_of_the_right_type_pass() -> None:
    assert number(3) == 3.0
    assert numbers([1, 2.5]).tolist() == [1.0, 2.5]
    assert places([2, 0]).tolist() == [2, 0]
    assert texts(["a"]) == ["a"]
    assert described({"a": 1}) == {"a": 1}


def test_true_is_not_a_number() -> None:
    with pytest.raises(ModelError, match="holds True where a number belongs"):
        number(True)


def test_text_is_neither_list_nor_object() -> None:
    with pytest.raises(ModelError, match="where a list belongs"):
        listed("ab")
    with pytest.raises(ModelError, match="where an object belongs"):
        described("ab")
