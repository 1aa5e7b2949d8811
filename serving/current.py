"""What is known of customers now: last night's facts, what was received since, the ledger of messages and the lists.

Of whom nothing came in since, last night's facts hold and only get older; the others are computed anew from their whole
history, by the code of the nightly run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import orjson

from features.log import DAY_US
from serving import received
from serving.desk import Desk, Entry
from serving.facts import Facts, facts_from_rows
from serving.history import HISTORY_KINDS, Events, Floats, gather_history
from serving.outbox.reading import Ledger
from serving.policy import CHANNELS
from serving.received import History

_AGES = ("days_since_last_order", "days_since_last_touch", "days_since_action")


@dataclass(frozen=True)
class Known:
    """Facts of customers at one instant; `uplift` per action, None while it is to be learned."""

    facts: Facts
    uplift: Floats | None


def read_known(
    desk: Desk, ledger: Ledger, news: Mapping[str, History], customer_ids: Iterable[str], as_of_us: int
) -> Known:
    """What is known just before the instant of customers of the store, sorted by id.

    `news`: the histories of those of whom something was received since last night.
    """
    cells = desk.store.cells("facts", sorted(set(customer_ids)))
    rows: dict[str, Entry] = {name: orjson.loads(cells[name]) for name in sorted(cells)}
    uplift = [row.pop("uplift", None) for row in rows.values()]
    for row in rows.values():
        _grow_older(row, (as_of_us - desk.as_of_us) / DAY_US)
    rows |= _renewed(desk, ledger, news, rows, as_of_us)
    for name, row in rows.items():
        _judge(row, name, ledger)
    known = None if any(each is None for each in uplift) else np.array(uplift, dtype=np.float64)
    return Known(facts_from_rows(list(rows.values())), known)


def with_ledger(facts: Facts, ledger: Ledger) -> Facts:
    """The same facts, and what ledger and lists say of the same people; in place."""
    for place, name in enumerate(facts.customer_id):
        row: Entry = {"suppressed": facts.suppressed[place]}
        _judge(row, name, ledger)
        for column, value in row.items():
            getattr(facts, column)[place] = value
    return facts


def _grow_older(row: Entry, days: float) -> None:
    if days:
        for name in _AGES:
            row[name] = _older(row[name], days)


def _older(age: object, days: float) -> object:
    if isinstance(age, list):
        return [_older(one, days) for one in age]
    return None if age is None else float(str(age)) + days


def _renewed(
    desk: Desk, ledger: Ledger, news: Mapping[str, History], rows: Mapping[str, Entry], as_of_us: int
) -> dict[str, Entry]:
    """The rows of those whose history says something else than last night, or than a day that has passed."""
    news = {name: history for name, history in news.items() if name in rows}
    stale = [name for name, row in rows.items() if name in ledger.perhaps_sent or row["touches_today"]]
    found = received.nightly(desk.store, [name for name in stale if name not in news]) | news
    if not found:
        return {}
    names = sorted(found)
    zones = [str(rows[name]["timezone"] or "") for name in names]
    events = _events([found[name] for name in names], [ledger.perhaps_sent.get(name, ()) for name in names])
    history = gather_history(len(names), events, as_of_us, desk.policy, zones)
    scored = _scored(desk, {name: news[name] for name in names if name in news}, as_of_us)
    renewed = {name: {**rows[name], **scored.get(name, {})} for name in names}
    places = range(len(names))
    columns = {name: np.asarray(values) for name, values in vars(history).items()}
    for place, name in zip(places, names, strict=True):
        told = {column: _plain(values[place]) for column, values in columns.items()}
        told["suppressed"] = bool(told["suppressed"] or rows[name]["suppressed"])
        renewed[name] |= told
    return renewed


def _scored(desk: Desk, news: Mapping[str, History], as_of_us: int) -> dict[str, Entry]:
    """Score, recency and orders of those of whom something came in; a model that does not speak of them gives none."""
    if not news:
        return {}
    columns = desk.scorer.feature_columns
    named = received.rows_of(news, as_of_us, desk.scorer.settings, columns)
    probability = dict(zip(named, desk.probabilities(named).tolist(), strict=True))
    place_of = {name: place for place, name in enumerate(columns)}
    found: dict[str, Entry] = {}
    for name in news:
        if name not in named:
            found[name] = {"churn_probability": None}
            continue
        values = {column: _plain(named[name][place]) for column, place in place_of.items()}
        spent, orders = values.get("spend_ever"), values["orders_ever"]
        found[name] = {
            "churn_probability": probability[name],
            "orders": orders,
            "days_since_last_order": values["days_since_last_order"],
            "mean_gap_days": values.get("gap_mean_days"),
            "order_value_money": float(str(spent)) / float(str(orders)) if spent is not None else None,
        }
    return found


def _judge(row: Entry, name: str, ledger: Ledger) -> None:
    barred = ledger.blocked.get(name, ())
    row["suppressed"] = bool(row["suppressed"]) or name in ledger.suppressed
    row["blocked"] = [channel in barred for channel in CHANNELS]
    row["open_message"] = name in ledger.waiting


def _events(histories: Sequence[History], perhaps: Sequence[Sequence[tuple[int, str]]]) -> Events:
    """The events that the gates look at, and what may have been sent, as if it had been."""
    rows = [
        (place, int(str(one["known_at"])), one["kind"], one.get("subject"))
        for place, history in enumerate(histories)
        for one in history["engagement"]
        if one["kind"] in HISTORY_KINDS and not one.get("is_machine")
    ]
    rows += [(place, at_us, "touch", f"{action}:") for place, sent in enumerate(perhaps) for at_us, action in sent]
    return Events.of(rows)


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray):
        return [_plain(one) for one in value]
    if isinstance(value, np.bool_):
        return bool(value)
    number = float(str(value))
    return None if np.isnan(number) else number
