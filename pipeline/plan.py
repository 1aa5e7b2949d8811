"""Stage `plan`: one decision for every scored customer, and the store the endpoint answers from."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa

from pipeline import paths
from pipeline.effect import Paid, measure
from pipeline.files import read_table, write_json, write_table, written_aside
from pipeline.params import Params
from pipeline.plan_changes import changes, read_in_force
from pipeline.plan_histories import read_histories
from pipeline.plan_inputs import microseconds_of, read_facts, read_shop
from pipeline.stage import progress, run_stage
from serving.breaker import WARN_SHARE
from serving.budgets import Budget, allocation, budget_of, within_budget
from serving.decisions import NOBODY, Decisions, decide
from serving.draws import holdout_key, key_mark
from serving.facts import Facts
from serving.gates import Shop
from serving.history import Floats
from serving.policy import Policy
from serving.requests import iso
from serving.rows import INSTANTS, Row, as_json, decision_rows
from serving.store import Row as StoreRow
from serving.store import write_store

TIME = pa.timestamp("us", tz="UTC")
LAST_MOMENT = pd.Timestamp("9999-01-01", tz="UTC")
TEXTS = ("decision_id", "customer_id", "arm", "action", "intent", "channel", "gate", "policy_version")
ORDER = ["decision_id", "customer_id", "as_of", "arm", "action", "intent", "channel", "send_after", "expires_at"]
ORDER += ["expected_uplift", "expected_value", "gate", "policy_version", "propensity"]
SCHEMA = pa.schema(
    [(name, TIME if name in INSTANTS else pa.string() if name in TEXTS else pa.float64()) for name in ORDER]
)


@dataclass(frozen=True)
class Planned:
    """Everything a run of the stage computes, before anything is written."""

    scores: pd.DataFrame
    facts: Facts
    shop: Shop
    paid: Paid
    budget: Budget
    decisions: Decisions
    rows: list[Row]
    counts: dict[str, object]


def plan(params: Params) -> str:
    """Write the plan, its counts, the effect of earlier decisions, and the endpoint's store; sorted by customer."""
    made = make_plan(params)

    write_table(paths.PLAN, pa.Table.from_pylist(made.rows, schema=SCHEMA))
    write_json(paths.PLAN_COUNTS, made.counts)
    write_json(paths.EFFECT, made.paid.report)
    about = store_about(params, made.shop, made.budget, str(made.scores["model_version"].iloc[0]))
    about["uplift"] = made.paid.report.get("uplift")
    known = facts_rows(made.facts, made.paid.uplift)
    histories = read_histories(made.scores["customer_id"])
    with written_aside(paths.SERVING_STORE) as aside:
        write_store(aside, about, store_rows(made.scores, as_json(made.rows), known, histories))
    return f"{made.counts['contacted']:,} of {made.counts['customers']:,} customers would be contacted"


def dry_run(params: Params) -> str:
    """Tell what `plan` would change against the plan in force; write nothing."""
    made = make_plan(params)
    for line in changes(made.rows, params.plan, read_in_force()):
        progress(line)
    contacted, customers = made.counts["contacted"], made.counts["customers"]
    return f"dry run, nothing written: {contacted:,} of {customers:,} customers would be contacted"


def make_plan(params: Params) -> Planned:
    """Read what is known and decide."""
    scores = read_table(paths.SCORES).sort_values("customer_id", ignore_index=True)
    as_of_us = int(microseconds_of(scores["as_of"]).max())
    facts = read_facts(scores, as_of_us, params)
    shop = read_shop(scores, as_of_us)
    progress(f"{len(facts):,} customers, data {shop.data_age_days:.1f} days old, complaints {shop.complaint_share:.4%}")
    if shop.complaints and shop.complaint_share >= WARN_SHARE:
        progress(
            f"beware: {shop.complaints:,} spam complaints in 30 days; mailbox providers want less than {WARN_SHARE:.1%}"
        )

    paid = measure(params, facts, as_of_us)
    proposed = decide(facts, params.plan, shop, holdout_key(), paid.uplift)
    budget = budget_of(proposed)
    decisions = within_budget(proposed, budget)
    spending = allocation(proposed, decisions, budget)
    counts = {**plan_counts(decisions, params.plan, as_of_us), "budgets": spending}
    progress(f"control group {counts['control']:,}; {worth(spending)}")
    rows = decision_rows(decisions, params.plan, as_of_us)
    return Planned(scores, facts, shop, paid, budget, decisions, rows, counts)


