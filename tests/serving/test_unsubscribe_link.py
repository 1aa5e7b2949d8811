"""Links to unsubscribe: made with the key alone, naming nobody, whole or not at all."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from serving.outbox.person import person_of
from serving.unsubscribe_link import Link, one_click_headers, one_click_url, read_token, token_in

KEY = b"a key"
LINK = Link("m-0123456789abcdef0123", person_of("c000042", KEY), "email")


def token(key: bytes = KEY, link: Link = LINK) -> str:
    return str(token_in(urlsplit(one_click_url("https://shop.example/", link, key)).query.encode()))


def test_a_link_comes_back_as_it_was_made() -> None:
    assert one_click_url("https://shop.example/", LINK, KEY).startswith("https://shop.example/v1/unsubscribe?token=m-0")
    assert read_token(token(), KEY) == LINK


def test_a_link_names_nobody() -> None:
    assert "c000042" not in token()


def test_the_headers_are_those_of_rfc_8058() -> None:
    assert one_click_headers("https://shop.example/x") == {
        "List-Unsubscribe": "<https://shop.example/x>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "...",
        token()[:-1],
        token() + "A",
        token().replace(LINK.person, person_of("c000043", KEY)),
        token().replace("email", "sms"),
        token(key=b"another"),
        token().rpartition(".")[0] + ".\u00e9",
    ],
)
def test_a_token_that_was_cut_changed_or_made_with_another_key_is_none(wrong: str) -> None:
    assert read_token(wrong, KEY) is None


def test_a_query_without_a_token_has_none_and_an_empty_one_is_a_token() -> None:
    assert token_in(b"") is None
    assert token_in(b"xtoken=1&tokens=2") is None
    assert token_in(b"token=") == ""
    assert token_in(b"a=1&token=x.y&token=z") == "x.y"
