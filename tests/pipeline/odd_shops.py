"""Shops that are hard to learn from, as order files, taken through the real stages from `pull` to `report`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pipeline.check import check
from pipeline.evaluate import evaluate
from pipeline.featurize import featurize
from pipeline.params import Params
from pipeline.plan import plan
from pipeline.promote import promote
from pipeline.pull import pull
from pipeline.report import report
from pipeline.score import score
from pipeline.track import track
from pipeline.train import train
from tests.pipeline.shops import files_params, write_csv

DAYS = 720
FIRST = np.datetime64("2023-01-01T12:00")
HEAD = "order_id,customer_id,ordered_at,revenue"
Order = tuple[str, int, float]  # customer, day, revenue


def odd_params(**tables: dict[str, object]) -> Params:
    """Two quick candidates, one origin, few resamples: the shop is what is tried, not the models."""
    params = files_params("UTC", **(tables or {"orders": {"path": "orders.csv"}}))
    trees = params.train.xgboost.model_copy(update={"rounds": 8})
    quick = {"candidates": ["recency_rule", "bgnbd", "xgboost"], "origins": 1, "xgboost": trees}
    quick["tuning"] = params.train.tuning.model_copy(update={"trials": 0})
    return params.model_copy(
        update={
            "train": params.train.model_copy(update=quick),
            "evaluate": params.evaluate.model_copy(update={"resamples": 20}),
            "snapshots": params.snapshots.model_copy(update={"max_cutoffs": 8}),
        }
    )


def people(customers: int, seed: int = 1) -> Iterator[Order]:
    """Customers who come at their own pace until they leave: about half churn within 90 days."""
    draw = np.random.default_rng(seed)
    for number in range(customers):
        day, gap, left = draw.uniform(0, DAYS - 60), draw.gamma(2.0, 20.0) + 4, draw.exponential(250.0)
        end = day + left
        while day < min(end, DAYS):
            yield f"c{number:03d}", int(day), float(round(draw.lognormal(3.0, 0.5), 2))
            day += draw.exponential(gap) + 1


def write_orders(orders: Iterator[Order] | list[Order], columns: str = HEAD) -> Path:
    """One CSV of orders in the working directory."""
    names = columns.split(",")
    lines = []
    for number, (customer, day, revenue) in enumerate(orders):
        cells = {
            "order_id": f"o{number:05d}",
            "customer_id": customer,
            "ordered_at": str(FIRST + np.timedelta64(day, "D")),
            "revenue": f"{revenue}",
        }
        lines.append(",".join(cells.get(name, "") for name in names))
    return write_csv(Path("orders.csv"), columns, *lines)


def learned(params: Params) -> None:
    """From the files to a model that has been tested."""
    for stage in (pull, check, featurize, train, evaluate):
        stage(params)


def scored(params: Params) -> None:
    """The whole way: tested, tracked, through the gate, scored, planned and reported."""
    learned(params)
    for stage in (track, promote, score, plan, report):
        stage(params)
