"""Arrow tables of a chunk: the raw export with canonical column names and provenance, and the truth."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.tables import MONEY, TIME
from pipeline.demo_shop.baskets import CATEGORIES, Baskets
from pipeline.demo_shop.campaigns import Scene
from pipeline.demo_shop.events import KIND_NAMES, SUBJECTS
from pipeline.demo_shop.habits import SECONDS_PER_DAY, Flags, Floats, Ints
from pipeline.demo_shop.mess import GUEST, STATUSES, UNREADABLE_DATES, EventRows, OrderRows
from pipeline.demo_shop.people import CHANNELS, COUNTRIES, TIMEZONES, People
from pipeline.demo_shop.story import Story

CENT = 100  # ten-thousandths in a cent


class Exported(Protocol):
    """What the exports need of a story: the number of the export, its people, the baskets of its orders."""

    @property
    def number(self) -> int:
        """Of the export."""

    @property
    def people(self) -> People:
        """Everyone a row may speak of."""

    @property
    def baskets(self) -> Baskets:
        """What is in its orders."""


def orders_table(rows: OrderRows, story: Exported) -> pa.Table:
    """The orders export; times are text, because some of them are none."""
    people, baskets = story.people, story.baskets
    buyer = np.maximum(rows.person, 0)
    return pa.table(
        {
            "order_id": _ids("o", rows.number, 10),
            "customer_id": pc.if_else(pa.array(rows.person == GUEST), None, _customer_ids(people, buyer)),
            "ordered_at": _text_times(rows),
            "known_at": _texts(rows.known),
            "revenue": _money(rows.sign * baskets.revenue[rows.basket] * CENT),
            "discount": _money(np.abs(rows.sign) * baskets.discount[rows.basket] * CENT),
            "units": baskets.units[rows.basket],
            "currency": _named(("EUR",), np.zeros(len(rows), dtype=np.int64)),
            "channel": _named(CHANNELS, people.channel[buyer]),
            "status": _named(STATUSES, rows.status),
            **_provenance("orders", story.number, rows.overlap),
        }
    )


def order_items_table(rows: OrderRows, story: Exported) -> pa.Table:
    """The lines of every order in the export, parcels free of charge included."""
    baskets = story.baskets
    lines = np.bincount(baskets.line_order, minlength=len(baskets.revenue))
    first = np.cumsum(lines) - lines
    row = np.repeat(np.arange(len(rows)), lines[rows.basket])
    place = np.arange(len(row)) - np.repeat(np.cumsum(lines[rows.basket]) - lines[rows.basket], lines[rows.basket])
    line = first[rows.basket][row] + place
    product = baskets.line_product[line]
    return pa.table(
        {
            "order_id": _ids("o", rows.number[row], 10),
            "product_id": _ids("p", product, 6),
            "category": _named(CATEGORIES, product % len(CATEGORIES)),
            "quantity": baskets.line_quantity[line],
            "unit_price": _money(np.abs(rows.sign[row]) * baskets.line_price[line] * CENT),
            **_provenance("order_items", story.number, rows.overlap[row]),
        }
    )


def engagement_table(rows: EventRows, story: Exported) -> pa.Table:
    """The engagement export."""
    events = rows.events
    texts = pc.binary_join_element_wise(_named(SUBJECTS, events.subject_kind), _digits(events.subject, 10), "")
    value = np.nan_to_num(events.value)
    return pa.table(
        {
            "event_id": _ids("e", rows.number, 11),
            "customer_id": _customer_ids(story.people, events.person),
            "occurred_at": _times(events.day),
            "known_at": _times(rows.known),
            "kind": _named(KIND_NAMES, events.kind),
            "value": _money(np.rint(value * 100 * CENT).astype(np.int64), np.isnan(events.value)),
            "subject": pc.if_else(pa.array(events.subject_kind == 0), None, texts),
            "is_machine": events.is_machine,
            **_provenance("engagement", story.number, rows.overlap),
        }
    )


def customers_table(rng: np.random.Generator, story: Exported) -> pa.Table:
    """The customers export; one in a hundred stands in two exports, one in fifty never said yes or no to SMS."""
    people = story.people
    count = len(people)
    again = np.flatnonzero(rng.random(count) < 0.01)
    row = np.concatenate([np.arange(count), again])
    unsaid = (rng.random(count) < 0.02)[row]
    return pa.table(
        {
            "customer_id": _customer_ids(people, row),
            "first_seen_at": _times(people.first_seen[row]),
            "country": _named(COUNTRIES, people.country[row]),
            "timezone": _named(TIMEZONES, people.country[row]),
            "consent_email": people.consent_email[row],
            "consent_sms": pa.array(people.consent_sms[row], mask=unsaid),
            **_provenance("customers", story.number, np.arange(len(row)) >= count),
        }
    )


def true_customers_table(story: Story, scene: Scene) -> pa.Table:
    """The hidden state of each customer; a moment that never comes is null."""
    people, touches, life = story.people, story.touches, story.lifetimes
    number = np.nonzero(touches.sent)[1]
    per_person = np.concatenate([[0], np.cumsum(touches.sent.sum(axis=1))]).astype(np.int32)
    return pa.table(
        {
            "customer_id": _customer_ids(people, np.arange(len(people))),
            "rate_per_day": people.rate,
            "season_amplitude": people.amplitude,
            "first_order_at": _times(people.first_order),
            "natural_end_at": _moments(touches.natural_end),
            "upset_at": _moments(life.upset_at),
            "lifetime_end_at": _moments(life.end),
            "fade_days": life.fade,
            "lift_of_an_ask": people.lift,
            "lift_of_content": people.lift * scene.habits.content_lift_share,
            "ask_fatigue": people.ask_fatigue,
            "touched_at": pa.ListArray.from_arrays(per_person, _times(scene.campaigns.sent_at[number])),
            "touch_lift": pa.ListArray.from_arrays(per_person, pa.array(touches.relative_lift[touches.sent])),
        }
    )


def true_orders_table(story: Story) -> pa.Table:
    """The real orders of known customers, nothing else."""
    return pa.table(
        {
            "order_id": _ids("o", story.order_numbers, 10),
            "customer_id": _customer_ids(story.people, story.purchases.person),
            "ordered_at": _times(story.purchases.day),
            "revenue": _money(story.baskets.revenue * CENT),
        }
    )


def campaigns_table(scene: Scene) -> pa.Table:
    """The calendar of campaigns: everyone with consent was touched with this probability."""
    campaigns = scene.campaigns
    intent = _named(("content", "ask"), campaigns.is_ask.astype(np.int64))
    number = np.arange(len(campaigns.sent_at))
    columns = {"campaign": number, "sent_at": _times(campaigns.sent_at), "propensity": campaigns.propensity}
    return pa.table({**columns, "intent": intent})


def _digits(number: Ints, width: int) -> pa.Array:
    return pc.utf8_lpad(pc.cast(pa.array(number), pa.string()), width=width, padding="0")


def _ids(prefix: str, number: Ints, width: int) -> pa.Array:
    return pc.binary_join_element_wise(prefix, _digits(number, width), "")


def _customer_ids(people: People, rows: Ints) -> pa.Array:
    return _ids("c", people.number, 7).take(pa.array(rows))


def _named(names: tuple[str, ...], code: Ints) -> pa.Array:
    return pa.array(names).take(pa.array(code))


def _seconds(day: Floats) -> Ints:
    return np.floor(day * SECONDS_PER_DAY).astype(np.int64)


def _times(day: Floats) -> pa.Array:
    return pa.array(_seconds(day) * 1_000_000).cast(TIME)


def _moments(day: Floats) -> pa.Array:
    """Times, null where the day is infinite or so far off that nobody could tell the difference."""
    never = ~(day < 100_000.0)
    micros = _seconds(np.where(never, 0.0, day)) * 1_000_000
    return pa.array(micros, mask=never).cast(TIME)


def _texts(day: Floats) -> pa.Array:
    stamps = np.datetime_as_string(_seconds(day).astype("datetime64[s]"))
    return pc.binary_join_element_wise(pa.array(stamps), "Z", "")


def _text_times(rows: OrderRows) -> pa.Array:
    wrong = _named(UNREADABLE_DATES, np.maximum(rows.unreadable, 0))
    return pc.if_else(pa.array(rows.unreadable >= 0), wrong, _texts(rows.day))


def _money(ten_thousandths: Ints, missing: Flags | None = None) -> pa.Array:
    """Exact decimals straight from whole numbers: Arrow stores them as 128-bit integers."""
    wide = np.empty((len(ten_thousandths), 2), dtype=np.int64)
    wide[:, 0], wide[:, 1] = ten_thousandths, ten_thousandths >> 63
    amounts = pa.Array.from_buffers(MONEY, len(wide), [None, pa.py_buffer(wide)])
    return amounts if missing is None else pc.if_else(pa.array(missing), None, amounts)


def _provenance(table: str, chunk: int, overlap: Flags) -> dict[str, pa.Array]:
    """Which export a row stood in, and where: 1-based, each export counted by itself."""
    files = (f"{table}-{chunk:03d}", f"{table}-{chunk:03d}-overlap")
    place = np.where(overlap, np.cumsum(overlap), np.cumsum(~overlap))
    return {"source_file": _named(files, overlap.astype(np.int64)), "source_row": pa.array(place)}
