"""`make compare`: one page that sets runs side by side, and is left with the runs it is about.

`python -m pipeline.compare [A B …]`: each a run id or its first digits, a model version or its number in the registry,
an experiment's name, `champion` or `latest`; without any, the champion and the latest run. The first is what the
others are measured against; the page goes to `reports/compare.html` and, as an artifact, to every other run.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import cast

from mlflow.entities import Run

from features.errors import ConfigError, DataError, TrackingError
from pipeline.comparing.page import compare_page, compared
from pipeline.comparing.sides import KEYS, Side
from pipeline.files import read_json, read_table, write_json, write_text
from pipeline.outlook.profit import offer_of
from pipeline.params import Params
from pipeline.stage import progress, run_stage
from pipeline.tracking import runs
from pipeline.tracking.finding import COMPARE, Shelf, fetched, name_of, pair, run_of, shelf, steps
from pipeline.tracking.store import open_store
from pipeline.ui_page import RUNS_COMPARED

PAGE = RUNS_COMPARED
STEPS = ("backtest_log_loss",)
MOST = 6
NEEDED = {*KEYS, "churned", "churn_probability"}
USAGE = "Use `python -m pipeline.compare [A B …]`; without names it takes the champion and the latest run."


def compare(params: Params, names: Sequence[str] = ()) -> str:
    """Write the page and attach it; returns the result in a line."""
    try:
        return _compare(params, names)
    except TrackingError as error:
        first = str(error).splitlines()[0]
        raise TrackingError(f"{first}\nStart the server or mend MLFLOW_TRACKING_URI, then compare again.") from error


def _compare(params: Params, names: Sequence[str]) -> str:
    _require_names(names)
    known = shelf(open_store(), params.promote.model_name)
    found = [run_of(known, name) for name in names] or list(pair(known))
    _require_different(found, names)
    with tempfile.TemporaryDirectory() as scratch:
        sides = [_side(known, run, chr(ord("A") + place), Path(scratch)) for place, run in enumerate(found)]
    for side in sides:
        progress(f"{side.letter}: {side.name}, run {side.run_id[:8]}, {len(side.rows):,} test rows")

    document = compared(sides, params.evaluate, offer_of(params))
    html = compare_page(sides, document)

    write_text(PAGE, html)
    for run in found[1:]:
        _attach(known, f"{found[0].info.run_id[:8]}-{run.info.run_id[:8]}", run.info.run_id, (html, document))
    return _result(document)


def _require_names(names: Sequence[str]) -> None:
    unknown = [name for name in names if name.startswith("-")]
    if unknown:
        raise ConfigError(f"there is no option {unknown[0]}. {USAGE}")
    if len(names) == 1:
        raise ConfigError(f"one run alone ({names[0]}) cannot be compared; name two. {USAGE}")
    if len(names) > MOST:
        raise ConfigError(f"{len(names)} runs do not fit on a page; name at most {MOST}.")


def _require_different(found: Sequence[Run], names: Sequence[str]) -> None:
    ids = [run.info.run_id for run in found]
    twice = [place for place, run_id in enumerate(ids) if run_id in ids[:place]]
    if twice:
        same, again = names[ids.index(ids[twice[0]])], names[twice[0]]
        raise ConfigError(f"{same} and {again} are the same run ({ids[twice[0]][:8]}); name two different ones.")


def _side(known: Shelf, run: Run, letter: str, scratch: Path) -> Side:
    kept, told = fetched(known, run, "predictions.parquet", scratch), fetched(known, run, "data.json", scratch)
    if kept is None:
        raise DataError(
            f"run {run.info.run_id[:8]} ({name_of(run)}) holds no test predictions: it was logged before comparisons "
            "existed, or by hand. With its params in place, `dvc repro --force --single-item track` logs it anew; "
            "or name another run."
        )
    rows = read_table(kept)
    missing = sorted(NEEDED - set(rows.columns))
    if missing or rows.duplicated(KEYS).any():
        what = f"have no column {missing[0]}" if missing else "name a customer twice at one cutoff"
        raise DataError(
            f"the test predictions of run {run.info.run_id[:8]} {what}; log the run again, or name another."
        )
    return Side(
        letter,
        name_of(run),
        str(run.info.run_id),
        datetime.fromtimestamp(run.info.start_time / 1000, UTC).isoformat(),
        run.data.params,
        run.data.tags,
        rows,
        read_json(told) if told else {},
        {metric: steps(known, run, metric) for metric in STEPS},
    )


def _attach(known: Shelf, name: str, run_id: str, told: tuple[str, Mapping[str, object]]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        page, document = Path(scratch, f"{name}.html"), Path(scratch, f"{name}.json")
        write_text(page, told[0])
        write_json(document, told[1])
        runs.log_files(known.store, run_id, [page, document], COMPARE)


def _result(document: Mapping[str, object]) -> str:
    lines = []
    for one in cast("list[dict[str, dict[str, object]]]", document["pairs"]):
        quality = cast("Mapping[str, Mapping[str, object]] | None", one["quality"])
        said = quality["verdict"]["text"] if quality else f"not compared on quality: {one['rows']['against']}."
        lines.append(f"A {one['a']['name']} and {one['b']['letter']} {one['b']['name']}: {said}")
    return f"{' '.join(lines)} See {PAGE}"


if __name__ == "__main__":
    run_stage("compare", partial(compare, names=sys.argv[1:]))
