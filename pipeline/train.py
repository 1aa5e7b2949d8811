"""Stage `train`: choose a recipe by backtest, fit what the test cutoff will judge, refit the choice on every cutoff.

`data/model/` is the model that scores; `data/model/evaluated/<candidate>/` are the same recipes fitted only on
cutoffs whose label windows end by the test cutoff. Each of these folders is an artifact of its own.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from features.asof import Settings
from features.errors import DataError
from models.artifact import save_model
from models.candidate import Candidate, refuse_infinite
from models.history import History, iso, require_learnable
from models.leakage import ShuffledLabel, refuse_too_good, shuffled_label
from models.log_start import first_seen_note, without_short_logs
from models.plain import Json, described, listed, number, texts
from models.registry import candidates
from models.selection import DEFAULT, Backtest, Split, backtest, splits_of
from models.training import Trained, fit_all
from pipeline import paths
from pipeline.all_rows import learnable, on_all_rows
from pipeline.files import directory_aside, read_json, read_table, write_json
from pipeline.params import Params, Train
from pipeline.stage import progress, run_stage
from pipeline.tuning import tuned
from pipeline.untreated import LeftOut, left_out, standing_in

EVALUATED = "evaluated"


def train(params: Params) -> str:
    """Write the artifact and the backtest; raises DataError, ModelError before anything is written."""
    catalogue = described(read_json(paths.CATALOGUE))  # type: ignore[arg-type]
    history, touched = _history(catalogue, params.train.rows_in_memory)
    recipes = recipes_of(params.train, history.horizon_days)
    first_seen = first_seen_note(history)

    # One BLAS thread: sums then have one order, so the bytes of a fit do not depend on the machine's load.
    with threadpool_limits(1, user_api="blas"):
        judge = recipes.get(DEFAULT, next(iter(recipes.values())))
        history, short_logs = without_short_logs(history, judge, params.train.origins, progress)
        search = tuned(params, history)
        recipes = recipes_of(search.params.train, history.horizon_days)
        tested, shuffled = _backtested(params, history, recipes)
        allowed = history.at(history.closed_by(history.moments()[-1]))
        today = history.at(history.moments()[-1:]).features
        evaluated = on_all_rows(fit_all(recipes, allowed, today, tested.calibrated), search.params)
        progress(f"every candidate fitted on {len(allowed):,} rows for the test cutoff")
        chosen = {tested.chosen: recipes[tested.chosen]}
        refit = fit_all(chosen, history, _current(history), tested.calibrated)
        final = on_all_rows(refit, search.params)[tested.chosen]

    version = _write(evaluated, final, history, settings_of(catalogue))
    alarms: dict[str, Json] = {
        "shuffled_label": shuffled.described(),
        "auc_ceiling": params.train.auc_ceiling,
        "auc_holds": True,  # else refuse_too_good would have stopped the run
        "highest_auc": max(max(aucs) for aucs in tested.roc_auc.values()),
    }
    report = _report(tested, history, final, (*touched.notes(), *first_seen, *short_logs)) | {
        "model_version": version,
        "leakage": alarms,
        "tuning": search.report["why"],
    }
    write_json(paths.BACKTEST, report)
    write_json(paths.TUNING, search.report)
    loss, base = (float(sum(part)) / len(part) for part in (tested.log_loss[tested.chosen], tested.base_log_loss))
    judged = f"log loss {loss:.4f}, churn rate alone {base:.4f}"
    return f"{tested.chosen} chosen of {len(recipes)} ({judged}), {version} on {len(history):,} rows"


def settings_of(catalogue: dict[str, Json]) -> Settings:
    """How the features were made, so that a request makes them the same way."""
    active = catalogue["active_days"]
    return Settings(
        horizon_days=int(number(catalogue["horizon_days"])),
        active_days=None if active is None else int(number(active)),
        half_lives_days=tuple(int(number(days)) for days in listed(catalogue["half_lives_days"])),
        absent=frozenset(texts(catalogue["absent"])),
        extra=tuple(texts(catalogue.get("extra", []))),
        left_out=frozenset(described(catalogue.get("left_out", {}))),
    )


def _history(catalogue: dict[str, Json], rows_in_memory: int) -> tuple[History, LeftOut]:
    """What may be learned from: people left alone, and how many others there were."""
    table = learnable(rows_in_memory)
    touched = left_out(table)
    columns = [str(described(column)["name"]) for column in listed(catalogue["columns"])]
    history = History.of(standing_in(table), columns, int(number(catalogue["horizon_days"])))
    refuse_infinite(history.features)
    require_learnable(history)
    moments = history.moments()
    progress(
        f"{len(history):,} rows at {len(moments)} cutoffs, {len(columns)} columns; test cutoff {iso(moments[-1])[:10]}"
    )
    for note in touched.notes():
        progress(note)
    return history, touched


def _current(history: History) -> pd.DataFrame:
    """The customers of today, whose label nobody knows: the process models learn from their orders all the same."""
    current = read_table(paths.CURRENT)[list(history.features.columns)]
    refuse_infinite(current)
    return current


def recipes_of(settings: Train, horizon_days: int, names: list[str] | None = None) -> dict[str, Candidate]:
    """The candidates of params.yaml, or some of them, not yet fitted."""
    own = {name: trees.model_dump() for name, trees in settings.own_trees.items()}
    wanted: list[str] = [*settings.candidates] if names is None else names
    return candidates(wanted, horizon_days, settings.seed, settings.logistic.l2, settings.xgboost.model_dump(), own)


def _backtested(params: Params, history: History, recipes: dict[str, Candidate]) -> tuple[Backtest, ShuffledLabel]:
    splits, how = splits_of(history, params.train.origins)
    if not splits:
        raise DataError(
            "no part of the training cutoffs holds both classes of label, so no candidate can be chosen. "
            "Change snapshots.horizon_days or snapshots.active_days, or pull a longer history."
        )
    latest: Split = splits[-1]
    shuffled = shuffled_label(latest.training, latest.scored, params.train.seed)
    shuffled.require()
    progress(f"labels shuffled: skill {shuffled.skill:+.3f}, AUC {shuffled.auc:.3f}: nothing left, as it must be")
    tested = backtest(recipes, splits, how, progress)
    refuse_too_good(tested.roc_auc, [split.scored for split in splits], params.train.auc_ceiling)
    return tested, shuffled


def _write(evaluated: dict[str, Trained], final: Trained, history: History, settings: Settings) -> str:
    examples = history.at(history.moments()[-1:]).features
    with directory_aside(paths.MODEL) as folder:
        for name, trained in evaluated.items():
            part: Path = folder / EVALUATED / name
            part.mkdir(parents=True)
            save_model(part, trained, settings, examples)
        return save_model(folder, final, settings, examples)


def _report(tested: Backtest, history: History, final: Trained, notes: tuple[str, ...]) -> dict[str, Json]:
    moments = history.moments()
    told = tested.described()
    return {
        **told,
        "notes": [*notes, *listed(told["notes"])],
        "test_cutoff": iso(moments[-1]),
        "evaluated_trained_on": [iso(moment) for moment in history.closed_by(moments[-1])],
        "final_trained_on": list(final.trained_on),
        "final_calibrated_on": final.calibrated_on,
    }


if __name__ == "__main__":
    run_stage("train", train)
