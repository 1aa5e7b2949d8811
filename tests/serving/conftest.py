"""One small run and one server for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.serving.shop import copy_of, free_port, served, write_run


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a small run, with a model of trees; read only."""
    home = tmp_path_factory.mktemp("run")
    write_run(home)
    return home


@pytest.fixture(scope="session")
def run_without_trees(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with BG/NBD alone as the model."""
    home = tmp_path_factory.mktemp("run_without_trees")
    write_run(home, trees=False)
    return home


@pytest.fixture(scope="module")
def client(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of `make serve` on the small run; a copy, so that no other test sees what the requests leave behind."""
    port, home = free_port(), copy_of(run, tmp_path_factory.mktemp("served") / "run")
    with served(home, ["-m", "serving.run", "--port", str(port)], port) as connected:
        yield connected
