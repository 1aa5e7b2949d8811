"""The gate a model passes before it is in force: named checks, each with its value, its limit and a sentence.

Differences are judged by their paired bootstrap interval: noise alone neither promotes nor refuses a model.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import cast

import numpy as np
import pandas as pd

from features.errors import ModelError
from models.intervals import Bootstrap, Interval, mean_interval, paired_interval
from models.scorer import Scorer
from pipeline.params import Evaluate, Promote
from pipeline.predicted import groups_of

KEYS = ["customer_id", "cutoff", "churned"]
OURS = "churn_probability"
Tree = Mapping[str, object]


@dataclass(frozen=True)
class Check:
    """One question to the challenger, and whether it passed; one that is not binding is advice."""

    name: str
    ok: bool
    value: float | None
    limit: float | None
    text: str
    binding: bool = True


def paired(metric: str, test: pd.DataFrame, theirs: np.ndarray, evaluate: Evaluate) -> Interval:
    """Ours minus theirs on the test rows, with its interval by customer."""
    ours, churned = test[OURS].to_numpy(np.float64), test["churned"].to_numpy()
    ids = test["customer_id"].to_numpy()
    return paired_interval(
        metric, churned, ours, theirs, ids, evaluate.resamples, evaluate.seed, evaluate.interval_share
    )


def floor_checks(test: pd.DataFrame, metrics: Tree, case: tuple[Promote, Evaluate], has_rival: bool) -> list[Check]:
    """What every model should reach, whoever is in force.

    While no other model can answer, only skill over the churn rate alone is binding: a shop is better served by a
    model that is known to be off than by none, and the report says how far it is off.
    """
    promote, evaluate = case
    measured = cast("Mapping[str, Mapping[str, Mapping[str, object] | None]]", metrics["metrics"])
    error, most = _ours(measured["calibration_error"]), promote.max_calibration_error
    skill, baseline = _ours(measured["skill"]), measured["skill"]["best_baseline"]
    known = f"skill over the churn rate alone {skill:+.4f}, above {promote.min_skill:+.4f}"
    calibrated = f"calibration error {error:.4f}, at most {most:.4f}"
    checks = [
        Check("skill", skill > promote.min_skill, skill, promote.min_skill, known),
        Check("calibration_error", error <= most, error, most, calibrated, has_rival),
    ]
    if baseline:
        checks.append(replace(_skill_check(test, str(baseline["name"]), promote, evaluate), binding=has_rival))
    return checks


def _ours(metric: Mapping[str, Mapping[str, object] | None]) -> float:
    return float(cast("float", (metric["ours"] or {})["value"]))


def leakage_check(backtest: Tree) -> Check:
    """Skill must vanish when the labels are shuffled, and no model may be too good to be true."""
    alarms = cast("Mapping[str, float]", backtest["leakage"])
    shuffled = cast("Mapping[str, float]", alarms["shuffled_label"])
    skill, most = shuffled["mean_skill"], shuffled["max_skill"]
    auc, ceiling = alarms["highest_auc"], alarms["auc_ceiling"]
    # With few customers `train` allows for chance, and says so itself.
    holds = shuffled.get("holds", skill <= most) and alarms.get("auc_holds", auc <= ceiling)
    text = f"skill with shuffled labels {skill:+.4f}, at most {most:.4f}; highest AUC {auc:.4f}, at most {ceiling:.4f}"
    return Check("leakage", bool(holds), skill, most, text)


def proof_check(catalogue: Tree) -> Check:
    """The leakage proof of `featurize` was run on these features and nothing leaked."""
    proof = cast("Mapping[str, object]", catalogue.get("leakage_proof") or {})
    if not proof:
        return Check(
            "leakage_proof", False, None, None, "the leakage proof was not run; `dvc repro -f featurize` runs it"
        )
    passed, tried = proof.get("passed") is True, len(cast("list[object]", proof.get("attempts", [])))
    told = f"{tried} attempts to let a feature see the future: {'none did' if passed else 'one succeeded'}"
    return Check("leakage_proof", passed, None, None, told)


def features_check(challenger: Scorer, columns: list[str]) -> Check:
    """Every column the challenger reads is one of today's features."""
    missing = [name for name in challenger.feature_columns if name not in columns]
    if not missing:
        return Check("features_match", True, 0, 0, f"all {len(challenger.feature_columns)} columns it reads are there")
    text = f"it reads {len(missing)} columns that the features lack ({', '.join(missing[:3])})"
    return Check("features_match", False, len(missing), 0, text)


def hold_check(rival: str, promote: Promote) -> Check:
    """While `promote.hold` is set, who is in force stays."""
    text = f"promote.hold is set, so {rival} stays in force" if promote.hold else "promote.hold is not set"
    return Check("not_held", not promote.hold, None, None, text)


def segment_check(test: pd.DataFrame, promote: Promote, evaluate: Evaluate, has_rival: bool) -> Check:
    """The group of customers whose churn rate is farthest from what was promised, as far as chance cannot explain."""
    most, groups, gaps = promote.max_segment_gap, _segments(test), {}
    for name, rows in groups.items():
        miss = rows["churned"].to_numpy(np.float64) - rows[OURS].to_numpy(np.float64)
        gaps[name] = mean_interval(miss, rows["customer_id"].to_numpy(), _bootstrap(evaluate, len(groups)))
    if not gaps:
        return Check(
            "worst_segment", True, None, most, "not judged: the test rows do not tell how many orders there were"
        )
    worst = max(gaps, key=lambda name: _surely(gaps[name]))
    surely = _surely(gaps[worst])
    text = f"observed minus promised churn rate of the worst group ({worst}): {_shown(gaps[worst])}; at most {most:g}"
    return Check("worst_segment", surely <= most, surely, most, text, has_rival)


