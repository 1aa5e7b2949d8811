"""Reads and writes of stage outputs: written aside, then renamed, so that no half file is ever taken for whole."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import DataError


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """A sibling path to write to; it becomes `path` only when the block ends well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    for left in path.parent.glob(f".{path.name}.*.tmp"):
        if not _is_being_written(left):
            _remove(left)
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield aside
        _replace(aside, path)
    finally:
        _remove(aside)


@contextmanager
def directory_aside(path: Path) -> Iterator[Path]:
    """Like `written_aside`, for a folder that is filled file by file."""
    with written_aside(path) as aside:
        aside.mkdir()
        yield aside


def write_json(path: Path, value: object) -> None:
    """Write JSON with sorted keys; NaN and infinity are refused."""
    text = json.dumps(value, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False)
    write_text(path, text + "\n")


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text."""
    with written_aside(path) as aside:
        aside.write_text(text, encoding="utf-8")


def write_table(path: Path, table: pd.DataFrame | pa.Table) -> None:
    """Write a Parquet file without index."""
    arrow = table if isinstance(table, pa.Table) else pa.Table.from_pandas(table, preserve_index=False)
    with written_aside(path) as aside:
        pq.write_table(arrow.replace_schema_metadata(None), aside, compression="zstd")


def read_json(path: Path) -> dict[str, object]:
    """Read a JSON object; raises DataError when the stage that makes it has not run."""
    _require(path)
    value: dict[str, object] = json.loads(path.read_text(encoding="utf-8"))
    return value


def read_table(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a Parquet file; raises DataError when the stage that makes it has not run."""
    _require(path)
    return pd.read_parquet(path, columns=columns)


def _require(path: Path) -> None:
    if not path.exists():
        raise DataError(f"{path} is not there; run `dvc repro` to make it.")


def _is_being_written(aside: Path) -> bool:
    """True while another process of the name's number lives; what a killed one left behind only takes space."""
    number = aside.name.split(".")[-2]
    if not number.isdecimal() or int(number) == os.getpid():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _replace(aside: Path, path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    aside.replace(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
