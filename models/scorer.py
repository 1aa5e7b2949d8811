"""Scores feature rows with a model read from an artifact folder; NumPy, onnxruntime and orjson only, no pickle.

The one file read inside models/: `Scorer.load`. A folder is refused unless its content hash and its golden rows hold.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import onnxruntime
import orjson
from numpy.typing import NDArray

from features.asof import Settings
from features.errors import ModelError
from models.btyd import Floats
from models.formulas import Formula, Rows, RunTrees, has_trees, log_odds, probability, required_columns
from models.plain import Json, described, listed, number, texts

MODEL_JSON, TREES_ONNX, TREES_UBJ = "model.json", "trees.onnx", "trees.ubj"
FORMAT = 1
GOLDEN_TOLERANCE = 1e-6
# Rows scored at once: what is made of them stays in a core's cache. Fixed, so that the threads change no bit.
BLOCK_ROWS = 2_048


@dataclass(frozen=True)
class Scorer:
    """A loaded model: which columns it wants, and P(churned) of rows of them."""

    about: Mapping[str, Json]
    formula: Formula
    feature_columns: tuple[str, ...]
    model_version: str
    settings: Settings
    run_trees: RunTrees | None
    threads: int = 1

    @classmethod
    def load(cls, folder: Path, threads: int = 1) -> Scorer:
        """Read an artifact; ModelError when a file is missing, changed, or golden rows come out differently.

        More threads score long matrices faster, to the same bytes.
        """
        about, trees = _read(folder)
        formula = about["formula"]
        if about.get("format") != FORMAT or not isinstance(formula, dict):
            raise ModelError(
                f"{folder} has format {about.get('format')!r}, this code reads {FORMAT}; run the train stage again."
            )
        scorer = cls(
            about=about,
            formula=formula,
            feature_columns=tuple(texts(about["feature_columns"])),
            model_version=str(about["model_version"]),
            settings=_settings(about),
            run_trees=_session(trees) if trees is not None else None,
            threads=threads,
        )
        scorer._verify(folder)
        return scorer

    @property
    def horizon_days(self) -> int:
        """Length of the horizon the probability speaks of."""
        return self.settings.horizon_days

    @property
    def chosen(self) -> str:
        """Name of the candidate this model is."""
        return str(self.about["chosen"])

    def churn_probability(self, values: Floats) -> Floats:
        """P(churned), one per row of `values` (n, columns in the order of `feature_columns`, NaN = empty)."""
        return probability(self.churn_log_odds(values))

    def churn_log_odds(self, values: Floats) -> Floats:
        """Calibrated log odds of churn, one per row; raises ModelError on a wrong width or infinite values."""
        if values.ndim != 2 or values.shape[1] != len(self.feature_columns):
            raise ModelError(f"rows of shape {values.shape} given; the model wants (n, {len(self.feature_columns)}).")
        logits = self._in_blocks(values)
        if np.isnan(logits).any():
            row = int(np.argmax(np.isnan(logits)))
            raise ModelError(
                f"row {row} has no score: a column that is never empty is empty; see model {self.model_version}."
            )
        calibration = described(self.about["calibration"])
        return number(calibration["intercept"]) + number(calibration["slope"]) * logits

    def rows(self, values: Floats) -> Rows:
        """Feature values in the order of `feature_columns`, as the formula reads them."""
        return Rows(values, self._index, self.run_trees)

    @cached_property
    def _index(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.feature_columns)}

    def _in_blocks(self, values: Floats) -> Floats:
        if len(values) <= BLOCK_ROWS:
            return self._block(values)
        blocks = (values[start : start + BLOCK_ROWS] for start in range(0, len(values), BLOCK_ROWS))
        with ThreadPoolExecutor(self.threads) as pool:
            return np.concatenate(list(pool.map(self._block, blocks)))

    def _block(self, values: Floats) -> Floats:
        self._refuse_infinite(values)
        return log_odds(self.formula, self.rows(values))

    def _refuse_infinite(self, values: Floats) -> None:
        infinite = np.isinf(values)
        if infinite.any():
            place = int(np.argmax(infinite.any(axis=0)))
            raise ModelError(f"feature {self.feature_columns[place]} is infinite; leave it empty.")

    def _verify(self, folder: Path) -> None:
        unknown = required_columns(self.formula) - set(self.feature_columns)
        if unknown:
            raise ModelError(
                f"{folder}: the formula wants {sorted(unknown)[0]}, which is not among its feature columns."
            )
        for golden in listed(self.about["golden"]):
            row = described(golden)
            values = np.array([[np.nan if value is None else number(value) for value in listed(row["values"])]])
            found, wanted = float(self.churn_probability(values)[0]), number(row["churn_probability"])
            if not abs(found - wanted) <= GOLDEN_TOLERANCE:
                raise ModelError(
                    f"{folder} scores a golden row {found:.8f} instead of {wanted:.8f}; not as trained. Restore it."
                )


def content_version(about: Mapping[str, Json], files: Mapping[str, bytes]) -> str:
    """`m-` and 12 hex digits of the hash over the model's description (without its version) and its tree files."""
    described = {key: value for key, value in about.items() if key != "model_version"}
    digest = hashlib.sha256(orjson.dumps(described, option=orjson.OPT_SORT_KEYS))
    for name in sorted(files):
        digest.update(name.encode() + hashlib.sha256(files[name]).digest())
    return f"m-{digest.hexdigest()[:12]}"


def _read(folder: Path) -> tuple[dict[str, Json], bytes | None]:
    try:
        about = orjson.loads(_bytes(folder / MODEL_JSON))
    except orjson.JSONDecodeError as error:
        raise ModelError(
            f"{folder / MODEL_JSON} is not JSON: {error}. Run `dvc repro` to train, or restore it."
        ) from error
    formula = about.get("formula") if isinstance(about, dict) else None
    if not isinstance(formula, dict) or "model_version" not in about:
        raise ModelError(f"{folder / MODEL_JSON} does not describe a model; run the train stage again.")
    files = {name: _bytes(folder / name) for name in (TREES_ONNX, TREES_UBJ)} if has_trees(formula) else {}
    found = content_version(about, files)
    if found != about["model_version"]:
        raise ModelError(
            f"{folder} says it is {about['model_version']}, but its content is {found}: changed or damaged. Restore it."
        )
    return about, files.get(TREES_ONNX)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise ModelError(f"{path} is missing; run `dvc repro` to train, or restore the folder.") from error


def _session(trees: bytes) -> RunTrees:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # more would share out the trees of a single row, and add them up in another order
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(trees, options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name

    def run(rows: NDArray[np.float32]) -> NDArray[np.float32]:
        sums: NDArray[np.float32] = session.run(None, {name: rows})[0][:, 0]
        return sums

    return run


def _settings(about: Mapping[str, Json]) -> Settings:
    active = about["active_days"]
    return Settings(
        horizon_days=int(number(about["horizon_days"])),
        active_days=None if active is None else int(number(active)),
        half_lives_days=tuple(int(number(days)) for days in listed(about["half_lives_days"])),
        absent=frozenset(texts(about["absent"])),
        extra=tuple(texts(about.get("extra", []))),
        left_out=frozenset(texts(about.get("left_out", []))),
    )