def rival_segment_check(
    test: pd.DataFrame, rival: np.ndarray, name: str, promote: Promote, evaluate: Evaluate
) -> Check | None:
    """Not worse in log loss than the model in force in any group; None where groups are not known."""
    groups = _segments(test.assign(_rival=rival))
    if not groups:
        return None
    how = _bootstrap(evaluate, len(groups))
    found = {
        group: paired(
            "log_loss", rows, rows["_rival"].to_numpy(), evaluate.model_copy(update={"interval_share": how.share})
        )
        for group, rows in groups.items()
    }
    worst, most = max(found, key=lambda group: found[group].low), promote.max_log_loss_excess
    told = f"log loss minus that of {name} in the worst group ({worst}): {_shown(found[worst])}"
    text = f"{told}; the lower end must not exceed {most:+.5f}"
    return Check("worst_segment_excess", found[worst].low <= most, found[worst].low, most, text)


def withdrawn_check(is_withdrawn: bool) -> Check:
    """A model that was rolled back by hand stays out until its tag is taken away."""
    text = "rolled back by hand; remove its tag `withdrawn` in the registry to let it in"
    return Check("not_withdrawn", not is_withdrawn, None, None, text if is_withdrawn else "never rolled back by hand")


def rival_check(test: pd.DataFrame, rival: np.ndarray, name: str, promote: Promote, evaluate: Evaluate) -> Check:
    """Not worse in log loss than the model in force, on the same rows."""
    excess, most = paired("log_loss", test, rival, evaluate), promote.max_log_loss_excess
    text = f"log loss minus that of {name} in force: {_shown(excess)}; the lower end must not exceed {most:+.5f}"
    return Check("log_loss_excess", excess.low <= most, excess.low, most, text)


def not_comparable(challenger: Scorer, rival: Scorer, columns: list[str]) -> str | None:
    """Why the model in force cannot stand beside the challenger; None when it can."""
    asked, answered = _question(challenger), _question(rival)
    if asked != answered:
        return f"{rival.model_version} in force answers another question ({answered}; asked now: {asked})"
    missing = [name for name in rival.feature_columns if name not in columns]
    if missing:
        shown = ", ".join(missing[:3])
        return f"{rival.model_version} in force reads {len(missing)} columns that are not there any more ({shown})"
    return None


def saw_labels_until(scorer: Scorer) -> pd.Timestamp:
    """The end of the last label window a model was fitted or calibrated on."""
    trained = cast("list[str]", scorer.about["trained_on"])
    cutoffs = [*trained, cast("str | None", scorer.about["calibrated_on"])]
    last = max(pd.to_datetime(cutoff, utc=True) for cutoff in cutoffs if cutoff)
    return last + pd.Timedelta(days=scorer.horizon_days)


def verdict(challenger: str, rival: str | None, reason: str, checks: list[Check], judged_on: Tree) -> dict[str, object]:
    """The gate's record; it holds nothing that depends on when or how often it was asked."""
    return {
        "promoted": all(check.ok for check in checks if check.binding),
        "challenger": challenger,
        "in_force": rival,
        "reason": reason,
        "checks": [asdict(check) for check in checks],
        "judged_on": dict(judged_on),
    }


def judged_on(test: pd.DataFrame, promote: Promote, evaluate: Evaluate) -> dict[str, object]:
    """What a verdict stands on, beside the models: the test rows and the limits."""
    limits = promote.model_dump(mode="json") | evaluate.model_dump(mode="json")
    rows = pd.util.hash_pandas_object(test[KEYS], index=False).to_numpy()
    digest = hashlib.md5(rows.tobytes(), usedforsecurity=False).hexdigest()
    return {"rows": len(test), "digest": digest, "limits": limits}


def refuse_nobody_in_force(checks: list[Check]) -> None:
    """Raise ModelError when the challenger failed and no other model can answer."""
    failed = [check.text for check in checks if check.binding and not check.ok]
    if failed:
        lines = "\n".join(f"  {text}" for text in failed)
        raise ModelError(
            f"the gate refuses the model on {len(failed)} check(s), and no other model in force can answer:\n{lines}\n"
            "Look at reports/metrics.json; give it more data or other candidates, or change the limits under "
            "`promote` in params.yaml, then run `dvc repro`."
        )


def _segments(test: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {name: test[inside] for name, inside in groups_of(test).items()}


def _bootstrap(evaluate: Evaluate, looks: int) -> Bootstrap:
    """Wider by the number of groups looked at (Bonferroni), so that more groups refuse no more often by chance."""
    return Bootstrap(evaluate.resamples, evaluate.seed, 1.0 - (1.0 - evaluate.interval_share) / max(looks, 1))


def _surely(gap: Interval) -> float:
    """How far off at least: the end of the interval that is nearer to zero; 0 when zero lies inside."""
    return max(gap.low, -gap.high, 0.0)


def _skill_check(test: pd.DataFrame, baseline: str, promote: Promote, evaluate: Evaluate) -> Check:
    skill, least = paired("skill", test, test[baseline].to_numpy(np.float64), evaluate), promote.min_skill_over_baseline
    text = f"skill minus that of the best baseline ({baseline}): {_shown(skill)}; the upper end must reach {least:+.5f}"
    return Check("skill_over_baseline", skill.high >= least, skill.high, least, text)


def _shown(interval: Interval) -> str:
    return f"{interval.value:+.5f} (from {interval.low:+.5f} to {interval.high:+.5f})"


def _question(scorer: Scorer) -> str:
    active = scorer.settings.active_days
    return f"{scorer.horizon_days} days without an order, {f'active in {active} days' if active else 'everyone'}"
