"""Every customer's block and number in it, given once and kept: a new customer gets the next number of a block."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.block import block_of, blocks_of

Ints32 = NDArray[np.int32]
SCHEMA = pa.schema([("customer_id", pa.string()), ("block", pa.int32()), ("number", pa.int32())])


class Numbering:
    """The customers known so far, in blocks by the hash of their ids (`features.block.block_of`)."""

    def __init__(self, blocks: int, path: Path) -> None:
        self.blocks, self._path = blocks, path
        self._known = pq.read_table(path) if path.exists() else SCHEMA.empty_table()
        self._ids: list[list[str]] | None = None
        self._strangers: dict[str, tuple[int, int]] = {}
        self._sizes = _sizes(self._known, blocks)

    def add(self, connection: duckdb.DuckDBPyConnection, rows: str) -> None:
        """Number the customers of `rows`, SQL with a column `customer_id`; makes the table `numbers` for joins."""
        connection.register("known_numbers", self._known)
        new = connection.sql(
            f"SELECT DISTINCT customer_id FROM {rows} ANTI JOIN known_numbers USING (customer_id) "  # noqa: S608
            "ORDER BY customer_id"
        ).to_arrow_table()["customer_id"]
        ids = new.to_pylist()
        block = blocks_of(ids, self.blocks)
        numbers = self._sizes[block] + _place_in_group(block)
        self._keep(ids, block, numbers)
        connection.unregister("known_numbers")
        connection.register("known_numbers", self._known)
        connection.execute("CREATE OR REPLACE TABLE numbers AS FROM known_numbers")

    def of_strangers(self, customer_ids: pa.Array) -> tuple[Ints32, Ints32]:
        """Block and number of each of some customers that the join did not know; a new one gets the next number."""
        coded = customer_ids.dictionary_encode()
        places = np.array([self._place(one) for one in coded.dictionary.to_pylist()], dtype=np.int32).reshape(-1, 2)
        found = places[np.asarray(coded.indices)]
        return found[:, 0], found[:, 1]

    def save(self) -> None:
        """Keep the numbers for tomorrow."""
        if self._strangers:
            block, numbers = np.array(list(self._strangers.values()), dtype=np.int32).T
            ids, self._strangers = list(self._strangers), {}
            self._keep(ids, block, numbers)
        pq.write_table(self._known, self._path, compression="zstd")

    def customers(self, block: int) -> list[str]:
        """The ids of a block, by number."""
        if self._ids is None:
            self._ids = [[] for _ in range(self.blocks)]
            for one, of in zip(self._known["customer_id"].to_pylist(), self._known["block"].to_pylist(), strict=True):
                self._ids[of].append(one)
        return self._ids[block]

    def _place(self, customer_id: str) -> tuple[int, int]:
        if customer_id not in self._strangers:
            block = block_of(customer_id, self.blocks)
            self._strangers[customer_id] = block, int(self._sizes[block])
            self._sizes[block] += 1
        return self._strangers[customer_id]

    def _keep(self, ids: list[str], block: Ints32, numbers: NDArray[np.integer]) -> None:
        more = pa.table([pa.array(ids, pa.string()), block, numbers.astype(np.int32)], schema=SCHEMA)
        self._known, self._ids = pa.concat_tables([self._known, more]), None
        self._sizes = _sizes(self._known, self.blocks)


def _sizes(known: pa.Table, blocks: int) -> NDArray[np.int64]:
    return np.bincount(np.asarray(known["block"]), minlength=blocks)


def _place_in_group(group: Ints32) -> NDArray[np.int64]:
    """For each element, how many of its group stand before it."""
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    place = np.empty(len(group), dtype=np.int64)
    place[order] = np.arange(len(group)) - np.repeat(starts, np.diff(np.append(starts, len(group))))
    return place
