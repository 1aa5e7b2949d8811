"""Stage `evaluate`: every candidate on the test cutoff, unseen by all of them; ours beside the best single method."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from features.errors import ModelError
from models.candidate import require_both_classes
from models.importance import Rows
from models.intervals import Bootstrap
from models.leakage import chance_above
from models.metrics import Floats, registry
from models.scorer import Scorer
from pipeline import paths
from pipeline.demo_shop.truth import oracle_churn_probability
from pipeline.evaluation import Tested, Tree, by_group, curve_tables, measured, moved, point_values
from pipeline.files import directory_aside, read_json, read_table, write_json, write_table, write_text
from pipeline.gate import saw_labels_until
from pipeline.importance import told_catalogue
from pipeline.judged_rows import judged_rows
from pipeline.model_card import model_card
from pipeline.outlook.known import read_log
from pipeline.outlook.measured import outlook, outlook_lines
from pipeline.params import Params
from pipeline.predicted import groups_of, predictions, with_reasons
from pipeline.stage import progress, run_stage
from pipeline.summary import metric_lines, number

EVALUATED = "evaluated"
ORACLE_METRICS = ("roc_auc", "pr_auc", "brier", "log_loss", "skill")


def evaluate(params: Params) -> str:
    """Write predictions, metrics, curves, the catalogue with importances and the model card."""
    judged, catalogue = judged_rows(paths.HISTORY), read_json(paths.CATALOGUE)
    rows, test_cutoff = judged.rows, judged.rows["cutoff"].iloc[0]
    final, candidates = Scorer.load(paths.MODEL), _candidates(paths.MODEL / EVALUATED, test_cutoff)
    progress(f"{len(rows):,} customers at the test cutoff {test_cutoff:%Y-%m-%d}, {len(candidates)} candidates")

    tested = _tested(rows, candidates, final.chosen)
    metrics = _metrics(params, rows, tested) | {"model_version": final.model_version}
    kept = predictions(rows, tested.ours, tested.candidates)
    metrics["segments"] = by_group(tested, groups_of(kept), params.evaluate.calibration_bins)
    if judged.touched:
        metrics["treated_left_out"] = {"rows": judged.touched.treated, "of": judged.customers}
    metrics["drift"] = moved(judged.column, judged.at_test, _comparable(catalogue))
    _refuse_too_good(metrics, params.train.auc_ceiling, int(rows["churned"].sum()))
    found = outlook(params, judged.history, read_log(), tested, candidates[final.chosen])
    metrics |= found.told
    for line in (*metric_lines(metrics), *outlook_lines(found.told)):
        progress(line)
    told = _told_catalogue(catalogue, candidates[final.chosen], rows, params)

    chosen = candidates[final.chosen]
    folder = paths.MODEL / EVALUATED / final.chosen
    write_table(
        paths.PREDICTIONS,
        with_reasons(kept.assign(**found.columns), feature_values(chosen, rows), chosen, folder, catalogue),
    )
    write_json(paths.METRICS, metrics)
    write_json(paths.COLUMNS, told)
    _write_curves(curve_tables(tested, params.evaluate.calibration_bins) | found.curves)
    write_text(paths.MODEL_CARD, model_card(metrics, catalogue, final.about, params))
    return _result(metrics)


def scored(scorer: Scorer, rows: pd.DataFrame) -> Floats:
    """Churn probability of every row; raises ModelError when the table lacks a column the model wants."""
    return scorer.churn_probability(feature_values(scorer, rows))


def feature_values(scorer: Scorer, rows: pd.DataFrame) -> Floats:
    """The model's columns of a table of features, in the model's order."""
    missing = [name for name in scorer.feature_columns if name not in rows.columns]
    if missing:
        raise ModelError(
            f"model {scorer.model_version} wants {len(missing)} column(s) the features lack, first {missing[0]}. "
            "Run `dvc repro` so that features and model come from the same params and code."
        )
    return rows[list(scorer.feature_columns)].to_numpy(np.float64, na_value=np.nan)


def _candidates(folder: Path, test_cutoff: pd.Timestamp) -> dict[str, Scorer]:
    names = sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    if not names:
        raise ModelError(f"{folder} holds no candidate; run `dvc repro train` to fit them.")
    candidates = {name: Scorer.load(folder / name) for name in names}
    saw = [name for name, scorer in candidates.items() if saw_labels_until(scorer) > test_cutoff]
    if saw:
        raise ModelError(
            f"{len(saw)} of {len(names)} candidates, first {saw[0]}, learned from labels after the test cutoff "
            f"{test_cutoff:%Y-%m-%d}, so the test would prove nothing. Run `dvc repro train`."
        )
    return candidates


def _tested(rows: pd.DataFrame, candidates: dict[str, Scorer], chosen: str) -> Tested:
    if chosen not in candidates:
        raise ModelError(f"the chosen candidate {chosen} is not among {sorted(candidates)}; run `dvc repro train`.")
    require_both_classes(rows["churned"].to_numpy(np.int8), f"{len(rows):,} customers at the test cutoff")
    probabilities = {name: scored(scorer, rows) for name, scorer in candidates.items()}
    return Tested(rows["customer_id"].to_numpy(dtype=object), rows["churned"].to_numpy(np.int8), probabilities, chosen)


def _metrics(params: Params, rows: pd.DataFrame, tested: Tested) -> Tree:
    found = {
        "test_cutoff": rows["cutoff"].iloc[0].isoformat(),
        "horizon_days": params.snapshots.horizon_days,
        "interval_share": params.evaluate.interval_share,
        **measured(tested, params.evaluate),
    }
    truth = paths.TRUTH / "customers.parquet"
    if params.pull.source == "demo" and truth.exists():
        found["oracle"] = _oracle(params, rows, read_table(truth))
    return found


def _oracle(params: Params, rows: pd.DataFrame, truth: pd.DataFrame) -> dict[str, float]:
    ids, cutoffs = rows["customer_id"].tolist(), rows["cutoff"].tolist()
    known = oracle_churn_probability(truth, ids, cutoffs, params.snapshots.horizon_days)
    metrics = registry(params.evaluate.calibration_bins, params.evaluate.top_share)
    values = point_values(metrics, rows["churned"].to_numpy(np.int8), known)
    return {name: values[name] for name in ORACLE_METRICS}


def _comparable(catalogue: dict[str, object]) -> list[str]:
    columns = catalogue["columns"]
    if not isinstance(columns, list):
        raise ModelError(f"{paths.CATALOGUE} lists no columns; run `dvc repro featurize`.")
    # The season of the horizon is one value per cutoff: it moves by design.
    return [str(column["name"]) for column in columns if column["family"] != "season"]


def _refuse_too_good(metrics: Tree, ceiling: float, churned: int) -> None:
    auc, rows = number(metrics, "metrics", "roc_auc", "ours", "value"), int(number(metrics, "rows"))
    if auc > chance_above(ceiling, churned, rows - churned):
        raise ModelError(
            f"AUC {auc:.3f} on the test cutoff is above train.auc_ceiling {ceiling}: nobody predicts people that "
            "well, so a feature probably knows the future (a status, total or date written after the cutoff). "
            "Look for it in the source's columns and their known_at, or raise the ceiling if you can explain it."
        )


def _told_catalogue(catalogue: Tree, chosen: Scorer, rows: pd.DataFrame, params: Params) -> Tree:
    how = params.evaluate
    seen = Rows(
        feature_values(chosen, rows), rows["churned"].to_numpy(np.int8), rows["customer_id"].to_numpy(dtype=object)
    )
    return told_catalogue(catalogue, chosen, seen, Bootstrap(how.resamples, how.seed, how.interval_share))


def _write_curves(tables: dict[str, pd.DataFrame]) -> None:
    with directory_aside(paths.PLOTS) as folder:
        for name, table in tables.items():
            table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")


def _result(metrics: Tree) -> str:
    auc, loss = (number(metrics, "metrics", name, "ours", "value") for name in ("roc_auc", "log_loss"))
    return f"{metrics['chosen']}: AUC {auc:.3f}, log loss {loss:.4f} on {metrics['rows']:,} customers"


if __name__ == "__main__":
    run_stage("evaluate", evaluate)
