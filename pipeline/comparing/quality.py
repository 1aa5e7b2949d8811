"""Which of two runs is better on the rows they share, and how sure that is: overall, by segment and by budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from models.intervals import Bootstrap
from models.metrics import BETTER, Floats, Groups, Metric, lift_top, registry
from models.paired import Paired, gain_band, paired_metrics, reliability_band
from models.profit import Offer
from pipeline.comparing.profit import profit
from pipeline.comparing.sides import LEAST, Shared, Side
from pipeline.params import Evaluate
from pipeline.predicted import groups_of

DECIDING = "log_loss"  # what the models themselves are chosen by
BUDGETS = (1, 2, 5, 10, 20, 30, 50)  # percent of the customers
OF_SEGMENTS = ("log_loss", "roc_auc", "brier")
LIKELY = 0.9


def quality(rows: Shared, second: Side, how: Evaluate, offer: Offer) -> dict[str, object]:
    """Metrics, verdict, segments, budgets, profit and curves, all on the shared rows."""
    bootstrap = Bootstrap(how.resamples, how.seed, how.interval_share)
    metrics = registry(how.calibration_bins, how.top_share)
    found = paired_metrics(metrics, rows.churned, rows.probabilities, rows.customer_ids, bootstrap)
    return {
        "interval_share": how.interval_share,
        "churn_rate": float(rows.churned.mean()),
        "metrics": [{"name": name, **_told(name, one, second.letter)} for name, one in found.items()],
        "verdict": verdict(found[DECIDING], second.letter),
        "segments": _segments(rows, metrics, bootstrap, second.letter),
        "budgets": _budgets(rows, bootstrap, second.letter),
        "profit": profit(rows, offer, _percents(len(rows.churned)), bootstrap, second.letter),
        "curves": _curves(rows, bootstrap, how.calibration_bins),
    }


def verdict(found: Paired, letter: str) -> dict[str, object]:
    """The winner by log loss, in words that say how sure."""
    share = found.better / max(found.resamples, 1)
    winner = letter if found.difference.value < 0 else "A"
    of_winner = found.better if winner == letter else found.resamples - found.better
    counted = f"better in {of_winner:,} of {found.resamples:,} resamples of the customers"
    if found.is_clear:
        return {"better": winner, "sure": "clear", "text": f"{winner} is better; {counted}."}
    if max(share, 1.0 - share) >= LIKELY and found.difference.value != 0:
        return {"better": winner, "sure": "likely", "text": f"{winner} is probably better, but not surely; {counted}."}
    if found.difference.value == found.difference.low == found.difference.high == 0:
        return {"better": None, "sure": "same", "text": "Both say exactly the same of these customers."}
    return {
        "better": None,
        "sure": "open",
        "text": f"These customers cannot tell the two apart; {winner} is {counted}.",
    }


def _told(name: str, found: Paired, letter: str) -> dict[str, object]:
    lower = BETTER.get(name) == "lower"
    value = found.difference.value
    winner = None if not found.is_clear else (letter if (value < 0) == lower else "A")
    return {
        "a": _known(found.first.as_dict()),
        "b": _known(found.second.as_dict()),
        "difference": _known(found.difference.as_dict()),
        "better": found.better,
        "resamples": found.resamples,
        "winner": winner,
    }


def _known(values: Mapping[str, float]) -> dict[str, float | None]:
    return {key: float(value) if np.isfinite(value) else None for key, value in values.items()}


def _segments(
    rows: Shared, metrics: Mapping[str, Metric], bootstrap: Bootstrap, letter: str
) -> list[dict[str, object]]:
    """By orders so far and by age, as the first run saw them; too few customers or one outcome only has no figures."""
    wanted = {name: metrics[name] for name in OF_SEGMENTS}
    found = []
    for name, inside in groups_of(rows.first).items():
        churned, sides = rows.churned[inside], [each[inside] for each in rows.probabilities]
        told: dict[str, object] = {"name": name, "customers": int(inside.sum()), "churn_rate": float(churned.mean())}
        told |= {"promised_a": float(sides[0].mean()), "promised_b": float(sides[1].mean())}
        if len(churned) >= LEAST and churned.min() != churned.max():
            ids = rows.customer_ids[inside]
            measured = paired_metrics(wanted, churned, (sides[0], sides[1]), ids, bootstrap)
            told |= {metric: _told(metric, one, letter) for metric, one in measured.items()}
        found.append(told)
    return found


def _budgets(rows: Shared, bootstrap: Bootstrap, letter: str) -> list[dict[str, object]]:
    """How many leavers are among the customers that a budget reaches, the most at risk first."""
    size, leavers = len(rows.churned), int(rows.churned.sum())
    shares = {f"{percent}": percent / 100.0 for percent in _percents(size)}
    metrics: dict[str, Callable[[Groups], Floats]] = {name: _found_at(share) for name, share in shares.items()}
    measured = paired_metrics(metrics, rows.churned, rows.probabilities, rows.customer_ids, bootstrap)
    return [
        {
            "share": shares[name],
            "percent": int(name),
            "contacts": round(shares[name] * size),
            "leavers_a": round(one.first.value * leavers),
            "leavers_b": round(one.second.value * leavers),
            "more": round(one.second.value * leavers) - round(one.first.value * leavers),
            "more_low": round(one.difference.low * leavers),
            "more_high": round(one.difference.high * leavers),
            **_told(name, one, letter),
        }
        for name, one in measured.items()
    ]


def _percents(size: int) -> list[int]:
    """The budgets that reach at least one customer."""
    return [percent for percent in BUDGETS if percent * size >= 100]


def _found_at(share: float) -> Metric:
    return lambda groups: lift_top(groups, share) * share


def _curves(rows: Shared, bootstrap: Bootstrap, bins: int) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, probability in zip(("a", "b"), rows.probabilities, strict=True):
        gained = gain_band(rows.churned, probability, rows.customer_ids, bootstrap)
        kept = reliability_band(rows.churned, probability, rows.customer_ids, bootstrap, bins)
        for name, band in (("gain", gained), ("calibration", kept)):
            points = zip(band.x, band.y, band.low, band.high, strict=True)
            found[f"{name}_{key}"] = [[round(float(value), 6) for value in point] for point in points]
    return found
