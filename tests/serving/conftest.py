"""One small run and one server for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy.engine import Engine

from serving.desk import Desk
from serving.inbox.database import INBOX_URL, open_database
from serving.settings import Places
from tests.pipeline import postgres
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


@pytest.fixture
def home(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of one's own, its inbox a file."""
    monkeypatch.delenv(INBOX_URL, raising=False)
    return copy_of(run, tmp_path / "run")


@pytest.fixture
def desk(home: Path) -> Desk:
    """The desk of that run."""
    return Desk.open(Places(home))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """An empty inbox with its outbox, a file."""
    return open_database(f"sqlite:///{tmp_path / 'inbox.db'}")


@pytest.fixture(scope="module")
def client(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of `make serve` on the small run; a copy, so that no other test sees what the requests leave behind."""
    port, home = free_port(), copy_of(run, tmp_path_factory.mktemp("served") / "run")
    with served(home, ["-m", "serving.run", "--port", str(port)], port) as connected:
        yield connected


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The socket folder of a real PostgreSQL."""
    with postgres.started() as host:
        yield host


@pytest.fixture(params=["sqlite", "postgresql"])
def either_database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The inbox is a file below the home, then a fresh database of a real PostgreSQL."""
    monkeypatch.delenv(INBOX_URL, raising=False)
    if request.param == "postgresql":
        monkeypatch.setenv(INBOX_URL, postgres.fresh(request.getfixturevalue("postgresql")))
