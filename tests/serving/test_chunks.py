"""Rows by hundreds."""

from __future__ import annotations

from serving.chunks import AT_ONCE, chunks


def test_all_rows_come_in_their_order_and_never_too_many_at_once() -> None:
    rows = list(range(2 * AT_ONCE + 1))
    found = list(chunks(iter(rows)))
    assert [len(some) for some in found] == [AT_ONCE, AT_ONCE, 1]
    assert [row for some in found for row in some] == rows


def test_nothing_has_no_chunks() -> None:
    assert list(chunks([])) == []
    assert [len(some) for some in chunks(range(AT_ONCE))] == [AT_ONCE]
