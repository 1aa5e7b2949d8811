"""Which block a customer belongs to."""

from __future__ import annotations

from features.block import block_of, blocks_of


def test_blocks_of_many_are_those_of_each() -> None:
    customers = ["", "C1", "0042", "Zoë", "顧客", *map(str, range(500))]
    assert blocks_of(customers, 7).tolist() == [block_of(one, 7) for one in customers]
    assert blocks_of([], 7).tolist() == []
