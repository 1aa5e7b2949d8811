"""The project's policy as the loop uses it: without tasks, and with a number of contacts that grows with the shop.

Nobody knows what a colleague's call does to the demo shop's people, so it is left out of the comparison.
"""

from __future__ import annotations

from serving.policy import Policy

CONTACTS_SHARE = 0.05  # of the customers at t0, a month; every policy has as many


def policy_of_messages(policy: Policy, contacts: int | None) -> Policy:
    """The policy without actions for a colleague, and with this many contacts at most."""
    told = policy.model_dump(mode="json")
    told["actions"] = {name: action for name, action in told["actions"].items() if "task" not in action["channels"]}
    told["budgets"]["sends_per_day"].pop("task", None)
    return Policy.model_validate({**told, "max_contacts": contacts})


def without_controls(policy: Policy) -> Policy:
    """The same policy for somebody who need not measure: nobody is kept out to compare with."""
    told = policy.model_dump(mode="json")
    told["actions"] = {name: {**action, "control_share": 0.0} for name, action in told["actions"].items()}
    return Policy.model_validate({**told, "control_share": 0.0})


def contacts_of(customers: int) -> int:
    """Contacts a month for a shop of this size."""
    return max(1, round(CONTACTS_SHARE * customers))
