"""What rows are told is shared between features, and is worked out only for rows that are there."""

from __future__ import annotations

import pytest

from features.asof import snapshot
from features.log import DAY_US, EventLog
from features.past import Past
from features.records import Records
from features.rows import Rows
from tests.features.conftest import SETTINGS

CUTOFFS = [300 * DAY_US, 450 * DAY_US + 5]


def test_an_answer_given_to_several_cannot_be_written_to(shop: Records) -> None:
    for customers in (2, 60):
        rows = Rows.everyone(EventLog(shop.customer_ids[:customers], ()), CUTOFFS)
        with pytest.raises(ValueError, match="read-only"):
            Past(rows, None, 90).of("order").count()[:] = 0


def test_nothing_is_worked_out_for_nobody(shop: Records) -> None:
    log = shop.log()
    found = snapshot(log, [], SETTINGS)
    assert found.values.shape == (0, len(found.columns))
    assert "totals" not in vars(log.of("order"))
