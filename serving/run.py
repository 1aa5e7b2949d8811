"""`python -m serving.run` (make serve): check that all is there, then do what `bentoml serve` does."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from features.errors import ConfigError, RekindleError
from serving.champions import open_desk
from serving.guard import is_loopback
from serving.keys import api_keys
from serving.settings import API_KEYS, HOME, Places, read_serve

CODE = Path(__file__).resolve().parents[1]


def main(arguments: list[str]) -> None:
    """Serve the model in force of the working directory; exits 1 on an error the user can solve."""
    parser = argparse.ArgumentParser(prog="python -m serving.run", description="Answer score requests.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on; beyond loopback only with API keys")
    parser.add_argument("--port", type=int, help="instead of serve.port")
    options = parser.parse_args(arguments)
    places = Places(Path.cwd())
    try:
        port = options.port or read_serve(places.params).port
        refuse_open_door(options.host)
        desk = open_desk(places)
    except RekindleError as error:
        sys.exit(f"serve: {error}")
    print(f"serve: model {desk.scorer.model_version} on http://{options.host}:{port}, docs at /", flush=True)
    desk.inbox.engine.dispose()
    serve(places, options.host, port)


def refuse_open_door(host: str) -> None:
    """Raises ConfigError for an address others can reach while no API key is set."""
    if not is_loopback(host) and not api_keys():
        raise ConfigError(f"--host {host} is open to others, but ${API_KEYS} holds no key; set one or use 127.0.0.1.")


def serve(places: Places, host: str, port: int) -> None:
    """What `bentoml serve` does, in this process, which has imported half of it for the check; until it is stopped."""
    os.environ |= {HOME: str(places.home), "BENTOML_DO_NOT_TRACK": "True"}  # BentoML looks when it is imported
    from serving.service import ChurnService

    ChurnService.working_dir = str(CODE)  # type: ignore[attr-defined]
    ChurnService.serve_http(host=host, port=port)  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(sys.argv[1:])
