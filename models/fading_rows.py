"""From columns to what the model of fading interest looks at: orders, visits apart from them, and e-mails opened."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

import numpy as np

from models.btyd import Floats
from models.fading import Lives, Seen

ORDERS = ("btyd_x", "btyd_t_x", "btyd_T")
VISITS = ("visits_alone_ever", "days_since_first_session", "days_since_last_session")
OPENS, SENT = "emails_opened", "emails_sent"
WINDOW = re.compile(r"^(?P<name>visits_alone|emails_opened)_(?P<days>\d+)d$")
Column = Callable[[str], Floats]  # of the rows, by name
SHORTEST = 1e-3  # days a life or a window lasts at least


def looked_at(names: Iterable[str]) -> tuple[str, ...]:
    """Those of the columns that the model looks at: the orders', and all of each sign the shop has."""
    columns, chosen = tuple(names), list(ORDERS)
    if "visits" in signs_in(columns):
        chosen += [*VISITS, *(f"visits_alone_{days}d" for days in _windows(columns, "visits_alone"))]
    if "opens" in signs_in(columns):
        spans = [f"{days}d" for days in _opens_windows(columns)]
        chosen += [f"{name}_{span}" for name in (OPENS, SENT) for span in (*spans, "ever")]
    return tuple(chosen)


@lru_cache(maxsize=64)
def signs_in(columns: tuple[str, ...]) -> tuple[str, ...]:
    """The kinds of sign these columns tell of."""
    has_opens = {f"{OPENS}_ever", f"{SENT}_ever"} <= set(columns)
    return ("visits",) * (set(VISITS) <= set(columns)) + ("opens",) * has_opens


def lives_of(columns: tuple[str, ...], column: Column) -> Lives:
    """What was seen of the customers of some rows."""
    x, t_x, T = (column(name) for name in ORDERS)
    T = np.maximum(T, SHORTEST)
    makers = {"visits": _visits, "opens": _opens}
    signs = tuple(makers[sign](columns, column, T) for sign in signs_in(columns))
    return Lives(x, np.clip(T - t_x, 0.0, T), T, signs)


def _visits(columns: tuple[str, ...], column: Column, T: Floats) -> Seen:
    ever, first, last = (column(name) for name in VISITS)
    oldest = np.fmax(first, T)
    silent = np.minimum(np.where(np.isnan(last), oldest, last), oldest)
    days, zeros = _windows(columns, "visits_alone"), np.zeros((len(T), 1))
    upto = [column(f"visits_alone_{one}d") for one in days]
    ages = np.maximum(_edges(days, oldest), silent[:, None])  # no visit came in the last `silent` days
    ages = np.hstack([zeros, ages])
    counts = np.hstack([zeros, _between([*upto, ever])])
    return Seen(ages, counts, np.diff(ages, axis=1))


def _opens(columns: tuple[str, ...], column: Column, T: Floats) -> Seen:
    days = _opens_windows(columns)
    opened, sent = (
        _between([*(column(f"{name}_{one}d") for one in days), column(f"{name}_ever")]) for name in (OPENS, SENT)
    )
    longest = float(days[-1]) + 1.0 if days else SHORTEST
    return Seen(_edges(days, np.maximum(T, longest)), opened, np.maximum(sent, opened))


def _edges(days: Sequence[int], oldest: Floats) -> Floats:
    fixed = np.array([0.0, *days])
    return np.column_stack([np.minimum(fixed, oldest[:, None]), oldest])


def _between(upto: Sequence[Floats]) -> Floats:
    """Counts between neighbouring windows, from counts up to each; an order's own visit may lie just outside of one."""
    running = np.maximum.accumulate(np.column_stack([np.zeros(len(upto[0])), *upto]), axis=1)
    return np.asarray(np.diff(running, axis=1))


@lru_cache(maxsize=64)
def _windows(columns: tuple[str, ...], name: str) -> tuple[int, ...]:
    found = (WINDOW.match(column) for column in columns)
    return tuple(sorted(int(each["days"]) for each in found if each and each["name"] == name))


@lru_cache(maxsize=64)
def _opens_windows(columns: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(days for days in _windows(columns, OPENS) if f"{SENT}_{days}d" in columns)
