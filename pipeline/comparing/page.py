"""The comparison as one self-contained page, and as the document that every number on it is bound to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from markupsafe import Markup

from models.profit import Offer
from pipeline.comparing.figures import figures
from pipeline.comparing.moves import moves
from pipeline.comparing.quality import quality
from pipeline.comparing.sides import REVENUE, Side, Tree, shared
from pipeline.comparing.versions import code_told, data_told, params_told
from pipeline.params import Evaluate
from pipeline.reporting.evidence import Evidence
from pipeline.reporting.page import environment, tidied
from pipeline.reporting.words import FEATURES


def compared(sides: Sequence[Side], how: Evaluate, offer: Offer) -> dict[str, object]:
    """The first run against each of the others, as plain values for JSON."""
    pairs = [_pair(sides[0], other, how, offer) for other in sides[1:]]
    return {"sides": [side.told() for side in sides], "pairs": pairs}


def compare_page(sides: Sequence[Side], document: Tree) -> str:
    """The page as HTML."""
    evidence = Evidence({"compare": document})
    templates = environment(evidence)
    pairs = cast("Sequence[Tree]", document["pairs"])
    charts: list[dict[str, Markup | None]] = [
        figures(number, sides[0], other, cast("Tree | None", pair["quality"]))
        for number, (other, pair) in enumerate(zip(sides[1:], pairs, strict=True))
    ]
    templates.globals |= {
        "features": _features(sides),
        "charts": charts,
        "gaps": [_gaps(pair) for pair in pairs],
        "profits": [sum(REVENUE in side.rows.columns for side in (sides[0], other)) for other in sides[1:]],
        "most_in_cell": [_most(pair) for pair in pairs],
    }
    return tidied(templates.get_template("compare.html.j2").render())


def _gaps(pair: Tree) -> str:
    """The mean gaps of calibration in words, for the text beside the chart."""
    quality = cast("Mapping[str, list[Mapping[str, object]]] | None", pair["quality"])
    errors = [one for one in quality["metrics"] if one["name"] == "calibration_error"] if quality else []
    values = [cast("Mapping[str, float]", errors[0][key])["value"] for key in ("a", "b")] if errors else []
    letter = cast("Mapping[str, str]", pair["b"])["letter"]
    return f"{values[0]:.3f} in A, {values[1]:.3f} in {letter}" if values else "unknown"


def _most(pair: Tree) -> int:
    """The fullest cell of the table of deciles."""
    moved = cast("Mapping[str, list[list[int]]] | None", pair["moves"])
    return max(max(row) for row in moved["table"]) if moved else 1


def _pair(first: Side, second: Side, how: Evaluate, offer: Offer) -> dict[str, object]:
    rows, said = shared(first, second)
    return {
        "a": first.told(),
        "b": second.told(),
        "rows": said,
        "quality": quality(rows, second, how, offer) if rows else None,
        "moves": moves(rows) if rows else None,
        "params": params_told(first, second),
        "code": code_told(first, second),
        "data": data_told(first, second),
    }


def _features(sides: Sequence[Side]) -> dict[str, str]:
    """Each feature's own sentence, from the catalogues the runs kept."""
    listed = [cast("Sequence[Tree]", side.facts.get("columns", [])) for side in sides]
    return FEATURES | {str(one["name"]): str(one["doc"]) for columns in listed for one in columns if "doc" in one}
