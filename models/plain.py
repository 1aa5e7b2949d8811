"""Reading plain JSON values with their types checked: a model's description comes from a file."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from features.errors import ModelError

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


def number(value: Json) -> float:
    """A number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _unfit(value, "a number")
    return float(value)


def numbers(value: Json) -> NDArray[np.float64]:
    """A list of numbers."""
    return np.asarray([number(part) for part in listed(value)], dtype=np.float64)


def places(value: Json) -> NDArray[np.intp]:
    """A list of positions."""
    return numbers(value).astype(np.intp)


def texts(value: Json) -> list[str]:
    """A list of names."""
    return [str(part) for part in listed(value)]


def listed(value: Json) -> list[Json]:
    """A list."""
    if not isinstance(value, list):
        raise _unfit(value, "a list")
    return value


def described(value: Json) -> dict[str, Json]:
    """An object with keys."""
    if not isinstance(value, dict):
        raise _unfit(value, "an object")
    return value


def _unfit(value: Json, wanted: str) -> ModelError:
    return ModelError(f"the model's description holds {value!r} where {wanted} belongs; run the train stage again.")
