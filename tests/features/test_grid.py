"""The grid: what is the same for every log is worked out once, and neighbouring kinds together."""

from __future__ import annotations

import numpy as np

from features.grid import Grid, ruler
from features.kinds import KINDS
from features.log import DAY_US
from features.records import Records


def test_a_ruler_says_which_entry_answers_for_which_days() -> None:
    made = ruler((0, 10 * DAY_US), (0, 10))
    assert made.line_of == {None: 0, 0: 1, 10: 2}
    assert (made.instants // DAY_US).tolist() == [-10, 0, 10]
    assert made.entries.tolist() == [[0, 0], [2, 3], [1, 2]]
    assert made.next_cutoff.tolist() == [0, 0, 1, 2]


def test_one_cutoff_has_one_ruler_whenever_it_is(shop: Records) -> None:
    grids = [Grid(shop.log(), np.array([day * DAY_US]), (0, 30)) for day in (400, 451)]
    assert grids[0].ruler is grids[1].ruler
    assert [grid.instants.tolist() for grid in grids] == [[370 * DAY_US, 400 * DAY_US], [421 * DAY_US, 451 * DAY_US]]


def test_neighbouring_kinds_are_found_together_whichever_is_asked_for_first(shop: Records) -> None:
    grid = Grid(shop.log(), np.array([400 * DAY_US]), (0, 30))
    kinds, positions = grid.positions(KINDS[-1])
    assert kinds == grid.log.of("session").kinds
    assert len(positions) == len(kinds)
    assert grid.positions(KINDS[1])[1] is positions
