"""Every gate alone, and their order."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from serving.budgets import BUDGET, budget_of, within_budget
from serving.decisions import decide
from serving.gates import GATES, Shop
from serving.policy import Policy
from tests.serving.people import ACTION, KEY, people, policy, shop

# One night of 25 hours: at 9 in Berlin the next opening, 8 the next morning, is 24 hours away.
CLOCKS_GO_BACK_US = int(datetime(2025, 10, 25, 7, tzinfo=UTC).timestamp()) * 1_000_000

FIRST_NO: dict[str, tuple[dict[str, object], Policy, Shop]] = {
    "paused": ({}, policy(), shop(paused=("email",))),
    "suppressed": ({"suppressed": True}, policy(), shop()),
    "no_consent": ({"consent": [None, 1.0, 1.0]}, policy(), shop()),
    "control": ({}, policy(control_share=0.999999), shop()),
    "complaint_breaker": ({}, policy(), shop(complaint_share=0.0031)),
    "open_order": ({"days_since_last_order": 6.9}, policy(), shop()),
    "open_ticket": ({"open_ticket": True}, policy(), shop()),
    "open_return": ({"open_return": True}, policy(), shop()),
    "stale_data": ({}, policy(), shop(data_age_days=7.1)),
    "refused_model": ({}, policy(), shop(model_refused=True)),
    "frequency_cap": ({"touches_30d": 4.0, "touches": 4.0, "days_since_last_touch": 5.0}, policy(), shop()),
    "no_action": ({"days_since_last_order": 9.0}, policy(), shop()),
    "ask_ratio": ({"touches": 3.0}, policy({"intent": "ask"}), shop()),
    "quiet_hours": (
        {"timezone": "Europe/Berlin"},
        policy(quiet_hours=[9, 8], valid_days=1),
        shop(as_of_us=CLOCKS_GO_BACK_US),
    ),
    "cooldown": ({"days_since_action": [59.0]}, policy(), shop()),
    "low_value": ({"margin_money": 0.0}, policy(), shop()),
    "action_control": ({}, policy({"control_share": 0.999999}), shop()),
}


def test_every_gate_has_a_case_of_its_own() -> None:
    assert list(FIRST_NO) == list(GATES)


def test_the_gates_stand_in_their_documented_order() -> None:
    assert list(GATES) == [
        "paused", "suppressed", "no_consent", "control", "complaint_breaker", "open_order", "open_ticket",
        "open_return", "stale_data", "refused_model", "frequency_cap", "no_action", "ask_ratio", "quiet_hours",
        "cooldown", "low_value", "action_control",
    ]  # fmt: skip


def test_a_person_with_nothing_against_it_is_contacted() -> None:
    decided = decide(people({}), policy(), shop(), KEY)
    assert decided.gate.tolist() == [None]
    assert decided.action.tolist() == [0]


@pytest.mark.parametrize("name", FIRST_NO)
def test_the_gate_is_the_only_one_to_say_no(name: str) -> None:
    change, rules, state = FIRST_NO[name]
    decided = decide(people(change), rules, state, KEY)
    assert decided.gate.tolist() == [name]
    assert decided.action.tolist() == [-1]


FAULTS: dict[str, tuple[dict[str, object], dict[str, object], dict[str, object], dict[str, object]]] = {
    # person, action, policy, shop
    "paused": ({}, {}, {}, {"paused": ("email",)}),
    "suppressed": ({"suppressed": True}, {}, {}, {}),
    "no_consent": ({"consent": [0.0, None, None]}, {}, {}, {}),
    "control": ({}, {}, {"control_share": 0.999999}, {}),
    "complaint_breaker": ({}, {}, {}, {"complaint_share": 1.0}),
    "open_order": ({"days_since_last_order": 1.0}, {}, {}, {}),
    "open_ticket": ({"open_ticket": True}, {}, {}, {}),
    "open_return": ({"open_return": True}, {}, {}, {}),
    "stale_data": ({}, {}, {}, {"data_age_days": 99.0}),
    "refused_model": ({}, {}, {}, {"model_refused": True}),
    "frequency_cap": ({"touches_30d": 9.0, "touches": 9.0}, {}, {}, {}),
    "no_action": ({"orders": 0.0}, {}, {}, {}),
    "ask_ratio": ({"asks": 9.0}, {"intent": "ask"}, {}, {}),
    "quiet_hours": (
        {"timezone": "Europe/Berlin"},
        {},
        {"quiet_hours": [9, 8], "valid_days": 1},
        {"as_of_us": CLOCKS_GO_BACK_US},
    ),
    "cooldown": ({"days_since_action": [1.0]}, {}, {}, {}),
    "low_value": ({"margin_money": 0.0}, {}, {}, {}),
    "action_control": ({}, {"control_share": 0.999999}, {}, {}),
}


@pytest.mark.parametrize("first", FAULTS)
def test_the_first_no_is_recorded_when_all_later_gates_say_no_too(first: str) -> None:
    names = list(GATES)
    later = [FAULTS[name] for name in reversed(names[names.index(first) :])]
    person, action, rules, state = ({k: v for fault in later for k, v in fault[part].items()} for part in range(4))
    decided = decide(people(person), policy(action, **rules), shop(**state), KEY)
    assert decided.gate.tolist() == [first]


def test_the_budget_is_the_last_gate() -> None:
    decided = decide(people({}, {"customer_id": "c2", "suppressed": True}), policy(max_contacts=0), shop(), KEY)
    left = within_budget(decided, budget_of(decided))
    assert left.gate.tolist() == [BUDGET, "suppressed"]


def test_an_unknown_consent_counts_as_the_policy_says() -> None:
    unknown = people({"consent": [None, None, None]})
    assert decide(unknown, policy(), shop(), KEY).gate.tolist() == ["no_consent"]
    assert decide(unknown, policy(assume_consent=True), shop(), KEY).gate.tolist() == [None]


def test_a_recorded_no_holds_even_where_consent_is_assumed() -> None:
    decided = decide(people({"consent": [0.0, None, None]}), policy(assume_consent=True), shop(), KEY)
    assert decided.gate.tolist() == ["no_consent"]


def test_the_fifth_touch_may_ask_and_the_fourth_may_not() -> None:
    asks = policy({"intent": "ask"})
    decided = decide(people({"touches": 3.0}, {"touches": 4.0}), asks, shop(), KEY)
    assert decided.gate.tolist() == ["ask_ratio", None]


def test_a_touch_exactly_three_days_ago_is_long_enough_ago() -> None:
    decided = decide(people({"days_since_last_touch": 2.99}, {"days_since_last_touch": 3.0}), policy(), shop(), KEY)
    assert decided.gate.tolist() == ["frequency_cap", None]


def test_an_unknown_margin_is_no_reason_to_leave_someone_alone() -> None:
    assert decide(people({"margin_money": None}), policy(), shop(), KEY).gate.tolist() == [None]


def test_an_action_takes_the_first_of_its_channels_that_the_person_agreed_to() -> None:
    both = policy({"channels": ["sms", "email"]})
    facts = people({"consent": [1.0, 1.0, None]}, {"consent": [1.0, 0.0, None]}, {"consent": [None, None, 1.0]})
    decided = decide(facts, both, shop(), KEY)
    assert decided.channel.tolist() == [1, 0, -1]
    assert decided.gate.tolist() == [None, None, "no_consent"]


def test_a_channel_that_is_off_or_refused_leaves_the_next_one() -> None:
    both = policy({"channels": ["sms", "email"]})
    willing = {"consent": [1.0, 1.0, None]}
    assert decide(people(willing), both, shop(paused=("sms",)), KEY).channel.tolist() == [0]
    barred = {**willing, "blocked": [False, True, False, False]}
    assert decide(people(barred), both, shop(), KEY).channel.tolist() == [0]
    barred = {**willing, "blocked": [True, True, False, False]}
    assert decide(people(barred), both, shop(), KEY).gate.tolist() == ["suppressed"]


def test_a_task_for_a_colleague_needs_a_yes_to_some_channel() -> None:
    task = policy({"channels": ["task"]})
    facts = people({"consent": [None, 1.0, None]}, {"consent": [0.0, None, None]})
    assert decide(facts, task, shop(), KEY).gate.tolist() == [None, "no_consent"]


def test_a_message_that_still_waits_and_a_touch_of_the_day_count_against_the_cap() -> None:
    rules = policy(min_days_between_touches=0)
    facts = people({"open_message": True}, {"touches_today": 1.0}, {})
    assert decide(facts, rules, shop(), KEY).gate.tolist() == ["frequency_cap", "frequency_cap", None]


def test_a_replenishment_comes_when_the_persons_own_rhythm_says_so() -> None:
    due = policy({"silence_in_gaps": [0.8, 1.5]})
    facts = people({"mean_gap_days": 30.0}, {"mean_gap_days": 90.0}, {"mean_gap_days": 10.0}, {"mean_gap_days": None})
    assert decide(facts, due, shop(), KEY).gate.tolist() == [None, "no_action", "no_action", None]


def test_only_whoever_would_have_had_the_action_is_stopped_by_its_control_group() -> None:
    two = {"first": {**ACTION, "control_share": 0.999999}, "second": {**ACTION, "days_since_last_order": [10, 40]}}
    free = {"days_since_action": [None, None]}
    facts = people({**free}, {**free, "days_since_last_order": 60.0}, {**free, "days_since_last_order": 400.0})
    decided = decide(facts, policy(actions=two), shop(), KEY)
    assert decided.gate.tolist() == [None, "action_control", "no_action"]
    assert decided.action.tolist() == [1, -1, -1]


def test_one_complaint_alone_stops_nobody_and_two_do() -> None:
    loud = {"complaint_share": 0.1}
    gates = [decide(people({}), policy(), shop(**loud, complaints=count), KEY).gate[0] for count in (1, 2, None)]
    assert gates == [None, "complaint_breaker", "complaint_breaker"]


def test_the_bound_itself_stops_and_no_complaint_never_does() -> None:
    shares = ((0.00299, 0.003), (0.003, 0.003), (0.0, 0.0))
    gates = [
        decide(people({}), policy(max_complaint_share=most), shop(complaint_share=share), KEY).gate[0]
        for share, most in shares
    ]
    assert gates == [None, "complaint_breaker", None]
