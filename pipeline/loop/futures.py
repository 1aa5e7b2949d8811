"""One future of the shop: month after month somebody chooses whom to touch, and the world lives it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from features.log import DAY_US
from pipeline.demo_shop.ahead import World
from pipeline.demo_shop.ahead_people import MONTH_DAYS, Everybody
from pipeline.demo_shop.ahead_tables import month_tables, touches_table
from pipeline.demo_shop.ahead_truth import true_value
from pipeline.loop.folder import inside, write_exports
from pipeline.loop.touches import Chosen, net_margin, nobody, offers, positions, sent_of
from pipeline.params import Params
from pipeline.stage import progress
from serving.history import Floats
from serving.policy import Policy

# Given the world, the month and the night's params: who is touched. It runs in the future's own folder.
Choose = Callable[[World, int, Params], Chosen]
# Where the tables of a month go, so that the next night knows them.
Tell = Callable[[dict[str, pa.Table], int], None]


@dataclass(frozen=True)
class Plot:
    """What all futures of one comparison share; `until` is the day up to which the oracle looks."""

    everybody: Everybody
    seed: int
    months: int
    policy: Policy
    margin_share: float
    tell: Tell = write_exports

    @property
    def until(self) -> float:
        """The end of the months."""
        return self.everybody.scene.period.end + self.months * MONTH_DAYS

    def world(self) -> World:
        """A world at t0."""
        return World(self.everybody, self.seed, self.margin_share)


@dataclass
class Future:
    """What came of it: net margin per person, and what was sent."""

    name: str
    net: Floats
    contacts: int = 0
    asks: int = 0
    complaints: int = 0
    unsubscribed: int = 0
    promised: float = 0.0  # the true value of what was sent, when it was sent
    to_the_gone: int = 0
    months: list[Floats] = field(default_factory=list)


def lived(name: str, plot: Plot, home: Path, night: Callable[[int], Params] | None, choose: Choose | None) -> Future:
    """Live all months; without `night` nobody is touched and no stage runs. The folder holds the exports up to t0."""
    world = plot.world()
    future = Future(name, np.zeros(len(plot.everybody.people)))
    with inside(home):
        for month in range(plot.months):
            chosen = None
            if night is not None and choose is not None:
                chosen = choose(world, month, night(month))
            _live(future, plot, world, chosen, is_told=night is not None)
            progress(f"{name}: month {month + 1} of {plot.months}, {0 if chosen is None else len(chosen):,} touched")
    future.unsubscribed = int(((world.unsubscribed_at < world.begin) & plot.everybody.people.consent_email).sum())
    return future


def _live(future: Future, plot: Plot, world: World, chosen: Chosen | None, is_told: bool) -> None:
    touched = nobody() if chosen is None else chosen
    _count(future, plot, world, touched)
    month = world.live(sent_of(touched, plot.policy, plot.everybody))
    net = net_margin(month, touched, plot.policy, plot.everybody)
    future.complaints += int(month.complaints.sum())
    future.net += net
    future.months.append(net)
    if is_told:
        tables = month_tables(plot.everybody, month)
        if not touched.is_told:
            tables["engagement"] = _with_touches(tables["engagement"], plot, touched)
        plot.tell(tables, month.number)


def _count(future: Future, plot: Plot, world: World, chosen: Chosen) -> None:
    """What the oracle says of the touches, before they are lived."""
    if not len(chosen):
        return
    every = offers(plot.policy, plot.everybody.scene.habits.content_lift_share)
    who = positions(plot.everybody, chosen.customer_id)
    at = float(chosen.at_us.min()) / DAY_US
    value = np.array([true_value(world, offer, at, plot.until) for offer in every])
    future.promised += float(value[chosen.action, who].sum())
    future.contacts += len(chosen)
    future.asks += int(np.array([offer.is_ask for offer in every])[chosen.action].sum())
    future.to_the_gone += int((world.end[who] < at).sum())


def _with_touches(engagement: pa.Table, plot: Plot, chosen: Chosen) -> pa.Table:
    names = np.array(list(plot.policy.actions), dtype=object)[chosen.action]
    sent = sent_of(chosen, plot.policy, plot.everybody)
    return pa.concat_tables([engagement, touches_table(plot.everybody, sent, names, chosen.propensity)])
