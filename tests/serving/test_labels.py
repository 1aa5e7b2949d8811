"""What a Bento says about its model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from serving.labels import labels
from serving.settings import Places

LOCK = """schema: '2.0'
stages:
  featurize:
    outs:
    - path: data/features/history.parquet
      hash: md5
      md5: of-another-stage
  train:
    cmd: python -m pipeline.train
    deps:
    - path: data/features/catalogue.json
      hash: md5
      md5: of-another-file
      size: 3
    - path: data/features/history.parquet
      hash: md5
      md5: 0123abcd
      size: 3
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project after a run whose model is in force."""
    written = {
        "data/champion/model.json": {"model_version": "m-1", "chosen": "blend", "horizon_days": 90, "other": 1},
        "reports/gate.json": {"challenger": "m-1", "promoted": True},
        "reports/mlflow_run.json": {"run_id": "r-7", "candidates": {}},
    }
    for name, content in written.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
    (tmp_path / "dvc.lock").write_text(LOCK, encoding="utf-8")
    return tmp_path


def test_it_says_model_run_and_data(project: Path) -> None:
    model = {"model_version": "m-1", "chosen": "blend", "horizon_days": "90"}
    assert labels(Places(project)) == {**model, "run_id": "r-7", "data_md5": "0123abcd"}


def test_of_a_model_of_an_earlier_run_it_says_neither_run_nor_data(project: Path) -> None:
    (project / "reports/gate.json").write_text('{"challenger": "m-2"}', encoding="utf-8")
    assert set(labels(Places(project))) == {"model_version", "chosen", "horizon_days"}


def test_a_bento_without_the_project_says_what_it_knows(project: Path, tmp_path: Path) -> None:
    (project / "dvc.lock").unlink()
    (project / "reports/mlflow_run.json").unlink()
    assert set(labels(Places(project))) == {"model_version", "chosen", "horizon_days"}
    assert labels(Places(tmp_path / "nowhere")) == {}


@pytest.mark.parametrize("damaged", ["data/champion/model.json", "reports/gate.json", "reports/mlflow_run.json"])
@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"{}"])
def test_a_damaged_file_costs_its_labels_and_no_start(project: Path, damaged: str, content: bytes) -> None:
    (project / damaged).write_bytes(content)
    whole = {"model_version", "chosen", "horizon_days", "run_id", "data_md5"}
    assert set(labels(Places(project))) < whole
