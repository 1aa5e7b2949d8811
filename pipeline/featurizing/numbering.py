"""Every customer's block and number in it, given once and kept: a new customer gets the next number of a block."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.block import block_of

SCHEMA = pa.schema([("customer_id", pa.string()), ("block", pa.int32()), ("number", pa.int32())])


class Numbering:
    """The customers known so far, in blocks by the hash of their ids (`features.block.block_of`)."""

    def __init__(self, blocks: int, path: Path) -> None:
        self.blocks, self._path = blocks, path
        self._known = pq.read_table(path) if path.exists() else SCHEMA.empty_table()
        self._ids: list[list[str]] | None = None

    def add(self, connection: duckdb.DuckDBPyConnection, rows: str) -> None:
        """Number the customers of `rows`, SQL with a column `customer_id`; makes the table `numbers` for joins."""
        connection.register("known_numbers", self._known)
        new = connection.sql(
            f"SELECT DISTINCT customer_id FROM {rows} ANTI JOIN known_numbers USING (customer_id) "  # noqa: S608
            "ORDER BY customer_id"
        ).to_arrow_table()["customer_id"]
        ids = new.to_pylist()
        block = np.fromiter((block_of(one, self.blocks) for one in ids), dtype=np.int32, count=len(ids))
        sizes = np.bincount(np.asarray(self._known["block"]), minlength=self.blocks)
        numbers = sizes[block] + _place_in_group(block)
        more = pa.table([pa.array(ids, pa.string()), block, numbers.astype(np.int32)], schema=SCHEMA)
        self._known = pa.concat_tables([self._known, more])
        self._ids = None
        connection.unregister("known_numbers")
        connection.register("known_numbers", self._known)
        connection.execute("CREATE OR REPLACE TABLE numbers AS FROM known_numbers")

    def save(self) -> None:
        """Keep the numbers for tomorrow."""
        pq.write_table(self._known, self._path, compression="zstd")

    def customers(self, block: int) -> list[str]:
        """The ids of a block, by number."""
        if self._ids is None:
            self._ids = [[] for _ in range(self.blocks)]
            for one, of in zip(self._known["customer_id"].to_pylist(), self._known["block"].to_pylist(), strict=True):
                self._ids[of].append(one)
        return self._ids[block]


def _place_in_group(group: np.ndarray[tuple[int], np.dtype[np.int32]]) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """For each element, how many of its group stand before it."""
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    place = np.empty(len(group), dtype=np.int64)
    place[order] = np.arange(len(group)) - np.repeat(starts, np.diff(np.append(starts, len(group))))
    return place
