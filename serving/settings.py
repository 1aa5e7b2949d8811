"""What the endpoint is told: `params.yaml`'s `serve` section, and secrets from the environment.

The endpoint reads its section itself, so that a built Bento, which holds `params.yaml` but no `pipeline/`, can start.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from features.errors import ConfigError

Count = Annotated[int, Field(ge=1)]
Seconds = Annotated[float, Field(gt=0, le=60)]
HOME = "REKINDLE_HOME"
API_KEYS = "REKINDLE_API_KEYS"
LEAST_KEY_LENGTH = 16
Section = TypeVar("Section", bound=BaseModel)


class Serve(BaseModel):
    """Port and limits of the endpoint; the `serve` section."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    port: Annotated[int, Field(ge=1, le=65535)]
    max_customers: Count
    max_body_bytes: Count
    max_rows: Count = Field(200_000, description="Orders, items and events together, in one request.")
    max_requests: Count = Field(128, description="At once in one worker; one more is told to come back.")
    max_held_bytes: Count = Field(134_217_728, description="Bodies of all requests in one worker together.")
    body_seconds: Seconds = Field(10, description="A body must have come in this time.")
    poll_seconds: Seconds = Field(2, description="How often a new model or a new nightly run is looked for.")


@dataclass(frozen=True)
class Places:
    """The three files the endpoint lives on, below one folder."""

    home: Path

    @property
    def params(self) -> Path:
        """The params that hold the `serve` section."""
        return self.home / "params.yaml"

    @property
    def champion(self) -> Path:
        """The model in force."""
        return self.home / "data" / "champion"

    @property
    def store(self) -> Path:
        """Scores, reasons, decisions and facts of every customer, as the `plan` stage left them."""
        return self.home / "data" / "serving.db"


def places() -> Places:
    """Files below $REKINDLE_HOME; without it, below the folder that holds this package (the project, or the Bento)."""
    home = os.environ.get(HOME)
    return Places(Path(home) if home else Path(__file__).resolve().parents[1])


def read_serve(params: Path) -> Serve:
    """The `serve` section; raises ConfigError naming every fault."""
    return read_section(params, "serve", Serve)


def read_section(params: Path, name: str, shape: type[Section]) -> Section:
    """One section of the params by its shape; raises ConfigError naming every fault."""
    try:
        tree = yaml.safe_load(params.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"{params} is missing; run from the project's root.") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{params} is not valid YAML: {error}") from error
    section = tree.get(name) if isinstance(tree, dict) else None
    try:
        return shape.model_validate(section)
    except ValidationError as error:
        faults = (f"{name}.{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise ConfigError(f"{params} has {error.error_count()} fault(s):\n  " + "\n  ".join(faults)) from error
