"""The catalogue as a page: every column in a table that a reader can search and sort, in one self-contained file."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from pipeline.reporting.evidence import Evidence
from pipeline.reporting.page import environment, tidied


def catalogue_page(told: Mapping[str, object]) -> str:
    """The page as HTML; `told` is `reports/catalogue.json`, and every number on the page is bound to it."""
    evidence = Evidence({"catalogue": told})
    templates = environment(evidence)
    templates.globals |= {
        "by_importance": partial(by_importance, evidence),
        "share_of_most": partial(share_of_most, evidence),
    }
    return tidied(templates.get_template("catalogue.html.j2").render())


def by_importance(evidence: Evidence, part: str) -> list[int]:
    """Places of the columns or families, the most important first, those that the model does not use last."""
    listed = evidence.at("catalogue", part)
    places = range(len(listed)) if isinstance(listed, list) else range(0)
    return sorted(places, key=lambda place: -_rise(evidence, part, place))


def share_of_most(evidence: Evidence, part: str, place: int) -> float:
    """An importance over the largest of its part, from 0 to 1."""
    most = max(_rise(evidence, part, other) for other in by_importance(evidence, part))
    return max(_rise(evidence, part, place), 0.0) / most if most > 0 else 0.0


def _rise(evidence: Evidence, part: str, place: int) -> float:
    value = evidence.at("catalogue", part, place, "importance", "value")
    return float(str(value)) if value is not None else float("-inf")
