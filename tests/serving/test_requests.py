"""Instants of a request: any zone goes in, UTC comes out, and what no calendar can hold is refused and not a crash."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from serving.requests import ScoreRequest, instant_of, iso, microseconds


def asked(as_of: str) -> ScoreRequest:
    return ScoreRequest.model_validate_json(f'{{"customers": [{{"customer_id": "a"}}], "as_of": "{as_of}"}}')


@pytest.mark.parametrize(
    "as_of", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1990-01-01T01:59:59+02:00"]
)
def test_an_instant_outside_the_plausible_years_is_refused(as_of: str) -> None:
    with pytest.raises(ValidationError, match="the year must lie between 1990 and 2100"):
        asked(as_of)


def test_an_instant_in_any_zone_is_kept_in_utc_to_the_microsecond() -> None:
    as_of = asked("2025-03-30T01:30:00.123456+05:45").as_of
    assert as_of is not None
    assert iso(microseconds(as_of)) == "2025-03-29T19:45:00.123456Z"
    assert instant_of(microseconds(as_of)) == as_of
