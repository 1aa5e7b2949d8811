"""Each committed decision as one JSON text that holds all it was made from; made again from it, the bytes are the same.

The text ends in a seal, a keyed hash of the rest, and names the hashes of the run's policy and shop: what was changed
afterwards, be it one that would have changed nothing, is found.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass

import numpy as np
import orjson

from features.errors import ServingError
from serving.budgets import Budget, within_budget
from serving.chances import chances
from serving.decisions import Decisions, decide
from serving.facts import facts_from_rows
from serving.gates import Shop, verdicts
from serving.history import Flags, Floats
from serving.policy import Policy
from serving.rows import as_json, decision_rows
from serving.value import most_money, value_terms

FORMAT = 1
_SEAL = "seal"


@dataclass(frozen=True)
class Ground:
    """What all decisions of a run stand on."""

    policy: Policy
    shop: Shop
    budget: Budget
    model_version: str

    @property
    def policy_json(self) -> str:
        """The policy as it is kept."""
        return _text(self.policy.model_dump(mode="json"))

    @property
    def shop_json(self) -> str:
        """The shop and the rule of the budget as they are kept; an unknown age is null."""
        shop = asdict(self.shop)
        shop["data_age_days"] = self.shop.data_age_days if np.isfinite(self.shop.data_age_days) else None
        return _text({**shop, "budget": self.budget.as_json()})

    @classmethod
    def of(cls, policy_json: str, shop_json: str, model_version: str) -> Ground:
        """The inverse; raises ServingError for what this code cannot read."""
        try:
            shop = orjson.loads(shop_json)
            budget = Budget(**shop.pop("budget"))
            age = float("inf") if shop["data_age_days"] is None else shop["data_age_days"]
            told = {**shop, "data_age_days": age, "paused": tuple(shop["paused"])}
            return cls(Policy.model_validate_json(policy_json), Shop(**told), budget, model_version)
        except (ValueError, TypeError, KeyError) as error:
            raise ServingError(f"the run's policy or shop cannot be read by this code ({error}).") from error


def contents(decisions: Decisions, ground: Ground, key: bytes) -> Iterator[str]:
    """The text of each decision, in their order."""
    case = decisions.case
    names = list(ground.policy.actions)
    rows = as_json(decision_rows(decisions, ground.policy, ground.shop.as_of_us))
    gates = {name: _bits(passes) for name, passes in verdicts(case).items()}
    uplift = np.full(decisions.open.shape, np.nan) if decisions.uplift is None else decisions.uplift
    terms = {**vars(value_terms(case.facts, ground.policy, uplift)), "uplift": uplift, "value": case.value}
    most = most_money(case.facts, ground.policy)
    likely = chances(decisions, ground.budget)
    versions = {"format": FORMAT, "model": ground.model_version, "policy": ground.policy.policy_version}
    versions["holdout"] = ground.policy.holdout_version
    run = {"policy_sha256": _digest(ground.policy_json), "shop_sha256": _digest(ground.shop_json)}
    for place, (row, facts) in enumerate(zip(rows, case.facts.rows(), strict=True)):
        chosen = int(decisions.action[place])
        content = {
            **row,
            "facts": facts,
            "uplift": None if decisions.uplift is None else _plain(decisions.uplift[place]),
            "actions": names,
            "gates": {name: bits[place] for name, bits in gates.items()},
            "value_terms": _terms(terms, place, [names[each] for each in np.flatnonzero(decisions.open[place])], names),
            "most_money": None if chosen < 0 else _number(most[place, chosen]),
            "lot": float(decisions.lot[place]),
            "chances": {names[each]: float(likely[place, each]) for each in np.flatnonzero(likely[place])},
            "held_back": [names[each] for each in np.flatnonzero(case.in_action_control[place])],
            "versions": versions,
            "run": run,
        }
        yield _text({**content, _SEAL: _sealed(_text(content), key)})


def replayed(content_json: str, ground: Ground, key: bytes) -> str:
    """The text of the decision, made again from its inputs; raises ServingError when they cannot be read."""
    try:
        content = orjson.loads(content_json)
        facts = facts_from_rows([content["facts"]])
        given = content["uplift"]
        uplift = None if given is None else np.array([given], dtype=np.float64)
        decided = decide(facts, ground.policy, ground.shop, key, uplift)
        return next(contents(within_budget(decided, ground.budget), ground, key))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise ServingError(f"the inputs of the decision cannot be read ({error}).") from error


def is_as_decided(content_json: str, ground: Ground, key: bytes) -> bool:
    """Does the decision, made again, give the same bytes?"""
    try:
        return replayed(content_json, ground, key) == content_json
    except ServingError:
        return False


def _terms(terms: Mapping[str, Floats], place: int, open_: list[str], names: list[str]) -> dict[str, object]:
    """The terms of the value of each action that passed the gates; null while the uplift is unknown."""
    return {name: {term: _number(values[place, names.index(name)]) for term, values in terms.items()} for name in open_}


def _bits(passes: Flags) -> list[str]:
    signs = np.where(passes, "1", "0")
    return ["".join(row) for row in signs]


def _plain(values: Floats) -> list[float | None]:
    return [_number(value) for value in values]


def _number(value: np.float64) -> float | None:
    return float(value) if np.isfinite(value) else None


def _text(value: object) -> str:
    return orjson.dumps(value).decode()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _sealed(text: str, key: bytes) -> str:
    return hmac.digest(key, b"decision\0" + text.encode(), hashlib.sha256).hex()[:32]
