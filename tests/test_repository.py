"""The repository keeps its own rules: layers, size, words, help, and no address of any machine."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOORS = ("features", "models", "serving", "pipeline")
SOURCES = sorted(path for floor in FLOORS for path in (ROOT / floor).rglob("*.py"))
HEAVY = {"pandas", "sklearn", "scipy", "mlflow", "dvc", "xgboost", "pyarrow", "duckdb", "matplotlib"}


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout, so there is no list of tracked files")
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_floor_imports_only_the_floors_below_it(path: Path) -> None:
    floor = FLOORS.index(path.relative_to(ROOT).parts[0])
    above = set(FLOORS[floor + 1 :])
    assert not {module for module in imports(path) if module.partition(".")[0] in above}


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_module_says_what_it_is_and_stays_short(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(text))
    assert text.count("\n") <= 300


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_module_imports_mlflow_but_those_that_track(path: Path) -> None:
    if "mlflow" not in {module.partition(".")[0] for module in imports(path)}:
        return
    assert re.match(r"pipeline/(track|promote|ui|compare)", name_of(path))


def test_the_engine_and_the_scorer_load_nothing_heavy() -> None:
    code = (
        "import sys, features.asof, features.log, features.families, models.scorer, serving.decisions;"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not HEAVY & set(run.stdout.split())


def test_no_tracked_file_names_a_machine_or_a_package_index() -> None:
    address = re.compile(r"index-url|/simple/|/packages/[0-9a-f]{2}/|" + re.escape(str(ROOT)) + "/")
    # A package name followed by a path would be an address too; versions and hashes are all the lock may carry.
    offenders = [
        name_of(path)
        for path in tracked()
        if path != Path(__file__) and path.suffix not in (".png", ".svg") and address.search(path.read_text("utf-8"))
    ]
    assert offenders == []


@pytest.mark.parametrize(("name", "least"), [("", 150), ("-spark", 2), ("-bench", 3)])
def test_every_package_of_a_lock_has_a_version_and_a_hash(name: str, least: int) -> None:
    lock = (ROOT / f"requirements{name}.lock").read_text()
    packages = re.findall(r"^[a-z0-9][a-z0-9._\[\]-]*.*$", lock, flags=re.MULTILINE)
    assert len(packages) >= least
    assert all(re.match(r"[a-z0-9._\[\]-]+==\S+( ;.*)? \\$", line) for line in packages)
    assert lock.count("--hash=sha256:") >= len(packages)


def test_make_lists_every_target_with_one_line_of_help() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = re.search(r"^\.PHONY: (.*)$", makefile, flags=re.MULTILINE)
    assert targets is not None
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "--no-print-directory"]
    listed = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout
    helped = dict(line.split(maxsplit=1) for line in listed.splitlines())
    assert set(helped) == set(targets[1].split())
    assert {"run", "test", "check", "serve", "ui", "bench"} <= set(helped)


def test_ci_calls_the_same_targets_as_people_do() -> None:
    script = (ROOT / ".ci/run").read_text()
    assert re.search(r"^make check$", script, flags=re.MULTILINE)
    assert re.search(r"^make test$", script, flags=re.MULTILINE)


def test_the_readme_stays_readable_and_its_files_exist() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme.count("\n") <= 150
    for link in re.findall(r"\]\((?!https?:|#)([^)]+)\)", readme):
        assert (ROOT / link).exists(), link
