"""Long tests first, so that the short ones fill the other core meanwhile; a place for a shop's own feature modules."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

import features
from features import registry

OwnModule = Callable[[str], str]
OWN_HEAD = "from features.past import Column, Past, ratio\nfrom features.registry import feature\n\n\n"
_numbers = itertools.count()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order by module, slow modules first; within a module nothing moves."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


@pytest.fixture
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[OwnModule]:
    """Writes a feature module, five lines below its imports, into a folder added to `features/`; returns its name."""
    folder = tmp_path / "added"
    folder.mkdir()
    monkeypatch.setattr(features, "__path__", [*features.__path__, str(folder)])
    written: list[str] = []

    def write(text: str) -> str:
        name = f"mine_{next(_numbers)}"
        (folder / f"{name}.py").write_text(OWN_HEAD + dedent(text), encoding="utf-8")
        written.append(f"features.{name}")
        return written[-1]

    yield write
    for name in written:
        sys.modules.pop(name, None)
    registry._DECLARED[:] = [one for one in registry._DECLARED if one.compute.__module__ not in written]
    registry.feature_columns.cache_clear()
