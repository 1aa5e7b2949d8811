"""Errors of the endpoint as RFC 9457 problem details: what is wrong, in which field, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

MEDIA_TYPE = "application/problem+json"
MOST_FAULTS = 20

TITLES: dict[str, tuple[int, str]] = {
    "unreadable": (400, "The body is not JSON"),
    "no-idempotency-key": (400, "An idempotency key is needed"),
    "key": (401, "An API key is needed"),
    "signature": (401, "The signature does not hold"),
    "closed": (403, "Without API keys only this machine is answered"),
    "role": (403, "This key may not do that"),
    "token": (403, "The link is not valid"),
    "unknown-customer": (404, "No such customer"),
    "unknown-decision": (404, "No such decision"),
    "not-found": (404, "No such page"),
    "method": (405, "This page does not take that method"),
    "conflict": (409, "The id stands for something else already"),
    "erased": (410, "The customer was erased"),
    "slow": (408, "The body came too slowly"),
    "too-large": (413, "The body is too large"),
    "media-type": (415, "The body must be plain application/json"),
    "invalid": (422, "The request is not valid"),
    "other-request": (422, "The idempotency key stands for another request"),
    "too-many": (422, "Too many customers in one request"),
    "too-many-rows": (422, "Too many rows in one request"),
    "future-event": (422, "An event is not before the instant asked about"),
    "missing-value": (422, "The model needs a value that is missing"),
    "outside-population": (422, "The model does not speak of such customers"),
    "no-reasons": (422, "No reasons can be given for these events"),
    "busy": (429, "Too many requests at once"),
    "failed": (500, "The service failed"),
    "not-decided": (503, "Nothing can be decided now"),
    "not-kept": (503, "Events cannot be kept now"),
    "not-written": (503, "Nothing can be written now"),
    "not-erased": (503, "Not everything could be erased"),
    "late": (504, "The answer takes too long"),
}


@dataclass(frozen=True)
class Fault:
    """One thing wrong with one field."""

    field: str
    detail: str


class Problem(Exception):  # noqa: N818 - the name of the standard
    """A request that cannot be answered; `kind` is a key of TITLES."""

    def __init__(
        self,
        kind: str,
        detail: str,
        field: str | None = None,
        faults: tuple[Fault, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.field, self.faults, self.headers = kind, detail, field, faults, headers

    @property
    def status(self) -> int:
        """The HTTP status."""
        return TITLES[self.kind][0]

    def body(self) -> dict[str, object]:
        """The problem as JSON members."""
        members: dict[str, object] = {
            "type": f"/problems/{self.kind}",
            "title": TITLES[self.kind][1],
            "status": self.status,
            "detail": self.detail,
        }
        if self.field is not None:
            members["field"] = self.field
        if len(self.faults) > 1:
            members["errors"] = [{"field": fault.field, "detail": fault.detail} for fault in self.faults[:MOST_FAULTS]]
        return members


def invalid(error: ValidationError) -> Problem:
    """The problem behind pydantic's finding; the first fault is named, up to MOST_FAULTS are listed."""
    found = error.errors(include_input=False, include_url=False)
    if found[0]["type"] == "json_invalid":
        return Problem("unreadable", found[0]["msg"], "body")
    faults = tuple(
        Fault(_path(fault["loc"], fault.get("ctx", {})), fault["msg"].removeprefix("Value error, ")) for fault in found
    )
    first = faults[0]
    more = f" ({len(faults) - 1} more fault(s))" if len(faults) > 1 else ""
    return Problem("invalid", f"{first.field}: {first.detail}{more}", first.field, faults)


def _path(location: tuple[int | str, ...], context: Mapping[str, object]) -> str:
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    text += f".{context['field']}" if "field" in context else ""
    return text.removeprefix(".") or "body"
