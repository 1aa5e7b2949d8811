"""The blend's own rule; its mean and sharing are tested with the recipe."""

from __future__ import annotations

import pytest

from features.errors import ModelError
from models.blend import Blend
from models.history import History
from models.training import Trained


def test_two_sets_of_trees_do_not_fit_into_one_artifact(trained: dict[str, Trained], labelled: History) -> None:
    members = [trained[name].candidate for name in ("xgboost", "xgboost_btyd")]
    with pytest.raises(ModelError, match="one set of trees"):
        Blend(members).join(members)
