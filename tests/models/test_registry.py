"""Candidates by name."""

from __future__ import annotations

from typing import get_args

import pytest

from features.errors import ConfigError
from models.registry import candidates
from pipeline.params import Candidate
from tests.models.conftest import BOOSTING


def test_every_name_the_params_allow_can_be_built_in_the_order_asked_for() -> None:
    names = list(get_args(Candidate))
    assert list(candidates(names, 90, 7, 1.0, BOOSTING)) == names


def test_an_unknown_name_is_refused_with_the_choice() -> None:
    with pytest.raises(ConfigError, match="oracle is not known; choose from recency_rule"):
        candidates(["oracle"], 90, 7, 1.0, BOOSTING)
