"""`make serve`: it starts closed, and says what is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from features.errors import ConfigError
from serving.run import refuse_open_door
from serving.settings import API_KEYS
from tests.serving.shop import ROOT, copy_of, free_port, served, write_params

KEY = "a-key-that-is-long-enough"


def started(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`python -m serving.run` that is expected to stop by itself."""
    return subprocess.run(
        [sys.executable, "-m", "serving.run", *arguments],
        cwd=home,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_a_model_it_says_what_to_run(tmp_path: Path) -> None:
    write_params(tmp_path)
    ended = started(tmp_path)
    assert ended.returncode == 1
    assert "model.json is missing" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_without_a_store_it_says_what_to_run(run: Path, tmp_path: Path) -> None:
    home = copy_of(run, tmp_path / "run")
    (home / "data/serving.db").unlink()
    ended = started(home)
    assert ended.returncode == 1
    assert "serving.db is missing" in ended.stderr
    assert "make run" in ended.stderr


def test_another_address_is_refused_without_a_key(run: Path) -> None:
    ended = started(run, "--host", "0.0.0.0")  # noqa: S104
    assert ended.returncode == 1
    assert f"${API_KEYS} holds no key" in ended.stderr


def test_another_address_is_open_to_those_with_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(API_KEYS, KEY)
    refuse_open_door("0.0.0.0")  # noqa: S104
    monkeypatch.delenv(API_KEYS)
    refuse_open_door("127.0.0.1")
    with pytest.raises(ConfigError, match="open to others"):
        refuse_open_door("192.168.1.2")


def test_with_keys_set_only_a_key_opens(run: Path) -> None:
    port = free_port()
    with served(
        run, ["-m", "serving.run", "--port", str(port)], port, **{API_KEYS: f"{KEY}, another-long-enough-key"}
    ) as client:
        body = {"customers": [{"customer_id": "a"}]}
        answers = {
            shown: client.post("/v1/score", json=body, headers={"authorization": shown} if shown else {}).status_code
            for shown in ("", "Bearer wrong", f"Basic {KEY}", f"Bearer {KEY}", "Bearer another-long-enough-key")
        }
        assert list(answers.values()) == [401, 401, 401, 200, 200]
        assert [client.get(page).status_code for page in ("/metrics", "/docs.json", "/", "/livez")] == [
            401,
            401,
            401,
            200,
        ]
        assert isinstance(client, httpx.Client)
    assert KEY not in (run / "server.log").read_text()
