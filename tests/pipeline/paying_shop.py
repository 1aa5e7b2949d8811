"""A small shop with a ledger, written straight into the clean tables: who was drawn, what was sent, what came."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from features.decided import CLEAN, DECISIONS_FILE, FACTS
from features.log import DAY_US
from features.tables import SCHEMAS
from pipeline import paths
from pipeline.files import write_table
from serving.facts import Facts, facts_from_rows
from tests.serving.people import PERSON

START_US = 1_735_689_600_000_000  # 2025-01-01
NOW_US = START_US + 60 * DAY_US


@dataclass(frozen=True)
class Shop:
    """Sizes and truth: `lift` orders more per treated person, all of 100 money with a margin share of 0.35."""

    people: int = 4_000
    control_share: float = 0.3
    usual: float = 0.2
    lift: float = 0.0
    seed: int = 1


def ledger(shop: Shop, actions: tuple[str, ...] = ("how_to_content", "win_back_discount")) -> pd.DataFrame:
    """One decision per person on the first day, the action by even lot, delivered three hours later."""
    draws = np.random.default_rng(shop.seed)
    control = draws.random(shop.people) < shop.control_share
    chosen = draws.integers(0, len(actions), shop.people)
    names = np.array([f"c{number:05d}" for number in range(shop.people)])
    as_of = pd.Timestamp(START_US, unit="us", tz="UTC")
    chances = "{" + ",".join(f'"{name}":{1 / len(actions)}' for name in actions) + "}"
    treated = ~control
    return pd.DataFrame(
        {
            "decision_id": [f"d-{name}" for name in names],
            "customer_id": names,
            "arm": np.where(control, "control", "treatment"),
            "action": np.where(control, None, np.array(actions, dtype=object)[chosen]),
            "intent": None,
            "channel": None,
            "gate": np.where(control, "control", None),
            "message_id": [f"m-{name}" for name in names],
            "as_of": as_of,
            "run_seq": 1,
            "policy_version": "1",
            "model_version": "m",
            "chances": chances,
            "held_back": "[]",
            "own_control": "{}",
            "propensity": np.where(treated, 1 / len(actions), np.nan),
            "control_share": shop.control_share,
            "cost_money": np.where(treated, 0.5, np.nan),
            "offer_cost_money": np.where(treated, 0.0, np.nan),
            **{fact: draws.random(shop.people) for fact in FACTS},
            "delivered_at": [as_of + pd.Timedelta(hours=3) if one else pd.NaT for one in treated],
        }
    )


def write_shop(shop: Shop, decisions: pd.DataFrame | None) -> Facts:
    """Write clean orders and, if there are any, decisions; returns facts of today's customers."""
    draws = np.random.default_rng([shop.seed, 1])
    known = ledger(shop) if decisions is None else decisions.drop_duplicates("customer_id")
    treated = (known["arm"] == "treatment").to_numpy()
    count = draws.poisson(shop.usual + shop.lift * treated)
    who = np.repeat(known["customer_id"].to_numpy(object), count)
    day = draws.uniform(1.0, 20.0, len(who))
    earlier = draws.poisson(2 * shop.usual, len(known))
    before = np.repeat(known["customer_id"].to_numpy(object), earlier)
    write_orders(np.concatenate([who, before]), np.concatenate([day, -draws.uniform(1.0, 80.0, len(before))]))
    if decisions is not None:
        table = pa.Table.from_pandas(decisions[CLEAN.names], schema=CLEAN, preserve_index=False)
        write_table(paths.CLEAN / DECISIONS_FILE, table)
    return today(known["customer_id"].tolist())


def write_orders(who: np.ndarray, day: np.ndarray, revenue: float = 100.0, discount: float = 0.0) -> None:
    """Orders of 100 money on these days after START_US."""
    at = pd.to_datetime(START_US + (day * DAY_US).astype(np.int64), unit="us", utc=True)
    orders = pd.DataFrame(
        {
            "order_id": [f"o{number}" for number in range(len(who))],
            "customer_id": who,
            "ordered_at": at,
            "known_at": at,
            "revenue": revenue,
            "discount": discount,
            "units": 1,
            "currency": "EUR",
            "channel": None,
        }
    )
    schema = SCHEMAS["orders"]
    columns = [_column(orders[name], schema.field(name).type) for name in schema.names]
    write_table(paths.CLEAN / "orders.parquet", pa.table(columns, schema=schema))


def today(names: list[str]) -> Facts:
    """Everybody as a customer of today."""
    return facts_from_rows([{**PERSON, "customer_id": name} for name in names])


def _column(values: pd.Series, kind: pa.DataType) -> pa.Array:
    return pa.array(values, from_pandas=True).cast(kind)


def in_folder(folder: Path) -> None:
    """Make the folders that the stage expects."""
    (folder / paths.CLEAN).mkdir(parents=True, exist_ok=True)
