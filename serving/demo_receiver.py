"""`python -m serving.demo_receiver --port 8080`: a receiver to try the dispatcher with; prints each touch in words.

It does what any receiver should: checks signature and time, and ignores an id it had before.
"""

from __future__ import annotations

import argparse
import base64
import os
import secrets
import sys
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson
import standardwebhooks

from features.errors import RekindleError
from serving.dispatch.sinks.letters import words
from serving.signing import signer

SECRET = "REKINDLE_DEMO_SECRET"  # noqa: S105 - the name of a variable
MOST_BYTES = 1_000_000


class DemoReceiver(ThreadingHTTPServer):
    """Listens on loopback; `seen` holds the ids in the order they came first, `repeated` those that came again."""

    daemon_threads = True

    def __init__(self, port: int, signed: standardwebhooks.Webhook) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.signed, self.turn = signed, threading.Lock()
        self.seen: dict[str, bytes] = {}
        self.repeated: list[str] = []

    def take(self, name: str, body: bytes) -> bool:
        """Keep a message; False when its id was here before."""
        with self.turn:
            if name in self.seen:
                self.repeated.append(name)
                return False
            self.seen[name] = body
            return True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: DemoReceiver

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not length.isdigit() or int(length) > MOST_BYTES:
            self._answer(411)
            return
        body = self.rfile.read(int(length))
        try:
            self.server.signed.verify(body, dict(self.headers.items()), json_parse=False)
        except (standardwebhooks.WebhookVerificationError, ValueError) as error:
            print(f"refused: {error}", flush=True)
            self._answer(401)
            return
        name = self.headers["webhook-id"]
        is_new = self.server.take(name, body)
        print(words(orjson.loads(body)) if is_new else f"{name} came again and was ignored\n", flush=True)
        self._answer(204)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it has there
        """Nothing: the touches are the log."""

    def _answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()


def main(arguments: Sequence[str]) -> None:
    """Listen until stopped."""
    parser = argparse.ArgumentParser(prog="python -m serving.demo_receiver", description="Show what is sent.")
    parser.add_argument("--port", type=int, default=8080)
    options = parser.parse_args(arguments)
    if not os.environ.get(SECRET):
        os.environ[SECRET] = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        print(f"demo receiver: a secret for this time; for the dispatcher: export {SECRET}={os.environ[SECRET]}")
    try:
        receiver = DemoReceiver(options.port, signer(SECRET))
    except RekindleError as error:
        sys.exit(f"demo receiver: {error}")
    except OSError as error:
        sys.exit(f"demo receiver: port {options.port} cannot be used ({error.strerror}); choose another with --port.")
    print(f"demo receiver: on http://127.0.0.1:{receiver.server_port}", flush=True)
    try:
        receiver.serve_forever()
    except KeyboardInterrupt:
        print(f"demo receiver: {len(receiver.seen):,} messages, {len(receiver.repeated):,} came again")


if __name__ == "__main__":
    main(sys.argv[1:])
