"""Loads the shop's own feature modules, those that `features.extra` names in params.yaml.

They lie in `features/`, because DVC watches that folder, and the endpoint, MLflow and a cluster are given it: a feature
kept elsewhere would be edited without a rerun and missing where requests are answered.
"""

from __future__ import annotations

import difflib
import pkgutil
import re
import traceback
from importlib import import_module
from pathlib import Path

import features
from features.errors import ConfigError, RekindleError

FOLDER = features.__name__


def load_module(name: str) -> None:
    """Import a module of own features; raises ConfigError saying which, where it broke, and what to do."""
    _require_place(name)
    try:
        import_module(name)
    except RekindleError:
        raise
    except Exception as error:
        raise ConfigError(_told(name, error)) from error


def place_of(error: BaseException, file: str) -> str:
    """`mine.py, line 7`: where in this file an exception came from; the file alone when it did not pass through it."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    if isinstance(error, SyntaxError) and error.filename == file:
        lines.append(error.lineno)
    return f"{Path(file).name}, line {lines[-1]}" if lines else Path(file).name


def _require_place(name: str) -> None:
    if re.fullmatch(rf"{FOLDER}(\.[A-Za-z_]\w*)+", name):
        return
    dotted = re.sub(r"\.py$", "", name).replace("/", ".").replace("\\", ".").rpartition(".")[2]
    raise ConfigError(
        f"features.extra names {name!r}, which is no module inside {FOLDER}/: DVC would not see it change and the "
        f"endpoint would not have it. Put the file at {FOLDER}/{dotted}.py and write {FOLDER}.{dotted}."
    )


def _told(name: str, error: Exception) -> str:
    file = f"{name.replace('.', '/')}.py"
    if isinstance(error, ModuleNotFoundError) and error.name and f"{name}.".startswith(f"{error.name}."):
        return f"features.extra names {name}, but there is no {file}. Create it or mend the name{_near(name)}"
    found = _file_of(error, name)
    where = place_of(error, found) if found else file
    said = str(error).removesuffix(f" ({where})")
    return f"features.extra: {name} cannot be imported: {type(error).__name__}: {said} ({where}). Mend it."


def _near(name: str) -> str:
    own = name.rpartition(".")[2]
    there = [module.name for module in pkgutil.iter_modules(features.__path__)]
    near = difflib.get_close_matches(own, there, n=1, cutoff=0.7)
    return f"; did you mean {FOLDER}.{near[0]}?" if near else "."


def _file_of(error: Exception, name: str) -> str | None:
    own = f"{name.rpartition('.')[2]}.py"
    frames = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    named = [error.filename] if isinstance(error, SyntaxError) and error.filename else []
    return next((file for file in reversed([*frames, *named]) if Path(file).name == own), None)
