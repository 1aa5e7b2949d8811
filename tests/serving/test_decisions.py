"""Choice, control groups and the share of asks."""

from __future__ import annotations

import numpy as np
import pytest

from serving.decisions import NOBODY, decide
from tests.serving.people import ACTION, AS_OF_US, DAY_US, KEY, crowd, people, policy, shop

TWO_ACTIONS = {"first": ACTION, "second": ACTION}


def test_while_learning_each_open_action_is_as_likely_as_the_others() -> None:
    facts = people(*({"customer_id": f"c{n}", "days_since_action": [None, None]} for n in range(2000)))
    decided = decide(facts, policy(actions=TWO_ACTIONS), shop(), KEY)
    share = float(np.mean(decided.action == 0))
    assert abs(share - 0.5) < 4 * np.sqrt(0.25 / 2000)
    assert set(decided.propensity) == {0.5}


def test_a_closed_action_is_never_drawn() -> None:
    facts = people(*({"customer_id": f"c{n}", "days_since_action": [1.0, None]} for n in range(100)))
    decided = decide(facts, policy(actions=TWO_ACTIONS), shop(), KEY)
    assert set(decided.action) == {1}
    assert set(decided.propensity) == {1.0}


def test_value_and_uplift_are_unknown_while_learning() -> None:
    decided = decide(crowd(3), policy(), shop(), KEY)
    assert np.isnan(decided.expected_value).all()
    assert np.isnan(decided.expected_uplift).all()


def test_a_known_uplift_picks_the_action_of_the_highest_value() -> None:
    facts = people({"days_since_action": [None, None]}, {"customer_id": "c2", "days_since_action": [None, None]})
    uplift = np.array([[0.01, 0.2], [0.3, 0.2]])
    decided = decide(facts, policy(actions=TWO_ACTIONS), shop(), KEY, uplift)
    assert decided.action.tolist() == [1, 0]
    assert decided.expected_uplift.tolist() == [0.2, 0.3]
    np.testing.assert_allclose(decided.expected_value, [0.2 * 40 - 0.02, 0.3 * 40 - 0.02])


def test_a_known_uplift_below_the_cost_is_left_alone() -> None:
    decided = decide(people({}), policy(), shop(), KEY, np.array([[0.0004]]))
    assert decided.gate.tolist() == ["low_value"]


def test_the_control_share_is_within_four_standard_errors() -> None:
    decided = decide(crowd(5000), policy(control_share=0.1), shop(), KEY)
    assert abs(float(decided.in_control.mean()) - 0.1) < 4 * np.sqrt(0.1 * 0.9 / 5000)


def test_nobody_in_the_control_group_has_an_action() -> None:
    decided = decide(crowd(2000), policy(control_share=0.5), shop(), KEY)
    assert (decided.action[decided.in_control] == NOBODY).all()
    assert (decided.action[~decided.in_control] != NOBODY).all()


def test_the_control_group_stays_the_same_under_another_policy_and_day() -> None:
    one = decide(crowd(500), policy(control_share=0.5), shop(), KEY)
    other = decide(crowd(500), policy(control_share=0.5, policy_version="2"), shop(as_of_us=AS_OF_US + DAY_US), KEY)
    assert one.in_control.tolist() == other.in_control.tolist()


def test_another_key_draws_another_control_group() -> None:
    one, other = (decide(crowd(500), policy(control_share=0.5), shop(), key) for key in (KEY, b"another key"))
    assert one.in_control.tolist() != other.in_control.tolist()


def test_the_order_of_the_customers_changes_no_decision() -> None:
    names = [f"c{number}" for number in range(50)]
    facts = people(*({"customer_id": name} for name in names))
    turned = people(*({"customer_id": name} for name in reversed(names)))
    one, other = (decide(each, policy(control_share=0.3), shop(), KEY) for each in (facts, turned))
    assert one.gate.tolist() == other.gate[::-1].tolist()
    assert one.decision_id.tolist() == other.decision_id[::-1].tolist()


def test_a_decision_keeps_its_id_and_another_day_gives_another() -> None:
    one, again = (decide(people({}), policy(), shop(), KEY).decision_id[0] for _ in range(2))
    later = decide(people({}), policy(), shop(as_of_us=AS_OF_US + 1), KEY).decision_id[0]
    assert one == again != later


def test_a_share_explores_once_the_uplift_is_known_and_says_with_which_chance() -> None:
    rules = policy(actions=TWO_ACTIONS, explore_share=0.2)
    facts = people(*({"customer_id": f"c{n}", "days_since_action": [None, None]} for n in range(4000)))
    decided = decide(facts, rules, shop(), KEY, np.tile([0.1, 0.3], (4000, 1)))
    share = float(np.mean(decided.action == 0))
    assert abs(share - 0.1) < 4 * np.sqrt(0.1 * 0.9 / 4000)
    assert set(decided.propensity[decided.action == 0]) == {0.1}
    assert decided.propensity[decided.action == 1] == pytest.approx(0.9)


def test_the_control_group_of_an_action_is_its_own_draw() -> None:
    rules = policy(actions={name: {**ACTION, "control_share": 0.5} for name in ("first", "second")})
    facts = people(*({"customer_id": f"c{n}", "days_since_action": [None, None]} for n in range(2000)))
    drawn = decide(facts, rules, shop(), KEY).case.in_action_control
    assert abs(float(np.mean(drawn[:, 0] == drawn[:, 1])) - 0.5) < 4 * np.sqrt(0.25 / 2000)
    assert abs(float(drawn[:, 0].mean()) - 0.5) < 4 * np.sqrt(0.25 / 2000)


def test_a_decision_expires_after_the_days_of_the_policy() -> None:
    assert decide(people({}), policy(valid_days=3), shop(), KEY).expires_at == AS_OF_US + 3 * DAY_US


def test_the_ask_share_holds_over_a_year_of_decisions() -> None:
    actions = {
        "talk": {**ACTION, "cooldown_days": 0},
        "pitch": {**ACTION, "intent": "ask", "cooldown_days": 0},
    }
    rules = policy(actions=actions, min_days_between_touches=0, max_touches_per_30_days=30)
    touches, asks = np.zeros(200), np.zeros(200)
    for day in range(60):
        facts = people(
            *(
                {"customer_id": f"c{n}", "touches": touches[n], "asks": asks[n], "days_since_action": [None, None]}
                for n in range(200)
            )
        )
        decided = decide(facts, rules, shop(as_of_us=AS_OF_US + day * DAY_US), KEY)
        touches += decided.action != NOBODY
        asks += decided.action == 1
        assert (asks <= 0.2 * touches + 1e-9).all()
    assert asks.mean() > 8
