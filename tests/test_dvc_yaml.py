"""The law of dvc.yaml: stages, modules, imports, params and files agree, so a change reruns what depends on it."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from pipeline import paths
from pipeline.params import Params

ROOT = Path(__file__).parents[1]
FILE = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))
STAGES: dict[str, dict[str, list[object]]] = FILE["stages"]
NAMES = ("pull", "check", "featurize", "train", "evaluate", "track", "promote", "score", "plan", "report")
FLOORS = ("features", "models", "serving", "pipeline")
# Wiring and words: what they change shows in params, in the paths of outs, or on the screen only.
WIRING = {
    "features/errors.py",
    "pipeline/params.py",
    "pipeline/paths.py",
    "pipeline/stage.py",
    "pipeline/summary.py",
}
UNCACHED = {"reports/in_force.json"}


def entries(stage: str, *kinds: str) -> list[str]:
    listed = [entry for kind in kinds for entry in STAGES[stage].get(kind, [])]
    return [str(next(iter(entry)) if isinstance(entry, dict) else entry) for entry in listed]


def outs(stage: str) -> list[str]:
    return entries(stage, "outs", "metrics")


def imported(file: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = (
            [alias.name for alias in getattr(node, "names", [])]
            if isinstance(node, ast.Import | ast.ImportFrom)
            else []
        )
        module = getattr(node, "module", None)
        for name in [f"{module}.{name}" for name in names] + [module] if module else names:
            path = ROOT / str(name).replace(".", "/")
            if name and name.split(".")[0] in FLOORS and path.with_suffix(".py").exists():
                yield path.with_suffix(".py")


def needed(file: Path, stage: str, seen: set[str]) -> set[str]:
    name = file.relative_to(ROOT).as_posix()
    if name in WIRING or name in seen:
        return seen
    seen.add(name)
    is_other_stage = file.parent.name == "pipeline" and file.stem in NAMES and file.stem != stage
    if not is_other_stage:  # its own imports are its own business
        for other in imported(file):
            needed(other, stage, seen)
    return seen


def is_under(path: str, listed: list[str]) -> bool:
    return any(path == entry or path.startswith(f"{entry}/") for entry in listed)


def test_there_are_exactly_the_ten_stages_in_order() -> None:
    assert tuple(STAGES) == NAMES


@pytest.mark.parametrize("stage", NAMES)
def test_a_stage_runs_its_own_module_which_defines_a_function_of_that_name(stage: str) -> None:
    assert STAGES[stage]["cmd"] == f"${{python}} -m pipeline.{stage}"
    tree = ast.parse((ROOT / f"pipeline/{stage}.py").read_text(encoding="utf-8"))
    assert stage in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("stage", NAMES)
def test_every_dependency_is_an_earlier_output_or_a_tracked_file(stage: str) -> None:
    earlier = [out for name in NAMES[: NAMES.index(stage)] for out in outs(name)]
    for dependency in entries(stage, "deps"):
        tracked = subprocess.run(["git", "ls-files", dependency], cwd=ROOT, capture_output=True, check=True).stdout
        assert dependency in earlier or tracked, f"{stage} depends on {dependency}, which nothing makes"


@pytest.mark.parametrize("stage", NAMES)
def test_every_module_a_stage_imports_is_among_its_dependencies(stage: str) -> None:
    missing = {
        name
        for name in needed(ROOT / f"pipeline/{stage}.py", stage, set())
        if not is_under(name, entries(stage, "deps"))
    }
    assert not missing, f"editing {sorted(missing)} would not rerun {stage}"


@pytest.mark.parametrize("stage", NAMES)
def test_every_file_of_code_a_stage_depends_on_is_really_imported_by_it(stage: str) -> None:
    used = needed(ROOT / f"pipeline/{stage}.py", stage, set())
    for dependency in entries(stage, "deps"):
        if dependency.endswith(".py"):
            assert dependency in used, (
                f"{stage} does not import {dependency}: editing it would rerun {stage} for nothing"
            )


@pytest.mark.parametrize("stage", NAMES)
def test_every_params_key_a_stage_lists_exists(stage: str) -> None:
    for key in entries(stage, "params"):
        section: object = Params
        for part in key.split("."):
            assert part in section.model_fields, f"{stage} lists params {key}"  # type: ignore[attr-defined]
            section = section.model_fields[part].annotation  # type: ignore[attr-defined]


@pytest.mark.parametrize("stage", NAMES)
def test_every_params_section_a_stage_reads_is_listed(stage: str) -> None:
    files = needed(ROOT / f"pipeline/{stage}.py", stage, set())
    own = [name for name in files if not (name.startswith("pipeline/") and Path(name).stem in set(NAMES) - {stage})]
    read = {
        section for name in own for section in re.findall(r"\bparams\.(\w+)", (ROOT / name).read_text(encoding="utf-8"))
    }
    listed = {key.split(".")[0] for key in entries(stage, "params")}
    assert read & set(Params.model_fields) <= listed


def test_outputs_are_cached_so_that_the_run_cache_works() -> None:
    uncached = {
        path
        for stage in STAGES.values()
        for kind in ("outs", "metrics", "plots")
        for entry in stage.get(kind, [])
        if isinstance(entry, dict)
        for path, options in entry.items()
        if options.get("cache") is False
    }
    assert uncached == UNCACHED


def test_every_path_of_the_code_is_an_output_of_exactly_one_stage() -> None:
    made = [out for stage in NAMES for out in outs(stage)]
    assert len(made) == len(set(made))
    known = {str(value) for name, value in vars(paths).items() if name.isupper() and isinstance(value, Path)}
    assert set(made) == known


def test_no_output_but_the_tracking_ids_reaches_a_later_stage_than_promote() -> None:
    readers = [stage for stage in NAMES if str(paths.MLFLOW_RUN) in entries(stage, "deps")]
    assert readers == ["promote"]


def test_compiled_python_does_not_change_the_digest_of_a_folder() -> None:
    ignored = (ROOT / ".dvcignore").read_text(encoding="utf-8").splitlines()
    assert "__pycache__/" in ignored


def test_every_plot_reads_a_curve_of_evaluate() -> None:
    sources = [source for plot in FILE["plots"] for options in plot.values() for source in options["y"]]
    assert {Path(source).parent.as_posix() for source in sources} == {str(paths.PLOTS)}
    assert str(paths.PLOTS) in outs("evaluate")
