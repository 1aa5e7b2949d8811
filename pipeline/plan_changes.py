"""What a plan would change against the one in force: keys of the policy, counts per gate and action, customers.

In force are `data/plan.parquet` and the policy in `data/serving.db`, as the last run left them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from features.errors import ServingError
from pipeline import paths
from pipeline.files import read_table
from serving.policy import Policy
from serving.rows import Row
from serving.store import Store

NOTHING = "(nothing)"
_IDS_SHOWN = 5
_MOVES_SHOWN = 20


@dataclass(frozen=True)
class InForce:
    """The last plan: its policy (None: the store is of another format) and who gets what, by customer id."""

    policy: Mapping[str, object] | None
    outcomes: pd.Series


def read_in_force() -> InForce | None:
    """The plan in force; None when there is none."""
    if not paths.PLAN.exists():
        return None
    rows = read_table(paths.PLAN, ["customer_id", "action", "gate"])
    try:
        policy = Store.open(paths.SERVING_STORE).about["policy"]
    except ServingError:
        policy = None
    return InForce(policy if isinstance(policy, dict) else None, _outcomes(rows))


def changes(rows: Sequence[Row], policy: Policy, before: InForce | None) -> Iterator[str]:
    """The lines that tell what a plan of these rows would change."""
    after = _outcomes(pd.DataFrame(rows, columns=["customer_id", "action", "gate"]))
    yield from _policy_lines(policy, before)
    yield from _count_lines(after, before)
    if before is not None:
        yield from _move_lines(after, before.outcomes)


def _policy_lines(policy: Policy, before: InForce | None) -> Iterator[str]:
    if before is None:
        yield f"policy {policy.policy_version}; no plan is in force yet"
        return
    if before.policy is None:
        yield f"policy {policy.policy_version}; the policy in force cannot be read (data/serving.db is of other code)"
        return
    old, new = _flat(before.policy), _flat(policy.model_dump(mode="json"))
    keys = [key for key in {**new, **old} if old.get(key, NOTHING) != new.get(key, NOTHING)]
    yield f"policy {policy.policy_version}, in force {before.policy.get('policy_version')}: {len(keys)} keys differ"
    if keys and before.policy.get("policy_version") == policy.policy_version:
        yield "  raise plan.policy_version, so that decisions of the two can be told apart"
    for key in keys:
        yield f"  plan.{key}: {old.get(key, NOTHING)} → {new.get(key, NOTHING)}"


def _count_lines(after: pd.Series, before: InForce | None) -> Iterator[str]:
    new, old = after.value_counts(), pd.Series(dtype=int) if before is None else before.outcomes.value_counts()
    width = max([len(str(name)) for name in {*new.index, *old.index}] + [len("gate or action")])
    yield f"{'gate or action':<{width}} {'now':>10} {'in force':>10} {'change':>10}"
    for name in sorted(
        {*new.index, *old.index}, key=lambda each: (str(each).partition(" ")[0], -int(new.get(each, 0)))
    ):
        now, then = int(new.get(name, 0)), int(old.get(name, 0))
        yield f"{name:<{width}} {now:>10,} {then:>10,} {now - then:>+10,}"


def _move_lines(after: pd.Series, before: pd.Series) -> Iterator[str]:
    pairs = pd.DataFrame({"then": before, "now": after}).fillna("not scored")
    moved = pairs[pairs["then"] != pairs["now"]]
    acting = moved["then"].str.startswith("action") | moved["now"].str.startswith("action")
    told = f"{len(moved):,} of {len(pairs):,} customers get another outcome"
    yield f"{told}, {int(acting.sum()):,} of them another action"
    groups = sorted(moved.groupby(["then", "now"]), key=lambda group: (-len(group[1]), group[0]))
    for (then, now), people in groups[:_MOVES_SHOWN]:
        ids = ", ".join(map(str, people.index[:_IDS_SHOWN])) + (", ..." if len(people) > _IDS_SHOWN else "")
        yield f"  {then} → {now}: {len(people):,} ({ids})"
    if len(groups) > _MOVES_SHOWN:
        yield f"  and {len(groups) - _MOVES_SHOWN} other moves of fewer"


def _outcomes(rows: pd.DataFrame) -> pd.Series:
    acting = rows["action"].notna()
    named = ("action " + rows["action"].astype(str)).where(acting, "gate " + rows["gate"].astype(str))
    return pd.Series(named.to_numpy(object), index=rows["customer_id"].to_numpy(object))


def _flat(tree: Mapping[str, object], above: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for name, value in tree.items():
        key = f"{above}{name}"
        found |= _flat(value, f"{key}.") if isinstance(value, dict) and value else {key: value}
    return found
