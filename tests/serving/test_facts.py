"""Facts survive the way through JSON, unknowns too."""

from __future__ import annotations

import numpy as np
import orjson

from serving.facts import concatenate, facts_from_rows
from tests.serving.people import people

UNKNOWN: dict[str, object] = {"customer_id": "c2", "margin_money": None, "consent": [None, 0.0, None], "timezone": ""}


def test_facts_come_back_from_json_as_they_were() -> None:
    facts = people({}, UNKNOWN)
    again = facts_from_rows(orjson.loads(orjson.dumps(facts.rows())))
    for name, values in vars(facts).items():
        np.testing.assert_array_equal(getattr(again, name), values)
        assert getattr(again, name).dtype == values.dtype


def test_unknown_is_null_in_json() -> None:
    row = people(UNKNOWN).rows()[0]
    assert row["margin_money"] is None
    assert row["consent"] == [None, 0.0, None]


def test_blocks_of_customers_join_in_order() -> None:
    joined = concatenate([people({}), people(UNKNOWN)])
    assert joined.customer_id.tolist() == ["c1", "c2"]
    assert joined.consent.shape == (2, 3)
