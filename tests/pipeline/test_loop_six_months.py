"""The loop through the real stages, trigger, outbox and dispatcher, on a small shop."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from pipeline.demo_shop.ahead import World, nothing_sent
from pipeline.demo_shop.ahead_tables import customer_ids, month_begin_us
from pipeline.loop.folder import copied, inside
from pipeline.loop.futures import Future, Plot, lived
from pipeline.loop.nights import Nights
from pipeline.loop.policies import policy_of_messages
from pipeline.loop.sending import plan_and_send, with_one_file
from pipeline.loop.six_months import LOOP, WITHOUT, Asked, future
from pipeline.loop.touches import Chosen
from pipeline.params import Params, load_params
from serving.policy import Policy
from tests.pipeline.shops import ROOT

PARAMS = load_params(ROOT / "params.yaml")
ASKED = Asked(PARAMS, customers=400, months=2, seed=7)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loop")
    with inside(folder / "t0"):
        ASKED.nights.open_shop()
    return folder


@pytest.fixture(scope="module")
def looped(home: Path) -> Iterator[Future]:
    return future(ASKED, home, LOOP)


def messages(folder: Path) -> list[tuple[str, str, str, int]]:
    with sqlite3.connect(folder / "data" / "inbox.db") as connection:
        query = "SELECT message_id, customer_id, state, sent_us FROM messages ORDER BY message_id"
        return [tuple(row) for row in connection.execute(query)]


def test_messages_went_out_and_came_back_as_touches_of_the_next_night(home: Path, looped: Future) -> None:
    sent = [row for row in messages(home / "the_loop") if row[2] == "sent"]
    assert len(sent) == looped.contacts > 20
    second = month_begin_us(ASKED.plot().everybody, 1)
    engagement = pq.read_table(home / "the_loop" / "data" / "clean" / "engagement.parquet")
    touches = engagement.filter(
        pc.and_(pc.equal(engagement["kind"], "touch"), pc.starts_with(engagement["event_id"], "m-"))
    )
    assert sorted(touches["event_id"].to_pylist()) == [row[0] for row in sent if row[3] < second]
    lines = (home / "the_loop" / "data" / "messages.csv").read_text(encoding="utf-8")
    assert all(row[0] in lines for row in sent)


def test_the_second_night_learned_from_the_first_month(home: Path, looped: Future) -> None:
    orders = pq.read_table(home / "the_loop" / "data" / "clean" / "orders.parquet")["known_at"].cast("int64")
    first, second = (month_begin_us(ASKED.plot().everybody, month) for month in (0, 1))
    assert pc.sum(pc.and_(pc.greater_equal(orders, first), pc.less(orders, second))).as_py() > 10
    scored = pq.read_table(home / "the_loop" / "data" / "scores.parquet")
    assert set(scored["as_of"].cast("int64").to_pylist()) == {second}
    newcomers = customer_ids(ASKED.plot().everybody)[ASKED.plot().everybody.newcomers(0)]
    assert set(newcomers) <= set(scored["customer_id"].to_pylist())


def test_the_same_seed_gives_the_same_future(home: Path, looped: Future, tmp_path: Path) -> None:
    copied(home / "t0", tmp_path / "t0")
    again = future(ASKED, tmp_path, LOOP)
    assert again.net.tolist() == looped.net.tolist()
    assert (again.contacts, again.asks, again.promised) == (looped.contacts, looped.asks, looped.promised)
    assert messages(tmp_path / "the_loop") == messages(home / "the_loop")


def test_without_the_loop_is_the_world_without_touches(home: Path) -> None:
    plot = ASKED.plot()
    world = plot.world()
    margins = sum(world.live(nothing_sent()).margin for _ in range(2))
    found = future(ASKED, home, WITHOUT)
    assert found.net.tolist() == np.asarray(margins).tolist()
    assert (found.contacts, found.promised) == (0, 0.0)


def pushy() -> Policy:
    """Asks everybody at every turn, whatever they think of it."""
    told = policy_of_messages(PARAMS.plan, None).model_dump(mode="json")
    ask = told["actions"]["win_back_discount"] | {
        "days_since_last_order": [0, 365],
        "min_churn_probability": 0.0,
        "orders": [1, None],
        "cooldown_days": 0,
        "control_share": 0.0,
    }
    freely = {"max_ask_share": 1.0, "max_complaint_share": 1.0, "control_share": 0.0, "open_order_days": 0}
    return Policy.model_validate({**told, **freely, "min_value_money": -1e6, "actions": {"win_back_discount": ask}})


def test_the_annoyed_unsubscribe_and_are_never_contacted_again(home: Path, tmp_path: Path) -> None:
    nights = Nights.of(with_one_file(PARAMS), 400, 7, pushy())
    shop = ASKED.plot().everybody
    touchy = replace(shop, people=replace(shop.people, ask_fatigue=np.ones(len(shop.people))))
    plot = Plot(touchy, 7, 2, pushy(), 0.35)
    sent: list[Chosen] = []
    gone: list[set[str]] = []

    def choose(world: World, month: int, params: Params) -> Chosen:
        gone.append(set(customer_ids(touchy)[world.unsubscribed_at < world.begin]))
        nights.run(params, learn=month == 0)
        sent.append(plan_and_send(params, month_begin_us(touchy, month)))
        return sent[-1]

    copied(home / "t0", tmp_path / "pushy")
    found = lived("pushy", plot, tmp_path / "pushy", nights.at, choose)
    left = (gone[1] - gone[0]) & set(sent[0].customer_id)
    assert len(left) > 5
    assert found.complaints > 0
    assert len(sent[1]) > 0
    assert not gone[1] & set(sent[1].customer_id)
    assert set(sent[1].customer_id) & set(sent[0].customer_id)
