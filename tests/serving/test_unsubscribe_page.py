"""Leaving by one click over HTTP, through a proxy and with keys set: GET changes nothing, POST acts at once.

The pages for switches and erasing are asked here too: a server takes long to start.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import orjson
import pandas as pd
import pytest

from serving.draws import OPEN_KEY
from serving.inbox.database import INBOX_URL, open_database, writing
from serving.outbox.lists import blocked, opted_out
from serving.outbox.person import person_of
from serving.settings import API_KEYS
from serving.shapes import EraseAnswer, PauseAnswer, UnsubscribeAnswer
from serving.unsubscribe_link import ONE_CLICK, Link, one_click_url
from tests.serving.asking import problem
from tests.serving.one_message import add_message
from tests.serving.shop import copy_of, free_port, served

KEY = OPEN_KEY.encode()
SCORE, TRIGGER, ADMIN = "score-key-0123456789", "trigger-key-0123456789", "admin-key-0123456789"
AS_TRIGGER, AS_ADMIN = ({"Authorization": f"Bearer {key}"} for key in (TRIGGER, ADMIN))
# As a mail provider's machine comes in: from elsewhere, by the shop's own name, without a key.
PROXIED = {"Host": "shop.example", "X-Forwarded-For": "203.0.113.9", "Via": "1.1 proxy"}
FORM = {"content": ONE_CLICK, "headers": {**PROXIED, "Content-Type": "application/x-www-form-urlencoded"}}


@pytest.fixture(scope="module")
def home(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = copy_of(run, tmp_path_factory.mktemp("leaving") / "run")
    (home / "data/external").mkdir(exist_ok=True)
    return home


@pytest.fixture(scope="module")
def client(home: Path) -> Iterator[httpx.Client]:
    port, keys = free_port(), f"score:{SCORE},trigger:{TRIGGER},admin:{ADMIN}"
    command = ["-m", "serving.run", "--port", str(port)]
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(INBOX_URL, raising=False)
        with served(home, command, port, **{API_KEYS: keys}) as connected:
            yield connected


def link(name: str, key: bytes = KEY) -> str:
    made = Link("m-" + name.rjust(20, "0"), person_of(name, KEY), "email")
    return one_click_url("", made, key)


def is_out(home: Path, name: str, channel: str = "email") -> bool:
    engine = open_database(f"sqlite:///{home / 'data/inbox.db'}")
    with engine.connect() as connection:
        return bool(blocked(connection, [person_of(name, KEY)], channel))


def events_of(home: Path, name: str) -> list[dict[str, object]]:
    with closing(sqlite3.connect(home / "data/inbox.db")) as connection:
        found = connection.execute("SELECT content FROM received WHERE customer_id = ?", [name]).fetchall()
    return [orjson.loads(content) for (content,) in found]


def test_one_click_acts_at_once_without_a_key_and_through_a_proxy(client: httpx.Client, home: Path) -> None:
    add_message(home, "c1")
    answer = client.post(link("c1"), **FORM)  # type: ignore[arg-type]
    assert UnsubscribeAnswer.model_validate_json(answer.content).channel == "*"
    assert is_out(home, "c1")
    assert is_out(home, "c1", "sms")
    assert [event["kind"] for event in events_of(home, "c1")] == ["unsubscribe"]
    assert events_of(home, "c1")[0]["subject"] == "m-" + "c1".rjust(20, "0")


def test_again_changes_nothing(client: httpx.Client, home: Path) -> None:
    add_message(home, "c2")
    client.post(link("c2"), **FORM)  # type: ignore[arg-type]
    before = events_of(home, "c2")
    again = client.post(link("c2"), **FORM)  # type: ignore[arg-type]
    assert again.status_code == 200
    assert events_of(home, "c2") == before


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_following_the_link_shows_a_page_and_changes_nothing(client: httpx.Client, home: Path, method: str) -> None:
    add_message(home, f"c3-{method}")
    answer = client.request(method, link(f"c3-{method}"), headers=PROXIED)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert ("<button>" in answer.text) == (method == "GET")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert not is_out(home, f"c3-{method}")
    assert events_of(home, f"c3-{method}") == []


def test_the_pages_button_does_what_the_mail_program_does(client: httpx.Client, home: Path) -> None:
    add_message(home, "c4")
    page = client.get(link("c4"), headers=PROXIED).text
    assert 'method="post"' in page
    assert 'name="List-Unsubscribe" value="One-Click"' in page
    answer = client.post(link("c4"), data={"List-Unsubscribe": "One-Click"}, headers={**PROXIED, "Accept": "text/html"})
    assert "unsubscribed" in answer.text
    assert is_out(home, "c4")


def test_a_body_in_parts_acts_too(client: httpx.Client, home: Path) -> None:
    answer = client.post(link("c5"), files={"List-Unsubscribe": (None, "One-Click")}, headers=PROXIED)
    assert answer.status_code == 200
    assert is_out(home, "c5")
    assert events_of(home, "c5") == []  # nobody knows whose hash it is


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("wrong", ["another key", "cut", "empty"])
def test_a_wrong_token_is_refused_and_opens_nothing(client: httpx.Client, home: Path, wrong: str, method: str) -> None:
    target = {"another key": link("c6", b"another"), "cut": link("c6")[:-2], "empty": "/v1/unsubscribe?token="}[wrong]
    found = problem(client.request(method, target, headers=PROXIED), 403)
    assert (found.type, found.field) == ("/problems/token", "token")
    assert not is_out(home, "c6")


@pytest.mark.parametrize("path", ["/v1/score", "/v1/pause", "/v1/unsubscribe", "/v1/unsubscribe/", "/metrics"])
def test_a_token_opens_no_other_door(client: httpx.Client, path: str) -> None:
    query = "" if path == "/v1/unsubscribe" else f"?{link('c1').partition('?')[2]}"
    assert client.post(path + query, json={"customer_id": "c1"}, headers=PROXIED).status_code == 401


def test_a_larger_body_than_allowed_is_not_read(client: httpx.Client, home: Path) -> None:
    big = b"x" * 40_000_000
    assert client.post(link("c7"), content=big, headers=PROXIED).status_code == 413
    assert not is_out(home, "c7")


def test_by_id_a_customer_leaves_everything_or_one_channel(client: httpx.Client, home: Path) -> None:
    for name, body in (("c8", {}), ("c9", {"channel": "sms"})):
        answer = client.post("/v1/unsubscribe", json={"customer_id": name, **body}, headers=AS_TRIGGER)
        assert UnsubscribeAnswer.model_validate_json(answer.content).channel == body.get("channel", "*")
    assert (is_out(home, "c8", "sms"), is_out(home, "c8", "email")) == (True, True)
    assert (is_out(home, "c9", "sms"), is_out(home, "c9", "email")) == (True, False)
    assert [event["kind"] for event in events_of(home, "c8")] == ["unsubscribe"]
    assert events_of(home, "c9") == []
    with open_database(f"sqlite:///{home / 'data/inbox.db'}").connect() as connection:
        assert opted_out(connection, ["c8", "c9"]) == {"c8"}


def test_by_id_needs_the_role_and_a_known_channel(client: httpx.Client) -> None:
    body = {"customer_id": "c1"}
    as_score = {"Authorization": f"Bearer {SCORE}"}
    assert client.post("/v1/unsubscribe", json=body).status_code == 401
    assert problem(client.post("/v1/unsubscribe", json=body, headers=as_score), 403).type == "/problems/role"
    wrong = client.post("/v1/unsubscribe", json={**body, "channel": "pigeon"}, headers=AS_TRIGGER)
    assert problem(wrong, 422).field == "channel"


def test_a_switch_is_turned_and_told_and_turned_back(client: httpx.Client) -> None:
    body = {"name": "channel:email", "stopped": True, "reason": "wrong prices"}
    answer = PauseAnswer.model_validate_json(client.post("/v1/pause", json=body, headers=AS_TRIGGER).content)
    assert [(one.name, one.stopped, one.reason) for one in answer.switches] == [("channel:email", True, "wrong prices")]
    assert PauseAnswer.model_validate_json(client.get("/v1/pause", headers=AS_TRIGGER).content) == answer
    back = client.post("/v1/pause", json={**body, "stopped": False, "reason": "mended"}, headers=AS_TRIGGER)
    assert back.json()["switches"][0]["stopped"] is False
    unknown = client.post("/v1/pause", json={**body, "name": "destination:nowhere"}, headers=AS_TRIGGER)
    assert "would stop nothing" in problem(unknown, 422).detail
    assert client.post("/v1/pause", json=body, headers={"Authorization": f"Bearer {SCORE}"}).status_code == 403
    allowed = client.put("/v1/pause", json=body, headers=AS_TRIGGER)
    assert (allowed.status_code, allowed.headers["allow"]) == (405, "GET, POST")


def test_what_cannot_be_written_says_so_and_is_asked_again(client: httpx.Client, home: Path) -> None:
    engine = open_database(f"sqlite:///{home / 'data/inbox.db'}")
    with writing(engine) as connection:
        connection.exec_driver_sql("ALTER TABLE suppressions RENAME TO elsewhere")
    try:
        answer = client.post(link("c10"), **FORM)  # type: ignore[arg-type]
        assert problem(answer, 503).type == "/problems/not-written"
        assert answer.headers["retry-after"] == "1"
        assert client.get(link("c10"), headers=PROXIED).status_code == 200
    finally:
        with writing(engine) as connection:
            connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO suppressions")
    assert client.post(link("c10"), **FORM).status_code == 200  # type: ignore[arg-type]


def test_an_erased_customer_is_gone_from_the_running_endpoint_and_is_not_taken_in_again(
    client: httpx.Client, home: Path
) -> None:
    name = str(pd.read_parquet(home / "data/scores.parquet")["customer_id"].iloc[3])
    page = f"/v1/customers/{name}"
    event = {"event_id": "e1", "customer_id": name, "kind": "session", "occurred_at": "2025-12-30T10:00:00Z"}
    add_message(home, name)
    client.post("/v1/events", json={"engagement": [event]}, headers=AS_TRIGGER)
    assert client.get(page, headers=AS_ADMIN).status_code == 200
    body = {"customer_id": name}
    assert problem(client.post("/v1/privacy/erase", json=body, headers=AS_TRIGGER), 403).type == "/problems/role"
    answer = client.post("/v1/privacy/erase", json=body, headers=AS_ADMIN)
    receipt = EraseAnswer.model_validate_json(answer.content)
    assert receipt.removed.items() >= {"data/serving.db": 1, "messages": 1, "received": 1}.items()
    assert client.post("/v1/privacy/erase", json=body, headers=AS_ADMIN).content == answer.content
    _wait_until(lambda: client.get(page, headers=AS_ADMIN).status_code == 404)
    again = client.post("/v1/events", json={"engagement": [event]}, headers=AS_TRIGGER).json()
    assert (again["refused"], again["results"][0]["error"]["type"]) == (1, "/problems/erased")
    client.post(link(name), **FORM)  # type: ignore[arg-type]
    assert events_of(home, name) == []
    _wait_until(lambda: person_of(name, KEY) in (home / "data/external/erased.json").read_text())
    for file in (home / "data/serving.db", *(home / "data").glob("inbox.db*"), home / "data/last_good/serving.db"):
        assert name.encode() not in file.read_bytes(), file
    assert name not in (home / "server.log").read_text()


def _wait_until(holds: Callable[[], bool]) -> None:
    for _ in range(100):
        if holds():
            return
        time.sleep(0.2)
    raise AssertionError("it did not come to hold within 20 s")


def test_the_log_names_nobody_and_holds_no_token(client: httpx.Client, home: Path) -> None:
    add_message(home, "named-in-no-log")
    client.post(link("named-in-no-log"), **FORM)  # type: ignore[arg-type]
    client.post("/v1/unsubscribe", json={"customer_id": "named-in-no-log"}, headers=AS_TRIGGER)
    client.get("/v1/customers/named-in-no-log", headers=AS_TRIGGER)
    log = (home / "server.log").read_text()
    assert "named-in-no-log" not in log
    assert person_of("named-in-no-log", KEY) not in log
