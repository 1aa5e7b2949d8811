"""A sample of customers has the size asked for, and stays."""

from __future__ import annotations

import numpy as np
import pytest

from models.sampling import drawn

IDS = [f"c{number:06d}" for number in range(1_200)]


@pytest.mark.parametrize("share", [0.05, 0.418, 0.9])
def test_the_share_is_met_on_consecutive_ids(share: float) -> None:
    spread = 4 * np.sqrt(share * (1 - share) / len(IDS))
    assert drawn(IDS, share, "a test").mean() == pytest.approx(share, abs=spread)


def test_whoever_is_drawn_does_not_depend_on_who_else_is_there() -> None:
    assert drawn(IDS[::7] + IDS[::7], 0.4, "a test").tolist() == 2 * drawn(IDS, 0.4, "a test")[::7].tolist()


def test_a_larger_share_holds_a_smaller_one() -> None:
    assert not (drawn(IDS, 0.2, "a test") & ~drawn(IDS, 0.5, "a test")).any()


def test_another_purpose_draws_others() -> None:
    both = drawn(IDS, 0.5, "a test") & drawn(IDS, 0.5, "another")
    assert both.mean() == pytest.approx(0.25, abs=0.05)


def test_nobody_and_everybody() -> None:
    assert not drawn(IDS, 0.0, "a test").any()
    assert drawn(IDS, 1.0, "a test").all()
