"""A module of the shop's own features that is not there, breaks or lies elsewhere is said with what to do."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from features.errors import ConfigError
from features.registry import declared


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("features.mine", r"names features\.mine, but there is no features/mine\.py\. Create it or mend the name"),
        ("features.recrods", r"there is no features/recrods\.py.*did you mean features\.records\?"),
        ("features.mine.baskets", r"there is no features/mine/baskets\.py"),
        ("mine", r"names 'mine', which is no module inside features/.*features/mine\.py and write features\.mine\."),
        ("shop/mine.py", r"Put the file at features/mine\.py and write features\.mine\."),
        ("pipeline.files", r"no module inside features/: DVC would not see it change and the endpoint would not have"),
        ("features.", "no module inside features/"),
    ],
)
def test_a_module_that_is_not_there_is_named_with_the_place_it_belongs(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        declared((name,))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1 / 0", r"cannot be imported: ZeroDivisionError: division by zero \(mine_\d+\.py, line 5\)\. Mend it\."),
        ("import no_such_package", r"ModuleNotFoundError: No module named 'no_such_package' \(mine_\d+\.py, line 5\)"),
        ("def broken(:", r"SyntaxError: invalid syntax.* \(mine_\d+\.py, line 5\)"),
        ("x = 1", r"features\.mine_\d+, which declares no feature\. Put `@feature"),
        ("@feature(unit='mony', empty=0.0)\ndef a(past):\n  'Text.'", r"mine_\d+\.a: unit 'mony' is unknown; did you"),
    ],
)
def test_a_module_that_breaks_says_where(own_module: Callable[[str], str], text: str, message: str) -> None:
    name = own_module(text)
    for _ in range(2):  # the second attempt says the same
        with pytest.raises(ConfigError, match=message):
            declared((name,))
