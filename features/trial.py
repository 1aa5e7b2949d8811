"""A trial run of the shop's own features on one made-up customer, to catch a misspelt kind or field.

On real data such a word would not fail: of a kind that nobody knows nothing ever happened, and the column is all zeros.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import cache

from features.errors import ConfigError
from features.kinds import ENGAGEMENT_KINDS, ORDER, unknown_kind
from features.log import DAY_US, OCCASION
from features.past import Column, Past
from features.reading import log_from_records
from features.rows import Rows

# Reductions of a field, and the one they take when none is named.
OF_FIELD = {"sum": "value", "mean": "value", "last": "value", "total": None, "longest": None, "decayed": None}
DAYS = 90


class WordError(Exception):
    """A kind or field nobody knows, before the feature is named."""


def refuse_unknown_words(name: str, compute: Callable[[Past], Column]) -> None:
    """Raise ConfigError naming the feature when it asks for events or fields that there are none of."""
    try:
        compute(TrialPast(_rows(), DAYS, DAYS, half_life_days=DAYS))
    except WordError as error:
        raise ConfigError(f"{name}: {error}") from error
    except Exception:  # noqa: BLE001 - other troubles are told on the shop's own data, with the customer (blame.py)
        return


class TrialPast(Past):
    """The past of the made-up customer; it looks at every word."""

    def of(self, *kinds: str) -> TrialEvents:  # type: ignore[override]
        """The events of these kinds, if they are known."""
        for kind in kinds:
            if kind not in _fields():
                raise WordError(str(unknown_kind(kind, "past.of(...)")))
        return TrialEvents(super().of(*kinds), kinds)


class TrialEvents:
    """Events whose reductions look at the field they are asked for."""

    def __init__(self, events: object, kinds: tuple[str, ...]) -> None:
        self._events, self._kinds = events, kinds

    def __getattr__(self, name: str) -> Callable[..., object]:
        """The reduction of that name."""
        reduction: Callable[..., object] = getattr(self._events, name)
        if name not in OF_FIELD:
            return reduction

        def checked(*fields: str, **named: str) -> object:
            for field in (*fields, *named.values()) or (OF_FIELD[name],):
                self._require(field)
            return reduction(*fields, **named)

        return checked

    def _require(self, field: str | None) -> None:
        for kind in self._kinds if field is not None else ():
            known = _fields()[kind]
            if field not in known:
                near = difflib.get_close_matches(str(field), sorted(known), n=1)
                meant = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(sorted(known))}."
                raise WordError(f"the kind {kind!r} has no field {field!r}; {meant}")


@cache
def _rows() -> Rows:
    order = {"customer_id": "one", "order_id": "1", "ordered_at": DAY_US}
    events = [{"customer_id": "one", "kind": kind, "occurred_at": 2 * DAY_US} for kind in ENGAGEMENT_KINDS]
    return Rows.everyone(log_from_records([order], events), [10 * DAY_US])


@cache
def _fields() -> dict[str, frozenset[str]]:
    log = _rows().log
    return {kind: frozenset(log.of(kind).fields) for kind in (ORDER, OCCASION, *ENGAGEMENT_KINDS)}