def worth(budgets: Mapping[str, object]) -> str:
    """What the plan is worth beside the best that any could be within the limits."""
    if budgets["gap_share"] is None:
        return "uplift unknown, so actions are drawn by lot (learning)"
    value, bound, gap = (float(str(budgets[name])) for name in ("value_money", "bound_money", "gap_share"))
    return f"worth {value:,.0f}, no plan within the limits more than {bound:,.0f} (LP bound; gap {gap:.3%})"


def plan_counts(decisions: Decisions, policy: Policy, as_of_us: int) -> dict[str, object]:
    """`reports/plan.json`: how many get which action, and which gate stopped the others."""
    names = list(policy.actions)
    chosen = [names[place] for place in decisions.action.tolist() if place != NOBODY]
    return {
        "policy_version": policy.policy_version,
        "as_of": iso(as_of_us),
        "customers": len(decisions.customer_id),
        "contacted": len(chosen),
        "control": int(decisions.in_control.sum()),
        "learning": decisions.is_learning,
        "by_action": dict(Counter(chosen)),
        "by_gate": dict(Counter(gate for gate in decisions.gate.tolist() if gate is not None)),
    }


def store_about(params: Params, shop: Shop, budget: Budget, model_version: str) -> dict[str, object]:
    """What the endpoint must know beside the customers, so that its decisions are these."""
    return {
        "model_version": model_version,
        "as_of_us": shop.as_of_us,
        "data_age_days": shop.data_age_days if np.isfinite(shop.data_age_days) else None,
        "complaint_share": shop.complaint_share,
        "complaints": shop.complaints,
        "model_refused": shop.model_refused,
        "budget": budget.as_json(),
        "key_mark": key_mark(holdout_key()),
        "reasons": params.score.reasons,
        "policy": params.plan.model_dump(mode="json"),
    }


def facts_rows(facts: Facts, uplift: Floats | None) -> list[Row]:
    """What the endpoint decides by; with the uplift of every action once one is known, null where it is not."""
    if uplift is None:
        return facts.rows()
    told = [[None if np.isnan(value) else value for value in values] for values in uplift.tolist()]
    return [{**row, "uplift": values} for row, values in zip(facts.rows(), told, strict=True)]


def store_rows(
    scores: pd.DataFrame, decisions: list[Row], facts: Sequence[Row], histories: Iterable[bytes]
) -> Iterator[StoreRow]:
    """One row of the store per customer, sorted by id; cells are the JSON that is sent."""
    left_out = ("reasons", "reasons_in_words", "model_version")
    cells = {name: _plain(scores[name]) for name in scores.columns if name not in left_out}
    values = (dict(zip(cells, row, strict=True)) for row in zip(*cells.values(), strict=True))
    why_of = zip(scores["reasons"], scores["reasons_in_words"], strict=True)
    for score, (reasons, words), decision, fact, history in zip(
        values, why_of, decisions, facts, histories, strict=True
    ):
        name, as_of = str(score["customer_id"]), score["as_of"]
        told = [{**reason, "in_words": said} for reason, said in zip(reasons, words, strict=True)]
        why = {"customer_id": name, "as_of": as_of, "source": "nightly", "reasons": told}
        yield (
            name,
            orjson.dumps({**score, "source": "nightly"}, option=orjson.OPT_SERIALIZE_NUMPY),
            orjson.dumps(why, option=orjson.OPT_SERIALIZE_NUMPY),
            orjson.dumps(decision),
            orjson.dumps(fact),
            history,
        )


def _plain(column: pd.Series) -> list[object]:
    """JSON-ready values; a moment that no calendar holds (a next order thousands of years away) is None."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        known = column.notna() & (column < LAST_MOMENT)
        instants = microseconds_of(column.where(known, LAST_MOMENT)).tolist()
        return [iso(us) if there else None for us, there in zip(instants, known, strict=True)]
    return list(column.astype(object).where(column.notna(), None))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m pipeline.plan", description="Decide about every scored customer.")
    parser.add_argument("--dry-run", action="store_true", help="tell what would change, write nothing")
    run_stage("plan", dry_run if parser.parse_args().dry_run else plan)
