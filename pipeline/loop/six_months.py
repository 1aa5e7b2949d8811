"""The futures that are compared: without the loop, with it, by risk alone, by past campaigns, and by the truth."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from models.response import Response
from pipeline.demo_shop.ahead import World
from pipeline.demo_shop.ahead_people import everybody
from pipeline.demo_shop.ahead_tables import month_begin_us
from pipeline.loop import arms, past
from pipeline.loop.folder import copied, inside
from pipeline.loop.futures import Choose, Future, Plot, lived
from pipeline.loop.nights import Nights, decisions_of
from pipeline.loop.policies import contacts_of, policy_of_messages, without_controls
from pipeline.loop.sending import plan_and_send, with_one_file
from pipeline.loop.touches import Chosen
from pipeline.params import Params

WITHOUT, LOOP, RISK, ORACLE = "without the loop", "the loop", "highest risk", "the oracle"
TAUGHT = "past campaigns"
NAMES = (LOOP, RISK, TAUGHT, ORACLE, WITHOUT)
WORKERS = 2


@dataclass(frozen=True)
class Asked:
    """A comparison: the project's params, how many customers at t0, months, and the seed of shop and luck."""

    params: Params
    customers: int
    months: int
    seed: int

    @property
    def nights(self) -> Nights:
        """The nightly runs."""
        policy = policy_of_messages(self.params.plan, contacts_of(self.customers))
        return Nights.of(with_one_file(self.params), self.customers, self.seed, policy)

    def plot(self) -> Plot:
        """What the futures share."""
        nights = self.nights
        people = everybody(self.seed, self.customers, nights.period, self.months)
        return Plot(people, self.seed, self.months, nights.params.plan, nights.params.score.margin_share)


def futures(asked: Asked, home: Path, names: Sequence[str] = NAMES) -> dict[str, Future]:
    """Live them, two at a time, each in a folder of its own below `home`."""
    with inside(home / "t0"):
        asked.nights.open_shop()
    # A process of its own for each: the stages work in the current folder.
    with ProcessPoolExecutor(WORKERS, multiprocessing.get_context("spawn")) as pool:
        found = list(pool.map(future, [asked] * len(names), [home] * len(names), names))
    return dict(zip(names, found, strict=True))


def future(asked: Asked, home: Path, name: str) -> Future:
    """One of them, to its end."""
    folder, plot = home / name.replace(" ", "_"), asked.plot()
    if name == WITHOUT:
        return lived(name, plot, folder, None, None)
    copied(home / "t0", folder)
    return lived(name, plot, folder, asked.nights.at, _choose(asked, plot, name))


def _choose(asked: Asked, plot: Plot, name: str) -> Choose:
    nights, free = asked.nights, without_controls(plot.policy)

    def by_loop(world: World, month: int, params: Params) -> Chosen:
        nights.run(params, learn=True)
        return plan_and_send(params, month_begin_us(world.everybody, month))

    def by_risk(_: World, __: int, params: Params) -> Chosen:
        nights.run(params, learn=True)
        decisions = decisions_of(params, free)
        return arms.chosen(decisions, arms.highest_risk(decisions), plot.policy.max_contacts)

    def by_truth(world: World, month: int, params: Params) -> Chosen:
        nights.run(params, learn=month == 0)  # its scores only open the gates
        decisions = decisions_of(params, free)
        worth = arms.by_value(decisions, arms.true_values(decisions, world, plot.until))
        return arms.chosen(decisions, worth, plot.policy.max_contacts)

    return {LOOP: by_loop, RISK: by_risk, TAUGHT: _taught(nights, plot), ORACLE: by_truth}[name]


def _taught(nights: Nights, plot: Plot) -> Choose:
    """What is expected to pay, by the uplift that the campaigns before t0 teach."""
    answers: dict[str, Response] = {}
    free = without_controls(plot.policy)

    def by_past(world: World, month: int, params: Params) -> Chosen:
        nights.run(params, learn=True)
        if month == 0:
            answers.update(past.learned(params, month_begin_us(world.everybody, 0)))
            nights.again(params, learn=False)
        decisions = decisions_of(params, free)
        worth = arms.by_value(decisions, past.values(answers, decisions.case.facts, free))
        return arms.chosen(decisions, worth, plot.policy.max_contacts)

    return by_past
