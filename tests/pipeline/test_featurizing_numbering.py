"""Every customer keeps one number in one block, whether met with an order or as a visitor."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from features.block import block_of
from pipeline.featurizing.numbering import Numbering
from pipeline.sources.raw import connect

BLOCKS = 3


def numbered(path: Path, buyers: list[str]) -> Numbering:
    known = Numbering(BLOCKS, path)
    with connect() as connection:
        connection.register("bought", pa.table({"customer_id": pa.array(buyers, pa.string())}))
        known.add(connection, "bought")
    return known


def test_a_stranger_gets_the_next_number_of_the_block_and_keeps_it(tmp_path: Path) -> None:
    buyers, visitors = [f"b{n}" for n in range(20)], [f"v{n}" for n in range(20)]
    first = numbered(tmp_path / "customers.parquet", buyers)
    blocks, numbers = first.of_strangers(pa.array([*visitors, "v3", "v3"]))
    assert (blocks[3], numbers[3]) == (blocks[20], numbers[20]) == (blocks[21], numbers[21])
    assert blocks.tolist() == [block_of(one, BLOCKS) for one in [*visitors, "v3", "v3"]]
    first.save()

    for known in (first, numbered(tmp_path / "customers.parquet", ["b1", "v3", "new"])):
        everyone = [known.customers(block) for block in range(BLOCKS)]
        for visitor, block, number in zip(visitors, blocks, numbers, strict=False):
            assert everyone[block][number] == visitor
        names = [one for block in everyone for one in block]
        assert len(names) == len(set(names)) == (40 if known is first else 41)
