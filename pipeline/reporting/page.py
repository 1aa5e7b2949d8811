"""The page: evidence and charts laid into the templates, in one self-contained file of UTF-8 HTML."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipeline.reporting import words
from pipeline.reporting.evidence import MONEY, STYLES, Evidence, Step
from pipeline.reporting.figures import figures
from pipeline.reporting.money import money_figures

TEMPLATES = Path(__file__).resolve().parents[1] / "templates"
HEAT_STRONG = 0.78  # from here on white ink has more contrast than dark ink


def page(documents: Mapping[str, object], plots: Path, model_card: str | None) -> str:
    """The report as HTML; `documents` are the JSON files by name, `plots` the folder of curve files."""
    evidence = Evidence(documents, currency=_currency(documents))
    templates = environment(evidence)
    templates.globals |= {"features": _features(evidence)}
    gone = set(_strings(evidence.at("quality", "absent")))
    drawn = figures(evidence, plots) | money_figures(evidence, plots)
    text = templates.get_template("report.html.j2").render(figures=drawn, card=model_card, gone=gone)
    return tidied(text)


def environment(evidence: Evidence) -> Environment:
    """The templates, with the numbers of this evidence in every style at hand."""
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals |= {style: _flattening(partial(evidence.shown, style)) for style in (*STYLES, *MONEY)}
    found.globals |= {
        "at": _flattening(evidence.at),
        "size": _flattening(evidence.size),
        "each": _flattening(partial(_each, evidence)),
        "leaves": partial(_leaves, evidence),
        "words": words,
        "heat": heat,
        "breakable": breakable,
        "features": {},
    }
    return found


def tidied(text: str) -> str:
    """Without empty lines and space at the ends of lines."""
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip()) + "\n"


def heat(share: float, strongest: float) -> Markup:
    """Background and ink of a heat map cell; `strongest` is the share that gets the full colour."""
    strength = min(share / strongest, 1.0) if strongest > 0 else 0.0
    ink = ";color:#fff" if strength > HEAT_STRONG else ""
    return Markup("background:rgb(11 98 150/{:.2f}){}").format(strength, ink)


def breakable(name: object) -> Markup:
    """A column's name that may break after its underscores, for narrow columns."""
    return Markup("_<wbr>").join(str(name).split("_"))


def _flattening(function: Callable[..., object]) -> Callable[..., object]:
    """The same function, whose steps of a path may also come in tuples: `share(pair, "rows", 0)`."""

    def flat(*path: Step | tuple[Step, ...]) -> object:
        return function(*(step for part in path for step in (part if isinstance(part, tuple) else (part,))))

    return flat


def _each(evidence: Evidence, *path: Step) -> list[Step]:
    """Keys of an object, by name, or places of a list; nothing where there is neither."""
    value = evidence.at(*path)
    if isinstance(value, Mapping):
        return sorted(value)
    return list(range(len(value))) if isinstance(value, list) else []


def _leaves(evidence: Evidence, *path: Step) -> list[tuple[Step, ...]]:
    """Paths of all values below a path, depth first."""
    value = evidence.at(*path)
    if isinstance(value, Mapping | list):
        return [leaf for step in _each(evidence, *path) for leaf in _leaves(evidence, *path, step)]
    return [path]


def _features(evidence: Evidence) -> dict[str, str]:
    """Each feature's own sentence, from the catalogue."""
    columns = evidence.at("catalogue", "columns")
    entries = columns if isinstance(columns, list) else []
    return words.FEATURES | {str(entry["name"]): str(entry["doc"]) for entry in entries}


def _strings(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _currency(documents: Mapping[str, object]) -> str | None:
    shop = documents.get("shop")
    found = shop.get("currency") if isinstance(shop, Mapping) else None
    return None if found is None else str(found)
