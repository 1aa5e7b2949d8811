"""The start of the log: customers who were there before it, and cutoffs that come too soon after it.

Whoever bought before the log began enters it as a new customer: tenure, order counts and the process models' x and T
start too late (left truncation), and the first cutoffs see little else. The process models take T from the first order
seen, which costs them only what the log does not hold; labels of such cutoffs teach what is true of a young log only.
So cutoffs with less than a quarter of log before them are left out of learning, if the backtest agrees.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from models.btyd import Floats
from models.candidate import Candidate
from models.history import History
from models.selection import Split, always_less, loss_of, splits_of

AGE = "btyd_T"  # days from the first order to the cutoff
MIN_LOG_DAYS = 90.0
LARGE_SHARE = 0.2
MANY_TIMES = 1.5  # as many first orders as later: a shop that opened with its log has no such rush


def started(history: History) -> np.datetime64:
    """The first order of the log."""
    return np.datetime64((history.cutoffs - _days(history.features[AGE].to_numpy(np.float64))).min())


def settled(history: History) -> History:
    """The rows of cutoffs with enough log before them; the last cutoff stays in any case."""
    begin, moments = started(history), history.moments()
    late = [moment for moment in moments[:-1] if moment - begin >= _days(np.array(MIN_LOG_DAYS))]
    return history.at([*late, moments[-1]])


def without_short_logs(
    history: History, recipe: Candidate, origins: int, say: Callable[[str], None]
) -> tuple[History, tuple[str, ...]]:
    """The history to learn from, and what to say about it: `settled` if that is better for `recipe` at every origin."""
    later = settled(history)
    few = len(history.moments()) - len(later.moments())
    if not few:
        return history, ()
    pairs = _pairs(history, later, origins)
    better = len(pairs) > 1 and always_less(*([loss_of(recipe, pair[side]) for pair in pairs] for side in (0, 1)))
    about = f"{few} cutoff(s) with less than {MIN_LOG_DAYS:.0f} days of log before them"
    note = (
        f"{about} left out: better at each of {len(pairs)} origins"
        if better
        else f"{about} kept: leaving them out is not better at every one of {len(pairs)} origin(s)"
    )
    say(note)
    return (later if better else history), (note,)


def _pairs(history: History, later: History, origins: int) -> list[tuple[Split, Split]]:
    """Splits of the same origin: without the short logs, and with them."""
    found = []
    for one in (later, history):
        splits, (method, _) = splits_of(one, origins)
        found.append({split.scored.cutoffs[0]: split for split in splits if method == "rolling origins"})
    return [(split, found[1][at]) for at, split in found[0].items() if at in found[1]]


def first_seen_note(history: History) -> tuple[str, ...]:
    """A note when many customers were first seen in the first horizon of the log, and more than in a usual one."""
    ages: Floats = (history.cutoffs - started(history)) / _days(np.array(1.0))
    ages = ages - history.features[AGE].to_numpy(np.float64)  # of the log at everybody's first order
    _, once = np.unique(history.customers.astype(str), return_index=True)
    counts = np.bincount((ages[once] / history.horizon_days).astype(int))
    whole = counts[1:-1]  # the last horizon may not be over
    share = float(counts[0] / counts.sum())
    if share < LARGE_SHARE or not len(whole) or counts[0] < MANY_TIMES * whole.mean():
        return ()
    return (
        f"{share:.0%} of the customers were first seen in the first {history.horizon_days} days of the log "
        f"({counts[0]:,}; later {whole.mean():,.0f} in as many days): most had bought before, "
        "so their tenure and order counts start too late",
    )


def _days(count: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.timedelta64]]:
    microseconds: np.ndarray[tuple[int, ...], np.dtype[np.timedelta64]] = np.rint(count * 86_400e6).astype(
        "timedelta64[us]"
    )
    return microseconds
