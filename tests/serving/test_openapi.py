"""The OpenAPI description and its file."""

from __future__ import annotations

import json
from typing import Any

import pytest

from serving import shapes
from serving.examples import EXAMPLES, PROBLEM_EXAMPLES
from serving.openapi import description
from serving.problems import TITLES
from tests.serving.shop import ROOT


def test_the_file_is_what_the_code_describes() -> None:
    file = json.loads((ROOT / "docs/openapi.json").read_text())
    assert file == description("any"), "write it again: python -m serving.openapi > docs/openapi.json"


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_answer_has_its_shape(name: str) -> None:
    read = getattr(shapes, name).model_validate_json(json.dumps(EXAMPLES[name]))
    assert read.model_dump(mode="json", exclude_unset=True) == EXAMPLES[name]


def test_every_example_problem_is_one_of_the_endpoint() -> None:
    assert set(PROBLEM_EXAMPLES) <= set(TITLES)


def test_every_answer_and_every_refusal_has_a_shape_and_an_example() -> None:
    pages: dict[str, dict[str, Any]] = description("any")["paths"]  # type: ignore[assignment]
    for path, methods in pages.items():
        for page in methods.values():
            assert page["operationId"]
            for status, answer in page["responses"].items():
                content = answer.get("content", {})
                assert content or path in ("/livez", "/readyz")
                if path.startswith("/v1/") or status.startswith("4"):
                    assert all("schema" in one and "example" in one for one in content.values())


def test_too_many_requests_and_a_missing_key_are_described_with_their_headers() -> None:
    answers: dict[str, Any] = description("any")["paths"]["/v1/score"]["post"]["responses"]  # type: ignore[index]
    assert set(answers) == {"200", "400", "401", "403", "408", "413", "415", "422", "429", "500", "504"}
    assert list(answers["429"]["headers"]) == ["Retry-After"]
    assert list(answers["401"]["headers"]) == ["WWW-Authenticate"]
