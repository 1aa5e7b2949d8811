"""The endpoint's own section of the params."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.errors import ConfigError
from serving.settings import HOME, places, read_serve
from tests.serving.shop import ROOT


def test_the_projects_params_are_valid() -> None:
    assert read_serve(ROOT / "params.yaml").max_customers == 10_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("serve: {port: 0, max_customers: 1, max_body_bytes: 1}", "serve.port: Input should be greater"),
        ("serve: {port: 1, max_customers: 1}", "serve.max_body_bytes: Field required"),
        ("serve: {port: 1, max_customers: 1, max_body_bytes: 1, speed: 3}", "serve.speed: Extra inputs"),
        ("plan: {}", "1 fault"),
        ("serve: [", "not valid YAML"),
    ],
)
def test_a_fault_is_named(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_serve(file)


def test_missing_params_say_where_to_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="run from the project's root"):
        read_serve(tmp_path / "params.yaml")


def test_files_lie_below_the_home_or_beside_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME, str(tmp_path))
    assert places().store == tmp_path / "data/serving.db"
    monkeypatch.delenv(HOME)
    assert places().home == ROOT
