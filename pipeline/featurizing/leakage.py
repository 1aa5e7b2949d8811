"""The leakage proof: on the shop's own tables, what was not yet known at a cutoff may not change a feature there.

Five attempts, each on real histories: facts made up at and after every cutoff; facts that happened before it and became
known later; everything from the cutoff on removed; rows in another order; every id under another name. The whole way is
proven, from the clean tables through the reader and the engine to the columns of all cutoffs, and a single changed bit
stops the run. An engine with a reader of its own is tempted through it as well, in one round of each attempt.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.asof import Settings, snapshot
from features.errors import DataError
from features.log import Ints
from features.records import Records
from pipeline.event_log import records_of
from pipeline.featurizing.tampering import (
    AT_AND_AFTER,
    HAPPENED_BEFORE,
    Intruders,
    ShopTables,
    people_of,
    renamed,
    shuffled,
    without_future,
)

MADE_UP = "made-up facts of every kind at and after the cutoff"
LATE = "facts that happened before the cutoff and became known at or after it"
REMOVED = "everything known from the cutoff on removed"
SHUFFLED = "rows in another order"
RENAMED = "customers, orders and products under other names"
READ = "the tables read by the engine's own reader"
WHY = {
    READ: "the engine's reader and the plain one disagree",
    MADE_UP: "it looks at or past the cutoff",
    LATE: "it goes by when a fact happened instead of known_at, when the shop could know it",
    REMOVED: "it looks at or past the cutoff",
    SHUFFLED: "it depends on the order of the rows",
    RENAMED: "it depends on the ids or on their order",
}
POPULATION = "(who is in the population)"
FOREVER = np.iinfo(np.int64).max
ROUNDS = 8
FEW_CUSTOMERS = 100  # as few as these are tempted at every cutoff
MOST_FACTS = 50_000  # of all customers together, so that a shop of heavy users waits no longer
SHOWN = 5
Read = Callable[[ShopTables], Records]


@dataclass(frozen=True)
class Verdict:
    """Outcome of one attempt: how many rows it tempted, and which columns changed."""

    attempt: str
    rows: int
    changed_columns: tuple[str, ...]


@dataclass(frozen=True)
class Known:
    """A snapshot, its customers as places among the people asked about; `row` numbers customer and cutoff together."""

    row: Ints
    person: Ints
    cutoff: Ints
    columns: tuple[str, ...]
    values: NDArray[np.float64]

    def until(self, cutoffs: Ints) -> Known:
        """The rows up to each customer's cutoff."""
        kept = self.cutoff <= cutoffs[self.person]
        return Known(self.row[kept], self.person[kept], self.cutoff[kept], self.columns, self.values[kept])


def prove(
    orders: pa.Table,
    engagement: pa.Table,
    order_items: pa.Table,
    cutoffs_us: Sequence[int],
    settings: Settings,
    read: Read | None = None,
) -> dict[str, object]:
    """Try to leak; the verdict as JSON. Raises DataError naming the columns that saw the future, and what to mend.

    `read` is the engine's own reader of clean tables, where it is not `records_of`.
    """
    shop = _of_moderate_size(ShopTables(orders, engagement, order_items))
    verdicts = list(attempts(shop, sorted(cutoffs_us), settings, read))
    leaking = [verdict for verdict in verdicts if verdict.changed_columns]
    if leaking:
        raise DataError(_told(leaking))
    return {
        "passed": True,
        "customers": len(people_of(shop)),
        "cutoffs": len(cutoffs_us),
        "attempts": [{"attempt": one.attempt, "rows": one.rows, "changed_columns": []} for one in verdicts],
    }


def attempts(
    shop: ShopTables, cutoffs_us: Sequence[int], settings: Settings, own: Read | None = None
) -> Iterator[Verdict]:
    """Every attempt; the row of a cutoff and those before it must stay as they are, whatever is known later."""
    people, plain = people_of(shop), _plainly
    names, own = people.to_pylist(), own or plain

    def known(tables: ShopTables, read: Read, names: Sequence[str] = names) -> Known:
        return _known(read(tables), names, (cutoffs_us, settings))

    honest, whole = known(shop, plain), np.full(len(people), FOREVER)
    if own is not plain:
        yield _verdict(READ, honest, [(known(shop, own), whole)])
    made_up, late = Intruders.among(shop, AT_AND_AFTER), Intruders.among(shop, HAPPENED_BEFORE)
    changes: dict[str, Callable[[Ints], ShopTables]] = {
        MADE_UP: lambda cutoffs: made_up.join(shop, cutoffs),
        LATE: lambda cutoffs: late.join(shop, cutoffs),
        REMOVED: lambda cutoffs: without_future(shop, people, cutoffs),
    }
    plan = rounds([honest.cutoff[honest.person == place].tolist() for place in range(len(people))], cutoffs_us)
    for attempt, change in changes.items():
        trials = ((known(change(at), own if turn == 0 else plain), at) for turn, at in enumerate(plan))
        yield _verdict(attempt, honest, trials)
    other, new_names = renamed(shop)
    yield _verdict(SHUFFLED, honest, [(known(shuffled(shop), own), whole)])
    yield _verdict(RENAMED, honest, [(known(other, own, new_names), whole)])


