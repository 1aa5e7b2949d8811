"""A project folder of its own below a scratch place: params, exports, data. Nothing of the real project is touched."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import chdir, contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from features.tables import SCHEMAS, SORTED_BY
from pipeline import paths
from pipeline.files import write_table, write_text
from pipeline.params import Params
from serving.draws import HOLDOUT_KEY
from serving.inbox.database import INBOX_URL
from serving.settings import HOME

EXPORTS = Path("exports")
# What would lead a stage, the trigger or the dispatcher out of the folder, or make the draws depend on the machine.
_LEADS_AWAY = (INBOX_URL, HOLDOUT_KEY, "DVC_ROOT", HOME)


@contextmanager
def inside(home: Path) -> Iterator[None]:
    """Work in this folder: relative paths, inbox and endpoint's home are its own until the block ends."""
    home.mkdir(parents=True, exist_ok=True)
    kept = {name: os.environ.pop(name) for name in _LEADS_AWAY if name in os.environ}
    os.environ[HOME] = str(home.resolve())
    try:
        with chdir(home):
            yield
    finally:
        del os.environ[HOME]
        os.environ.update(kept)


@contextmanager
def hushed() -> Iterator[None]:
    """The stages' own progress is not shown, nor DuckDB's bars, which go past Python's stdout."""
    with redirect_stdout(StringIO()), Path(os.devnull).open("w") as nowhere:
        shown = os.dup(1)
        os.dup2(nowhere.fileno(), 1)
        try:
            yield
        finally:
            os.dup2(shown, 1)
            os.close(shown)


def write_params(params: Params) -> Params:
    """`params.yaml` of the working folder, for the parts that read it themselves."""
    write_text(Path("params.yaml"), yaml.safe_dump(params.model_dump(mode="json"), sort_keys=False))
    return params


def write_exports(tables: dict[str, pa.Table], number: int) -> None:
    """The export of a month, counted from 0 at t0, beside those before."""
    for table, rows in tables.items():
        write_table(EXPORTS / table / f"{number + 1:03d}.parquet", rows)


def append_clean(tables: dict[str, pa.Table], _: int) -> None:
    """The month straight behind the clean tables: it has none of the faults that `check` looks for."""
    for table, rows in tables.items():
        path = paths.CLEAN / f"{table}.parquet"
        order = [(name, "ascending") for name in SORTED_BY[table]]
        write_table(path, pa.concat_tables([pq.read_table(path), rows]).sort_by(order))


def first_exports() -> None:
    """The clean tables become the first export: what was messy before t0 has been refused once and for all."""
    for table in SCHEMAS:
        target = EXPORTS / table / "000.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(paths.CLEAN / f"{table}.parquet", target)


def copied(source: Path, target: Path) -> None:
    """A second folder that begins with the same exports."""
    shutil.copytree(source / EXPORTS, target / EXPORTS, dirs_exist_ok=True)
