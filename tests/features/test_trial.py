"""A misspelt kind or field in an own feature is an error with the nearest word, and never a column of zeros."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from features.errors import ConfigError
from features.families.basket import products_per_order
from features.past import Past
from features.registry import declared, feature_columns
from features.trial import TrialPast, WordError, _rows
from tests.features.conftest import SETTINGS

FEATURE = '''
@feature(unit="count", empty=0.0, windows_days=(30,))
def mine(past: Past) -> Column:
    """Something of the shop's own."""
    return {expression}
'''


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (
            'past.of("sesion").count()',
            r"mine_\d+\.mine: .*the kind 'sesion', which is not known; did you mean 'session'\?",
        ),
        ('past.of("session", "purchase").count()', r"the kind 'purchase', which is not known; known are order"),
        ('past.earlier().of("emailopen").count()', r"did you mean 'email_open'\?"),
        ('past.before().of("emailopen").count()', r"did you mean 'email_open'\?"),
        ('past.of("order").sum("revenu")', r"the kind 'order' has no field 'revenu'; did you mean 'revenue'\?"),
        ('past.of("order").last()', r"the kind 'order' has no field 'value'"),
        ('past.of("refund").total(field="amount")', r"the kind 'refund' has no field 'amount'; it has value\."),
        ('past.of("occasion").longest("gaps")', r"did you mean 'gap'\?"),
    ],
)
def test_a_word_nobody_knows_is_an_error_with_the_nearest_one(
    own_module: Callable[[str], str], expression: str, message: str
) -> None:
    settings = replace(SETTINGS, extra=(own_module(FEATURE.format(expression=expression)),))
    with pytest.raises(ConfigError, match=message):
        feature_columns(settings)


@pytest.mark.parametrize(
    "expression",
    ['past.of("order").decayed()', 'past.of("refund").sum() + past.earlier().of("occasion").total("gap")', "1 // 0"],
)
def test_known_words_pass_and_other_troubles_are_left_to_the_real_run(
    own_module: Callable[[str], str], expression: str
) -> None:
    settings = replace(SETTINGS, extra=(own_module(FEATURE.format(expression=expression)),))
    assert feature_columns(settings)[-1].name == "mine_30d"


@pytest.mark.parametrize("one", declared(), ids=lambda one: one.name)
def test_every_built_in_feature_passes_the_trial_with_the_value_of_the_engine(one) -> None:
    trial, real = TrialPast(_rows(), 90, 90, half_life_days=90), Past(_rows(), 90, 90, half_life_days=90)
    assert str(one.compute(trial)) == str(one.compute(real))


def test_the_trial_is_not_blind() -> None:
    with pytest.raises(WordError, match="the kind 'refund' has no field 'products'"):
        TrialPast(_rows(), 90, 90).of("refund").total("products")
    assert products_per_order(TrialPast(_rows(), 90, 90)).tolist() == [0.0]
