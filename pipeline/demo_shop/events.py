"""Engagement events as columns; a subject is a kind of thing and its number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.kinds import ENGAGEMENT_KINDS
from pipeline.demo_shop.habits import Flags, Floats, Ints

BROKEN_KINDS = ("emial_open", "page_scrolled", "undefined")
KIND_NAMES = (*ENGAGEMENT_KINDS, *BROKEN_KINDS)
CODE = {kind: code for code, kind in enumerate(KIND_NAMES)}
# What stands before the number in the text of a subject; the last two are `<action>:<touch id>`.
SUBJECTS = ("", "p", "news-", "push-", "k", "o", "how_to_content:t", "win_back_discount:t")
NOTHING, PRODUCT, NEWSLETTER, PUSH, TICKET, ORDER, CONTENT_TOUCH, ASK_TOUCH = range(len(SUBJECTS))


@dataclass(frozen=True)
class Events:
    """One row per event; `value` is NaN where the kind has none."""

    kind: Ints
    person: Ints
    day: Floats
    value: Floats
    subject_kind: Ints
    subject: Ints
    is_machine: Flags

    def __len__(self) -> int:
        """Number of events."""
        return len(self.person)

    def take(self, rows: Ints) -> Events:
        """The events in these rows."""
        return Events(**{name: column[rows] for name, column in vars(self).items()})


def happened(
    kind: str,
    person: Ints,
    day: Floats,
    value: Floats | float = np.nan,
    subject: tuple[Ints | int, Ints | int] = (0, 0),
) -> Events:
    """Human events of one kind."""
    count = len(person)
    return Events(
        kind=np.full(count, CODE[kind]),
        person=person,
        day=day,
        value=np.broadcast_to(np.asarray(value, dtype=np.float64), count),
        subject_kind=np.broadcast_to(np.asarray(subject[0], dtype=np.int64), count),
        subject=np.broadcast_to(np.asarray(subject[1], dtype=np.int64), count),
        is_machine=np.zeros(count, dtype=bool),
    )


def by_machine(events: Events) -> Events:
    """The same events, done by a mail program instead of a person."""
    return Events(**{**vars(events), "is_machine": np.ones(len(events), dtype=bool)})


def joined(parts: Sequence[Events]) -> Events:
    """All events, part after part."""
    return Events(
        **{name: np.concatenate([vars(part)[name] for part in parts]) for name in Events.__dataclass_fields__}
    )
