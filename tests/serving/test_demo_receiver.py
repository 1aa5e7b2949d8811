"""The demo receiver as a process: it shows each touch once and believes only what is signed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from serving.demo_receiver import SECRET
from serving.dispatch.claim import Letter
from serving.dispatch.settings import Webhook
from serving.dispatch.sinks.webhook import WebhookSink
from tests.serving.shop import ROOT

PAYLOAD = (
    '{"message_id":"m-1","decision_id":"d-1","customer_id":"c1","action":"follow_up","intent":"service",'
    '"channel":"email","churn_probability":0.62}'
)
LETTER = Letter("m-1", 1, "c1", "follow_up", "email", PAYLOAD, 1, None)


def test_a_signed_touch_is_shown_once_and_an_unsigned_one_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = {**os.environ, "PYTHONPATH": str(ROOT)}
    known.pop(SECRET, None)
    command = [sys.executable, "-m", "serving.demo_receiver", "--port", "0"]
    with subprocess.Popen(command, cwd=tmp_path, env=known, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            secret = re.search(r"export \w+=(\S+)", process.stdout.readline())
            address = re.search(r"http://\S+", process.stdout.readline())
            assert secret is not None
            assert address is not None
            monkeypatch.setenv(SECRET, secret[1])
            about = {"kind": "webhook", "channels": [], "url": address[0], "secret_env": SECRET, "allow_private": True}
            sink = WebhookSink(Webhook.model_validate(about))
            assert [sink.deliver([LETTER])["m-1"].status for _ in range(2)] == [204, 204]
            sink.close()
            assert httpx.post(address[0], content=PAYLOAD).status_code == 401
        finally:
            process.kill()
        told = process.stdout.read()
    assert told.count("follow_up (service) for customer c1 by email") == 1
    assert "Chance to lose this customer: 62%" in told
    assert "m-1 came again and was ignored" in told
    assert "refused: Missing required headers" in told
