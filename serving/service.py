"""`serving.service:ChurnService`, what BentoML serves: the routes of serving/app.py behind the guard.

The process imports no MLflow, pandas or scikit-learn. Importing this module reads what serving/labels.py tells, and
nothing else.
"""

from __future__ import annotations

import gc
import os

import numpy as np

# BentoML looks once, when it is first used; set outside, this would be lost for a Bento started by hand.
os.environ.setdefault("BENTOML_DO_NOT_TRACK", "True")

import bentoml
from bentoml._internal.server.http import traffic
from starlette.types import ASGIApp, Receive, Scope, Send

from models.plain import described, listed, number
from models.scorer import GOLDEN_TOLERANCE, Scorer
from serving.app import routes_app
from serving.champions import Champions
from serving.deadline import Deadline
from serving.desk import Desk
from serving.guard import Guard
from serving.labels import labels
from serving.metrics import Measured
from serving.settings import places

TIMEOUT_SECONDS = 60
_app = routes_app()


class Straight:
    """ASGI middleware: the pages below /v1/ to their routes at once, past BentoML's context and its search for them."""

    def __init__(self, app: ASGIApp, pages: ASGIApp) -> None:
        self.app, self.pages = app, pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on to whom it is for."""
        own = scope["type"] == "http" and scope["path"].startswith("/v1/")
        await (self.pages if own else self.app)(scope, receive, send)


traffic.TimeoutMiddleware = Deadline  # serving/deadline.py says why


def golden_rows_match(scorer: Scorer) -> bool:
    """Does the loaded model give its golden rows the probabilities they had in training?"""
    golden = [described(row) for row in listed(scorer.about["golden"])]
    values = np.array([[np.nan if v is None else number(v) for v in listed(row["values"])] for row in golden])
    wanted = np.array([number(row["churn_probability"]) for row in golden])
    return bool(np.all(np.abs(scorer.churn_probability(values) - wanted) <= GOLDEN_TOLERANCE))


def _publish(desk: Desk) -> None:
    # One assignment: a request that has begun keeps the desk it took.
    _app.state.desk = desk


@bentoml.service(
    name="ChurnService",
    labels=labels(places()),
    workers=1,
    traffic={"timeout": TIMEOUT_SECONDS},
    tracing={"excluded_urls": ".*"},  # spans that nobody collects would take a third of a request's time
    http={"host": "127.0.0.1"},
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},  # serving/metrics.py says why
)
@bentoml.asgi_app(_app, path="/")
class ChurnService:
    """Churn probability, reasons and next steps for a shop's customers."""

    def __init__(self) -> None:
        self.champions = Champions.open(places())
        golden_rows_match(self.champions.desk.scorer)
        _publish(self.champions.desk)
        self.champions.watch(_publish)
        # What is loaded now lives as long as the process; the collector need not look at it again.
        gc.collect()
        gc.freeze()

    def __is_ready__(self) -> bool:
        """BentoML's readiness probe."""
        return golden_rows_match(self.champions.desk.scorer)


ChurnService.add_asgi_middleware(Measured)  # type: ignore[attr-defined]
ChurnService.add_asgi_middleware(Guard)  # type: ignore[attr-defined]
ChurnService.add_asgi_middleware(Straight, pages=_app)  # type: ignore[attr-defined]
