"""Every customer keeps one number in one block, whether met with an order or as a visitor."""

from __future__ import annotations

from pathlib import Path

import numpy as np
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
    seen = pa.array([*visitors, "v3", "v3"])
    blocks, numbers = first.of_rows(first.table().find(seen, np.arange(len(seen))), seen.take)
    assert (blocks[3], numbers[3]) == (blocks[20], numbers[20]) == (blocks[21], numbers[21])
    assert blocks.tolist() == [block_of(one, BLOCKS) for one in [*visitors, "v3", "v3"]]
    first.save()

    for known in (first, numbered(tmp_path / "customers.parquet", ["b1", "v3", "new"])):
        everyone = [known.customers(block) for block in range(BLOCKS)]
        for visitor, block, number in zip(visitors, blocks, numbers, strict=False):
            assert everyone[block][number] == visitor
        names = [one for block in everyone for one in block]
        assert len(names) == len(set(names)) == (40 if known is first else 41)


def test_buyers_and_strangers_of_one_table_are_told_apart_also_by_ids_of_any_length(tmp_path: Path) -> None:
    buyers = ["b", "b" * 64, "b" * 65, "b" * 100]
    met = pa.array(["b" * 65, "stranger", "b", "b" * 66, "b" * 64, "b" * 100, "stranger"])
    known = numbered(tmp_path / "customers.parquet", buyers)
    blocks, numbers = known.of_rows(known.table().find(met, np.arange(len(met))), met.take)
    known.save()
    assert [known.customers(block)[number] for block, number in zip(blocks, numbers, strict=True)] == met.to_pylist()
    assert sum(len(known.customers(block)) for block in range(BLOCKS)) == 6
