"""From the night's scores to messages that went out: plan, trigger and dispatcher, with the real database and files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import sqlalchemy as sa

from features.log import DAY_US
from pipeline.loop.folder import hushed
from pipeline.loop.touches import Chosen
from pipeline.params import Params
from pipeline.plan import plan
from serving.desk import Desk
from serving.dispatch.__main__ import lanes
from serving.dispatch.settings import Dispatch, read_dispatch
from serving.inbox.database import inbox_url, open_database
from serving.outbox.tables import DECISIONS, MESSAGES
from serving.requests import iso
from serving.settings import places
from serving.trigger import Call, trigger

# In the afternoon of the day: nobody of the demo shop, from New York to Berlin, is asleep or at dinner.
SEND_HOUR = 15
DESTINATION = {"messages": {"kind": "csv", "channels": ["email", "sms", "push", "task"], "path": "data/messages.csv"}}


def with_one_file(params: Params) -> Params:
    """The same params with every channel's messages going to one CSV file of the folder."""
    told = params.dispatch.model_dump(mode="json") | {"destinations": DESTINATION}
    return params.model_copy(update={"dispatch": Dispatch.model_validate(told)})


def plan_and_send(params: Params, as_of_us: int) -> Chosen:
    """Decide and commit at the instant, send in its afternoon; what went out, as the outbox knows it."""
    with hushed():
        plan(params)
    trigger(Desk.open(places()), Call.of(orjson.dumps({"as_of": iso(as_of_us)}), as_of_us))
    now_us = as_of_us + SEND_HOUR * DAY_US // 24
    _dispatch(now_us)
    return sent_at(list(params.plan.actions), now_us)


def _dispatch(now_us: int) -> None:
    """All that is due by a clock that stands still, so that the same run gives the same rows."""
    where = places()
    engine = open_database(inbox_url(where.home))
    for lane in lanes(engine, read_dispatch(where.params), where, (1, lambda: now_us)):
        lane.once()
        lane.sink.close()
    engine.dispose()


def sent_at(actions: list[str], now_us: int) -> Chosen:
    """The messages that went out at an instant, in order of customers."""
    engine = open_database(inbox_url(Path()))
    query = (
        sa.select(MESSAGES.c.customer_id, MESSAGES.c.action, MESSAGES.c.sent_us, DECISIONS.c.propensity)
        .join_from(MESSAGES, DECISIONS, MESSAGES.c.decision_id == DECISIONS.c.decision_id)
        .where(MESSAGES.c.state == "sent", MESSAGES.c.sent_us == now_us)
        .order_by(MESSAGES.c.customer_id)
    )
    with engine.connect() as connection:
        rows = connection.execute(query).all()
    engine.dispose()
    return Chosen(
        customer_id=np.array([str(row[0]) for row in rows], dtype=object),
        action=np.array([actions.index(str(row[1])) for row in rows], dtype=np.int64),
        at_us=np.array([int(row[2]) for row in rows], dtype=np.int64),
        propensity=np.array([row[3] for row in rows], dtype=np.float64),
        is_told=True,
    )
