"""What a Bento says about the model in it: version, horizon, and, where the project lies beside, run and data.

The run and the hash of the training data are those of the project's last `dvc repro`; they are left out when another
model than that one is in force, as after a rollback or a refusal by the gate.
"""

from __future__ import annotations

import re
from pathlib import Path

import orjson

from models.scorer import MODEL_JSON
from serving.settings import Places

GATE, RUN, LOCK = "reports/gate.json", "reports/mlflow_run.json", "dvc.lock"
# Without a parser of YAML, which would take a tenth of a second at every start of the service.
_LEARNED_FROM = re.compile(
    r"^  train:\n.*?path: data/features/history\.parquet\n\s+hash: md5\n\s+md5: (\w+)", re.M | re.S
)


def labels(places: Places) -> dict[str, str]:
    """Labels of a Bento built here; none before there is a model."""
    about = _json(places.champion / MODEL_JSON)
    told = {name: str(about[name]) for name in ("model_version", "chosen", "horizon_days") if name in about}
    is_of_last_run = bool(told) and _json(places.home / GATE).get("challenger") == about.get("model_version")
    return told | (_origin(places.home) if is_of_last_run else {})


def _origin(home: Path) -> dict[str, str]:
    run, learned = _json(home / RUN).get("run_id"), _LEARNED_FROM.search(_text(home / LOCK))
    return ({"run_id": str(run)} if run else {}) | ({"data_md5": learned[1]} if learned else {})


def _json(file: Path) -> dict[str, object]:
    try:
        found = orjson.loads(_text(file))
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(file: Path) -> str:
    # Looked at in every start: a damaged file must not stop one that has the last good model to go on with.
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
