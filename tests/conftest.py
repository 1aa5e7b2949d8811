"""Long tests first, so that the short ones fill the other core meanwhile."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order by module, slow modules first; within a module nothing moves."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)
