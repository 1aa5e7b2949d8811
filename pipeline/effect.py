"""Did it pay? Every number of `reports/effect.json`, and the uplift that the next plan goes by; called by `plan`.

Overall and per policy version a person counts from the first decision that could have had an action until now, or until
the next version; per action for `window_days`, once these are over.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.decided import DECISIONS_FILE, FACTS
from features.log import DAY_US, Ints
from models.plain import Json, described
from models.power import smallest_effect
from models.uplift import is_known, uplift_of
from pipeline import paths
from pipeline.files import read_table
from pipeline.params import Params
from pipeline.paying.measuring import LEARNING, Tree, learned, measured, rounded, total
from pipeline.paying.outcomes import Ways, read_ways
from pipeline.paying.trials import Spans, against_own_control, begins, everybody, first_of_each, of_action
from pipeline.stage import progress
from serving.facts import Facts
from serving.history import Floats
from serving.requests import iso

NOTHING_SENT = "nothing sent yet"


@dataclass(frozen=True)
class Paid:
    """The report, and the uplift per customer and action; None while every action is still being learned."""

    report: Tree
    uplift: Floats | None


def measure(params: Params, facts: Facts, as_of_us: int) -> Paid:
    """The effect of everything decided before now, and what it teaches about these customers."""
    file = paths.CLEAN / DECISIONS_FILE
    report = _planned(params, facts, as_of_us)
    if not file.exists():
        return Paid({"state": NOTHING_SENT, **report}, None)
    decisions = read_table(file)
    decisions = decisions[begins(decisions) < as_of_us]
    report |= _measured(params, decisions, as_of_us)
    model = described(report["uplift"])
    actions = list(params.plan.actions)
    known = {name: np.asarray(getattr(facts, name), dtype=np.float64) for name in FACTS}
    uplift = uplift_of(model, actions, known) if is_known(model) else None
    return Paid(report, uplift)


def _planned(params: Params, facts: Facts, as_of_us: int) -> Tree:
    """What the control group of today's customers could show in a window, going by the last one."""
    how, customers = params.effect, pd.Index(facts.customer_id)
    nobody = pd.DataFrame({"customer_id": [], "delivered_at": [], "cost_money": [], "offer_cost_money": []})
    ways = read_ways(paths.CLEAN, customers, nobody, params.score.margin_share)
    who, size = np.arange(len(customers)), len(customers)
    margin, _ = ways.between(who, *(np.full(size, at) for at in (as_of_us - how.window_days * DAY_US, as_of_us)))
    control = params.plan.control_share * size
    smallest = smallest_effect(float(margin.std()), size - control, control)
    shown = "any effect" if np.isnan(smallest) else f"an effect below {smallest:.2f} money a person"
    progress(
        f"control group {control:,.0f} of {size:,}: {shown} in {how.window_days} days would go unseen (80 % power)"
    )
    return {
        "as_of": iso(as_of_us),
        "window_days": how.window_days,
        "interval_share": how.interval_share,
        "planned": {
            "customers": size,
            "control": round(control),
            "smallest_effect_money": rounded(smallest),
        },
    }


def _measured(params: Params, decisions: pd.DataFrame, as_of_us: int) -> Tree:
    customers = pd.Index(decisions["customer_id"].unique())
    ways = read_ways(paths.CLEAN, customers, decisions, params.score.margin_share)
    first = first_of_each(decisions)
    overall = _until(first, ways, customers, np.full(len(first), as_of_us), params)
    reached = decisions[decisions["delivered_at"].notna()]
    told: Tree = {
        "state": overall["state"],
        "overall": overall
        | {
            "delivered": len(reached),
            "delivered_people": int(reached["customer_id"].nunique()),
            "since": iso(int(begins(decisions).min())) if len(decisions) else None,
        },
        "policy_versions": dict(_versions(decisions, ways, customers, as_of_us, params)),
    }
    by_action, uplift = _actions(first, ways, customers, as_of_us, params)
    value = described(overall["effect_with_cuped_money"])
    progress(f"effect per person {value['value']} ({value['low']} to {value['high']}), {told['state']}")
    return told | {"actions": by_action, "uplift": {"window_days": params.effect.window_days, "actions": uplift}}


def _until(first: pd.DataFrame, ways: Ways, customers: pd.Index, end: Ints, params: Params) -> Tree:
    told = everybody(first, ways, customers, Spans(begins(first), end, params.effect.before_days))
    found = measured(told, params.effect) | {"total_money": total(told, params.effect)}
    # At first there are only costs: what was sent is paid at once, and an order takes its time.
    is_early = len(first) and np.median(end - begins(first)) < params.effect.window_days * DAY_US
    return found | ({"state": LEARNING} if is_early else {})


def _versions(
    decisions: pd.DataFrame, ways: Ways, customers: pd.Index, as_of_us: int, params: Params
) -> Iterator[tuple[str, Json]]:
    """Each version in force from its first decision until that of the next."""
    since = decisions.assign(at=begins(decisions)).groupby("policy_version", sort=False)["at"].min().sort_values()
    ends = [*since.tolist()[1:], as_of_us][: len(since)]
    for version, end in zip(since.index, ends, strict=True):
        first = first_of_each(decisions[decisions["policy_version"] == version])
        yield str(version), _until(first, ways, customers, np.full(len(first), max(end, int(since[version]))), params)


def _actions(first: pd.DataFrame, ways: Ways, customers: pd.Index, as_of_us: int, params: Params) -> tuple[Tree, Tree]:
    """Per action the effect on margin, and the uplift model; from those whose window is over."""
    window = params.effect.window_days * DAY_US
    over = first[begins(first) + window <= as_of_us].reset_index(drop=True)
    spans = Spans(begins(over), begins(over) + window, params.effect.before_days)
    effects, uplift = Tree(), Tree()
    for name in params.plan.actions:
        told = of_action(over, name, ways, customers, spans)
        own = against_own_control(over, name, ways, customers, spans)
        kept: Tree = {"against_own_control": measured(own, params.effect)} if len(own.margin) else {}
        effects[name] = measured(told, params.effect) | kept
        uplift[name] = learned(told, params.effect) if len(told.margin) else {"state": LEARNING}
    return effects, uplift
