"""The artifact and the Scorer: equal to the fitted estimator, equal bytes, refusal of what is not as trained."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import orjson
import pytest

from features.asof import Settings
from features.errors import ModelError
from models.artifact import model_files, save_model
from models.history import History
from models.registry import candidates
from models.scorer import BLOCK_ROWS, Scorer, content_version
from models.training import Trained, fit_all
from tests.models.conftest import BOOSTING, HORIZON_DAYS, NAMES

SETTINGS = Settings(90, 365, (14, 60), frozenset({"revenue"}), ("features.mine",), frozenset({"orders_365d"}))


@pytest.fixture
def folder(tmp_path: Path, trained: dict[str, Trained], labelled: History) -> Path:
    save_model(tmp_path, trained["blend"], SETTINGS, labelled.features)
    return tmp_path


def rewritten(folder: Path, **changes: object) -> None:
    """Change the description and give it the version that fits, as a careful forger would."""
    about = orjson.loads((folder / "model.json").read_bytes()) | changes
    files = {name: (folder / name).read_bytes() for name in ("trees.onnx", "trees.ubj")}
    about["model_version"] = content_version(about, files)
    (folder / "model.json").write_bytes(orjson.dumps(about))


@pytest.mark.parametrize("name", NAMES)
def test_scorer_equals_the_fitted_estimator(
    name: str, trained: dict[str, Trained], labelled: History, tmp_path: Path
) -> None:
    rows = labelled.features.copy()
    holes = np.random.default_rng(2).uniform(size=rows.shape) < 0.2
    holes[:, [rows.columns.get_loc(column) for column in ("days_since_last_order", "btyd_x", "btyd_t_x", "btyd_T")]] = (
        False
    )
    rows = rows.mask(holes)
    version = save_model(tmp_path, trained[name], SETTINGS, labelled.features)
    scorer = Scorer.load(tmp_path)
    assert np.abs(scorer.churn_probability(rows.to_numpy()) - trained[name].churn_probability(rows)).max() < 1e-6
    assert (scorer.model_version, scorer.chosen, scorer.horizon_days) == (version, name, 90)
    assert scorer.settings == SETTINGS
    assert scorer.feature_columns == tuple(rows.columns)


def test_a_model_from_before_own_features_has_none(folder: Path) -> None:
    about = orjson.loads((folder / "model.json").read_bytes())
    (folder / "model.json").write_bytes(
        orjson.dumps({k: v for k, v in about.items() if k not in ("extra", "left_out")})
    )
    rewritten(folder)
    settings = Scorer.load(folder).settings
    assert (settings.extra, settings.left_out) == ((), frozenset())


def test_one_row_scores_as_it_does_in_a_batch(folder: Path, labelled: History) -> None:
    scorer, values = Scorer.load(folder), labelled.features.to_numpy()[:50]
    alone = np.concatenate([scorer.churn_probability(row[None, :]) for row in values])
    assert alone == pytest.approx(scorer.churn_probability(values), abs=1e-6)


@pytest.mark.parametrize("rows", [BLOCK_ROWS - 1, BLOCK_ROWS, 2 * BLOCK_ROWS + 1])
def test_threads_change_no_bit(folder: Path, labelled: History, rows: int) -> None:
    values = np.resize(labelled.features.to_numpy(), (rows, labelled.features.shape[1]))
    one, four = (Scorer.load(folder, threads).churn_probability(values) for threads in (1, 4))
    assert (one == four).all()
    assert len(one) == rows
    last = Scorer.load(folder).churn_probability(values[-50:])
    assert last == pytest.approx(one[-50:], abs=1e-12)


def test_a_row_without_a_score_is_named_by_its_place_in_the_whole_matrix(folder: Path, labelled: History) -> None:
    values = np.resize(labelled.features.to_numpy(), (2 * BLOCK_ROWS, labelled.features.shape[1]))
    values[BLOCK_ROWS + 7, labelled.features.columns.get_loc("btyd_x")] = np.nan
    with pytest.raises(ModelError, match=f"row {BLOCK_ROWS + 7} has no score"):
        Scorer.load(folder, threads=2).churn_probability(values)


@pytest.mark.parametrize("name", ["logistic", "bgnbd", "xgboost", "xgboost_fading", "blend"])
def test_two_fits_give_the_same_bytes(name: str, trained: dict[str, Trained], labelled: History) -> None:
    allowed = labelled.at(labelled.closed_by(labelled.moments()[-1]))
    again = fit_all(candidates([name], HORIZON_DAYS, 7, 1.0, BOOSTING), allowed)[name]
    first, second = (model_files(one, SETTINGS, labelled.features) for one in (trained[name], again))
    assert first == second


def test_a_missing_file_is_refused(folder: Path) -> None:
    (folder / "trees.onnx").unlink()
    with pytest.raises(ModelError, match=r"trees\.onnx is missing"):
        Scorer.load(folder)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"model\.json is missing"):
        Scorer.load(tmp_path)


def test_changed_trees_are_refused(folder: Path) -> None:
    content = bytearray((folder / "trees.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "trees.onnx").write_bytes(content)
    with pytest.raises(ModelError, match="changed or damaged"):
        Scorer.load(folder)


def test_a_changed_description_is_refused(folder: Path) -> None:
    text = (folder / "model.json").read_text()
    (folder / "model.json").write_text(text.replace('"horizon_days": 90,', '"horizon_days": 91,', 1))
    with pytest.raises(ModelError, match="changed or damaged"):
        Scorer.load(folder)


def test_half_a_description_is_refused(folder: Path) -> None:
    (folder / "model.json").write_bytes((folder / "model.json").read_bytes()[:1000])
    with pytest.raises(ModelError, match="is not JSON"):
        Scorer.load(folder)


def test_golden_rows_that_come_out_differently_are_refused(folder: Path) -> None:
    rewritten(folder, calibration={"intercept": 0.5, "slope": 1.0})
    with pytest.raises(ModelError, match="scores a golden row"):
        Scorer.load(folder)


def test_another_format_is_refused(folder: Path) -> None:
    rewritten(folder, format=99)
    with pytest.raises(ModelError, match="has format 99"):
        Scorer.load(folder)


def test_a_formula_over_unknown_columns_is_refused(folder: Path) -> None:
    rewritten(folder, feature_columns=["something_else"])
    with pytest.raises(ModelError, match="which is not among its feature columns"):
        Scorer.load(folder)


def test_rows_of_another_width_are_refused(folder: Path) -> None:
    with pytest.raises(ModelError, match=r"rows of shape \(1, 2\)"):
        Scorer.load(folder).churn_probability(np.zeros((1, 2)))


def test_infinite_and_missing_inputs_are_refused(folder: Path, labelled: History) -> None:
    scorer, values = Scorer.load(folder), labelled.features.to_numpy(copy=True)[:3]
    place = scorer.feature_columns.index("btyd_T")
    values[1, place] = np.nan
    with pytest.raises(ModelError, match="row 1 has no score"):
        scorer.churn_probability(values)
    values[1, place] = np.inf
    with pytest.raises(ModelError, match="btyd_T is infinite"):
        scorer.churn_probability(values)


def test_loading_and_scoring_imports_no_training_library(folder: Path) -> None:
    code = (
        "import sys, numpy as np; from pathlib import Path; from models.scorer import Scorer\n"
        f"s = Scorer.load(Path({str(folder)!r}))\n"
        "heavy = {'pandas', 'sklearn', 'scipy', 'xgboost', 'pyarrow', 'mlflow', 'onnx'} & set(sys.modules)\n"
        "sys.exit(f'imported {sorted(heavy)}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
