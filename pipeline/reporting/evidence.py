"""The JSON files behind the page, and numbers that carry where they come from.

A number is addressed by file and path, `("metrics", "metrics", "roc_auc", "ours", "value")`, and is written as
`<span data-key="metrics.json#/metrics/roc_auc/ours/value" data-value="0.81">0.810</span>`: a JSON pointer
(RFC 6901) and the raw value, so that a test can hold the page against the files.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from markupsafe import Markup

Step = str | int
THIN = "\N{NARROW NO-BREAK SPACE}"
ABSENT = Markup('<span class="absent" title="not available">–</span>')


class Evidence:
    """The documents a page is made of, by file name without `.json`."""

    def __init__(self, documents: Mapping[str, object], currency: str | None = None) -> None:
        self.documents = documents
        self.currency = currency

    def at(self, *path: Step) -> object:
        """The value at a path; None where a file or key is missing."""
        found: object = self.documents
        for step in path:
            found = _child(found, step)
        return found

    def shown(self, style: str, *path: Step) -> Markup:
        """The value at a path, written in a style and bound to its source; a dash when there is none."""
        value = self.at(*path)
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            return ABSENT
        return Markup('<span data-key="{}" data-value="{}">{}</span>').format(
            pointer(path), json.dumps(value), self.written(style, value)
        )

    def size(self, *path: Step) -> Markup:
        """How many entries a list has, bound to the list."""
        value = self.at(*path)
        if not isinstance(value, list):
            return ABSENT
        return Markup('<span data-key="{}" data-value="{}">{}</span>').format(
            pointer(path), json.dumps(value), f"{len(value):,}"
        )

    def bound(self, style: str, *path: Step) -> Markup:
        """The same for an SVG label; the style is its class."""
        value = self.at(*path)
        return Markup('<tspan class="{}" data-key="{}" data-value="{}">{}</tspan>').format(
            style, pointer(path), json.dumps(value), self.written(style, value)
        )

    def written(self, style: str, value: object) -> str:
        """A value as a reader wants it; styles are the keys of STYLES and of MONEY."""
        if style in MONEY:
            return f"{self.currency or ''} {MONEY[style](float(str(value)))}".strip()
        return STYLES[style](value)


def pointer(path: Sequence[Step]) -> str:
    """File name and JSON pointer of a path."""
    steps = [str(step).replace("~", "~0").replace("/", "~1") for step in path[1:]]
    return f"{path[0]}.json#/" + "/".join(steps)


def _child(value: object, step: Step) -> object:
    if isinstance(value, Mapping):
        return value.get(step)
    if isinstance(value, list) and isinstance(step, int):
        return value[step] if step < len(value) else None
    return None


def rounded_money(value: float) -> str:
    """Three or four telling digits: 12.40, 1,240, 1.24 M."""
    size = abs(value)
    if size >= 1_000_000:
        return f"{value / 1_000_000:,.2f}{THIN}M"
    return f"{value:,.0f}" if size >= 100 else f"{value:,.2f}"


def brief_money(value: float) -> str:
    """Three telling digits for a headline: 202 k instead of 201,984."""
    return f"{value / 1_000:,.0f}{THIN}k" if 100_000 <= abs(value) < 999_500 else rounded_money(value)


MONEY: dict[str, Callable[[float], str]] = {"money": rounded_money, "brief_money": brief_money}


def day(value: object) -> str:
    """An ISO time as 1 Oct 2025."""
    moment = datetime.fromisoformat(str(value))
    return f"{moment.day} {moment:%b %Y}"


def chance(value: object) -> str:
    """A probability: never 0 % or 100 % when it only comes close."""
    probability = float(str(value))
    if 0.9995 <= probability < 1:
        return f">99.9{THIN}%"
    return f"<0.1{THIN}%" if 0 < probability < 0.0005 else f"{100 * probability:.1f}{THIN}%"


def fitting(value: object) -> str:
    """A value of a kind not known beforehand: yes or no, a count, a number to four places, a text."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.4f}" if isinstance(value, float) else str(value)


STYLES: dict[str, Callable[[object], str]] = {
    "text": str,
    "count": lambda value: f"{int(str(value)):,}",
    "share": lambda value: f"{100 * float(str(value)):.1f}{THIN}%",
    "chance": chance,
    "whole_share": lambda value: f"{100 * float(str(value)):.0f}{THIN}%",
    "signed": lambda value: f"{float(str(value)):+.4f}",
    "signed_count": lambda value: f"{int(str(value)):+,}" if value else "0",
    "decimal": lambda value: f"{float(str(value)):.3f}",
    "brief": lambda value: f"{float(str(value)):g}",
    "ratio": lambda value: f"{float(str(value)):.2f}",
    "cell": lambda value: f"{100 * float(str(value)):.0f}",
    "day": day,
    "fitting": fitting,
}