def rounds(rows: Sequence[Sequence[int]], cutoffs_us: Sequence[int]) -> list[Ints]:
    """The cutoff at which each customer is tempted, round by round; `rows` are the cutoffs of each customer's rows.

    A round tempts everyone at once, each at a row of their own: few rounds meet most rows, and every cutoff is met.
    """
    turns = min(len(cutoffs_us), ROUNDS if len(rows) > FEW_CUSTOMERS else len(cutoffs_us))
    own = [list(each) or list(cutoffs_us) for each in rows]
    plan = [
        np.array([each[(turn * len(each) // turns + number) % len(each)] for number, each in enumerate(own)])
        for turn in range(turns)
    ]
    met = {cutoff for cutoffs in plan for cutoff in cutoffs.tolist()}
    return [*plan, *(np.full(len(rows), cutoff) for cutoff in cutoffs_us if cutoff not in met)]


def _plainly(shop: ShopTables) -> Records:
    return records_of(shop.orders, shop.engagement, shop.order_items)


def _known(records: Records, people: Sequence[str], how: tuple[Sequence[int], Settings]) -> Known:
    cutoffs, found = np.array(how[0]), snapshot(records.log(), *how)
    place = {name: number for number, name in enumerate(people)}
    person = np.array([place[name] for name in found.customer_ids], dtype=np.int64)
    row = person * len(cutoffs) + np.searchsorted(cutoffs, found.cutoffs_us)
    return Known(row, person, found.cutoffs_us, found.columns, found.values)


def _verdict(attempt: str, honest: Known, trials: Iterable[tuple[Known, Ints]]) -> Verdict:
    changed, tempted = dict[str, None](), np.zeros(len(honest.values), dtype=bool)
    for known, cutoffs in trials:
        changed |= dict.fromkeys(_changed(honest.until(cutoffs), known.until(cutoffs)))
        own = cutoffs[honest.person]
        tempted |= (honest.cutoff == own) | (own == FOREVER)
    return Verdict(attempt, int(tempted.sum()), tuple(changed))


def _changed(honest: Known, tempted: Known) -> list[str]:
    both, mine, other = np.intersect1d(honest.row, tempted.row, assume_unique=True, return_indices=True)
    left, right = honest.values[mine], tempted.values[other]
    same = ((left == right) | (np.isnan(left) & np.isnan(right))).all(axis=0)
    columns = [column for column, held in zip(honest.columns, same, strict=True) if not held]
    return columns if len(both) == len(honest.row) == len(tempted.row) else [POPULATION, *columns]


def _of_moderate_size(shop: ShopTables) -> ShopTables:
    """Customers with the fewest facts first, as many as `MOST_FACTS` allow, one at least."""
    facts = pa.chunked_array([*shop.orders["customer_id"].chunks, *shop.engagement["customer_id"].chunks])
    bought = facts.filter(pc.is_in(facts, people_of(shop))).value_counts()
    counts = sorted((int(each["counts"]), str(each["values"])) for each in bought.to_pylist())
    enough = int(np.searchsorted(np.cumsum([count for count, _ in counts]), MOST_FACTS, side="right"))
    kept = pa.array([name for _, name in counts[: max(1, enough)]])

    def of_kept(table: pa.Table) -> pa.Table:
        return table.filter(pc.is_in(table["customer_id"], kept))

    return ShopTables(of_kept(shop.orders), of_kept(shop.engagement), shop.order_items)


def _told(leaking: list[Verdict]) -> str:
    told = "; ".join(f"{one.attempt} changed {_shown(one.changed_columns)}, so {WHY[one.attempt]}" for one in leaking)
    return (
        f"the leakage proof failed in {len(leaking)} attempt(s): {told}. Mend the feature, or the reader, that makes "
        "these columns: it may use only what `past` holds, and facts only from their known_at on."
    )


def _shown(columns: tuple[str, ...]) -> str:
    more = len(columns) - SHOWN
    return ", ".join(columns[:SHOWN]) + (f" and {more} more columns" if more > 0 else "")
