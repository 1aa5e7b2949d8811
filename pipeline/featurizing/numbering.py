"""Every customer's block and number in it, given once and kept: a new customer gets the next number of a block."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.block import block_of, blocks_of
from features.log import Ints
from pipeline.featurizing.texts import LONGEST, Ints32, TextTable, in_one

SCHEMA = pa.schema([("customer_id", pa.string()), ("block", pa.int32()), ("number", pa.int32())])


class Numbering:
    """The customers known so far, in blocks by the hash of their ids (`features.block.block_of`)."""

    def __init__(self, blocks: int, path: Path) -> None:
        self.blocks, self._path = blocks, path
        self._ids: list[list[str]] | None = None
        self._met: dict[str, tuple[int, int]] = {}  # beside the table: strangers, and ids too long for it
        self._strangers: list[str] = []
        self._know(pq.read_table(path) if path.exists() else SCHEMA.empty_table())

    def add(self, connection: duckdb.DuckDBPyConnection, rows: str) -> None:
        """Number the customers of `rows`, SQL with a column `customer_id`; makes the table `numbers` for joins."""
        connection.register("known_numbers", self._known)
        new = connection.sql(
            f"SELECT DISTINCT customer_id FROM {rows} ANTI JOIN known_numbers USING (customer_id) "  # noqa: S608
            "ORDER BY customer_id"
        ).to_arrow_table()["customer_id"]
        ids = new.to_pylist()
        block = blocks_of(ids, self.blocks)
        self._keep(ids, block, self._sizes[block] + _place_in_group(block))
        connection.unregister("known_numbers")
        connection.register("known_numbers", self._known)
        connection.execute("CREATE OR REPLACE TABLE numbers AS FROM known_numbers")

    def table(self) -> TextTable:
        """Where to look up who among those known a customer is, for `of_rows`; many threads may do so at once."""
        return TextTable(in_one(self._known["customer_id"]))

    def of_rows(self, found: Ints32, customer_ids: Callable[[Ints], pa.Array]) -> tuple[Ints32, Ints32]:
        """Block and number of each row's customer; `customer_ids` tells the ids of the rows where nobody was found.

        Who is met for the first time, and with no order, gets the next number of a block.
        """
        unknown = np.flatnonzero(found < 0)
        if len(unknown) == len(found):
            block, number = np.empty_like(found), np.empty_like(found)
        else:
            block, number = self._block.take(found), self._number.take(found)
        if len(unknown):
            coded = customer_ids(unknown).dictionary_encode()
            places = np.array([self._place(one) for one in coded.dictionary.to_pylist()], dtype=np.int32)
            block[unknown], number[unknown] = places.take(np.asarray(coded.indices), axis=0).T
        return block, number

    def save(self) -> None:
        """Keep the numbers for tomorrow."""
        if self._strangers:
            places = np.array([self._met[one] for one in self._strangers], dtype=np.int32)
            ids, self._strangers = self._strangers, []
            self._keep(ids, *places.T)
        pq.write_table(self._known, self._path, compression="zstd")

    def customers(self, block: int) -> list[str]:
        """The ids of a block, by number."""
        if self._ids is None:
            ids: list[list[str]] = [[] for _ in range(self.blocks)]
            for one, of in zip(self._known["customer_id"].to_pylist(), self._block.tolist(), strict=True):
                ids[of].append(one)
            self._ids = ids  # only when it is whole: several threads ask
        return self._ids[block]

    def _place(self, customer_id: str) -> tuple[int, int]:
        if customer_id not in self._met:
            block = block_of(customer_id, self.blocks)
            self._met[customer_id] = block, int(self._sizes[block])
            self._sizes[block] += 1
            self._strangers.append(customer_id)
        return self._met[customer_id]

    def _keep(self, ids: list[str], block: Ints32, numbers: NDArray[np.integer]) -> None:
        more = pa.table([pa.array(ids, pa.string()), block, numbers.astype(np.int32)], schema=SCHEMA)
        self._know(pa.concat_tables([self._known, more]))

    def _know(self, customers: pa.Table) -> None:
        self._known, self._ids = customers, None
        self._block, self._number = (np.asarray(customers[name]) for name in ("block", "number"))
        self._sizes = np.bincount(self._block, minlength=self.blocks)
        long = np.flatnonzero(np.asarray(pc.greater(pc.binary_length(customers["customer_id"]), LONGEST)))
        for one, place in zip(customers["customer_id"].take(long).to_pylist(), long.tolist(), strict=True):
            self._met[one] = int(self._block[place]), int(self._number[place])


def _place_in_group(group: Ints32) -> NDArray[np.int64]:
    """For each element, how many of its group stand before it."""
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    place = np.empty(len(group), dtype=np.int64)
    place[order] = np.arange(len(group)) - np.repeat(starts, np.diff(np.append(starts, len(group))))
    return place
