"""Score, reasons and profile: by id as the nightly run had them, by events computed now with the same code."""

from __future__ import annotations

import numpy as np
import orjson

from features.registry import feature_columns
from models.formulas import Rows
from models.plain import described, number
from models.reasons import Reason, contributions, top_reasons
from models.scorer import Scorer
from models.wording import USUAL_GAP, worded
from serving.desk import Desk, Entry, Named, error_entry, unknown
from serving.problems import Problem
from serving.requests import ScoreRequest, iso
from serving.store import Cell

PROFILE: tuple[Cell, ...] = ("score", "reasons", "decision")


def score(desk: Desk, request: ScoreRequest) -> Entry:
    """P(no order in the horizon) of each customer."""
    as_of_us = desk.instant(request.as_of)
    rows = desk.rows(request.customers, as_of_us)
    news_us, news = desk.news(request.customers, request.as_of)

    def scored(named: Named) -> dict[str, Entry]:
        found = _scored(desk, named, {"as_of": iso(as_of_us), "source": "events"})
        found |= _scored(desk, news, {"as_of": iso(news_us), "source": "received"})
        for each in request.customers:
            if each.features is not None and each.customer_id in named:
                found[each.customer_id]["source"] = "features"
        return found

    return {**desk.head(as_of_us), "customers": desk.entries(request.customers, rows, "score", scored)}


def explain(desk: Desk, request: ScoreRequest) -> Entry:
    """The features that move each customer's score most."""
    as_of_us = desk.instant(request.as_of)
    rows = desk.rows(request.customers, as_of_us)
    news_us, news = desk.news(request.customers, request.as_of)

    def reasoned(named: Named) -> dict[str, Entry]:
        # Exact shares of trees need the training library, which this process does without; the nightly ones are exact.
        if desk.scorer.run_trees is None:
            return _computed(desk, named, iso(as_of_us)) | _computed(desk, news, iso(news_us))
        return _nightly(desk, named) if desk.has_own_scores else _no_reasons({**named, **news})

    return {**desk.head(as_of_us), "customers": desk.entries(request.customers, rows, "reasons", reasoned)}


def profile(desk: Desk, customer_id: str) -> Entry:
    """All the nightly run knows of one customer; raises Problem when it knows nothing."""
    found = {cell: desk.store.cells(cell, [customer_id]) for cell in PROFILE}
    if customer_id not in found["score"]:
        raise unknown(customer_id)
    cells = {cell: orjson.loads(content[customer_id]) for cell, content in found.items()}
    return {
        **desk.head(desk.as_of_us),
        "model_version": str(desk.store.about["model_version"]),
        "customer_id": customer_id,
        "score": cells["score"],
        "reasons": cells["reasons"]["reasons"],
        "decision": cells["decision"],
    }


def _scored(desk: Desk, named: Named, head: Entry) -> dict[str, Entry]:
    probability = desk.probabilities(named).tolist()
    return {
        name: {"customer_id": name, **head, "churn_probability": each}
        for name, each in zip(named, probability, strict=True)
    }


def _nightly(desk: Desk, named: Named) -> dict[str, Entry]:
    stored = desk.store.cells("reasons", list(named))
    return {name: orjson.loads(stored[name]) if name in stored else entry for name, entry in _no_reasons(named).items()}


def _no_reasons(named: Named) -> dict[str, Entry]:
    told = "The model has trees and did not score this customer last night; ask again after the next nightly run."
    nothing = Problem("no-reasons", told, "customers")
    return {name: error_entry(name, nothing) for name in named}


def _computed(desk: Desk, named: Named, as_of: str) -> dict[str, Entry]:
    if not named:
        return {}
    rows = desk.scorer.rows(np.array(list(named.values())))
    reasons = _reasons(desk.scorer, rows, int(str(desk.store.about["reasons"])))
    return {
        name: {"customer_id": name, "as_of": as_of, "source": "events", "reasons": [_plain(one, gap) for one in each]}
        for name, each, gap in zip(named, reasons, _usual_gaps(rows), strict=True)
    }


def _usual_gaps(rows: Rows) -> list[float]:
    known = USUAL_GAP in rows.index
    return (rows.column(USUAL_GAP) if known else np.full(len(rows.values), np.nan)).tolist()


def _reasons(scorer: Scorer, rows: Rows, count: int) -> list[list[Reason]]:
    calibration = described(scorer.about["calibration"])
    found = contributions(scorer.formula, rows)
    exact = found.calibrated(number(calibration["intercept"]), number(calibration["slope"]))
    columns = feature_columns(scorer.settings)
    return top_reasons(exact, {column.name: column.feature.family for column in columns}, count)


def _plain(reason: Reason, usual_gap: float) -> Entry:
    value = None if np.isnan(reason.value) else reason.value
    words = worded(reason.feature, reason.value, {USUAL_GAP: usual_gap})
    return {"feature": reason.feature, "value": value, "direction": reason.direction, "in_words": words}
