"""A reader of the report's HTML for tests: which text stands where, under which source."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br", "hr", "img", "link", "input", "wbr"}
DRAWING = {"path", "line", "rect", "circle"}
REASONS = {"name", "definition", "axis", "file"}


@dataclass
class Element:
    """An open tag with its attributes and the text directly inside it."""

    tag: str
    attributes: dict[str, str | None]
    text: str = ""


@dataclass
class Text:
    """One run of text and the elements around it, outermost first."""

    text: str
    around: list[Element]

    def inside(self, attribute: str) -> str | None:
        """The nearest value of an attribute around the text."""
        return next((e.attributes[attribute] for e in reversed(self.around) if attribute in e.attributes), None)


@dataclass
class PageReader(HTMLParser):
    """Every element and text of a page; `faults` are tags that do not close as they should."""

    elements: list[Element] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    _open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, dict(attrs))
        self.elements.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, dict(attrs)))
        if tag not in DRAWING:
            self.faults.append(f"<{tag}/> closes itself")

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1].tag != tag:
            self.faults.append(f"</{tag}> at {self.getpos()}")
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open and data.strip():
            self._open[-1].text += data
            self.texts.append(Text(data.strip(), list(self._open)))

    @property
    def unclosed(self) -> list[str]:
        """Tags left open at the end."""
        return [element.tag for element in self._open]


def read_page(html: str) -> PageReader:
    """Parse a page to its end."""
    reader = PageReader()
    reader.feed(html)
    reader.close()
    return reader
