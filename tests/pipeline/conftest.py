"""A finished project whose model may be put in force, for the tests of the gate, of the registry and of a rollback."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.params import Params
from tests.pipeline.promoted import loose
from tests.pipeline.tracking_project import entered


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Params:
    """A finished project with a good model, an empty registry, and the working directory in it."""
    return loose(entered(tmp_path, monkeypatch))
