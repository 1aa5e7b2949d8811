"""Where messages go: the `dispatch` section of `params.yaml`, one lane per destination.

Secrets come from the environment. A webhook's address may be private (this machine, the shop's network) only where
`allow_private` says so.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from features.errors import ConfigError
from serving.settings import read_section

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Variable = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$")]
Count = Annotated[int, Field(ge=1, le=1_000)]
Seconds = Annotated[float, Field(gt=0, le=86_400 * 7)]


class Lane(BaseModel):
    """What every destination has; a lease outlives the longest send twice over, so nobody else takes it meanwhile."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    channels: list[Name]
    concurrency: Count = Field(16, description="Messages claimed and sent at once by one worker.")
    timeout_seconds: Annotated[float, Field(gt=0, le=120)] = Field(10, description="Of one send, answer included.")
    lease_seconds: Seconds = 60
    max_attempts: Annotated[int, Field(ge=1, le=100)] = 10
    first_retry_seconds: Seconds = Field(30, description="Doubles with every attempt; a random part of it is waited.")
    longest_retry_seconds: Seconds = Field(6 * 3600, description="Also the most a Retry-After can ask for.")

    @model_validator(mode="after")
    def _times_agree(self) -> Lane:
        if self.lease_seconds < 2 * self.timeout_seconds:
            raise ValueError(
                f"lease_seconds {self.lease_seconds:g} must be at least twice timeout_seconds "
                f"{self.timeout_seconds:g}, or another worker could send what is still being sent"
            )
        if self.longest_retry_seconds < self.first_retry_seconds:
            raise ValueError("longest_retry_seconds is shorter than first_retry_seconds; raise it")
        return self


class Webhook(Lane):
    """An HTTP receiver; the body is signed as Standard Webhooks says, with the secret (whsec_...) in `secret_env`."""

    kind: Literal["webhook"]
    url: str
    secret_env: Variable
    allow_private: bool = False
    knows_ids: bool = Field(
        True,
        description="The receiver ignores a webhook-id it had before; false: what may have arrived is never resent.",
    )

    @model_validator(mode="after")
    def _address_is_safe(self) -> Webhook:
        parts = urlsplit(self.url)
        allowed = ("https", "http") if self.allow_private else ("https",)
        if parts.scheme not in allowed or not parts.hostname or parts.username or parts.password:
            raise ValueError(
                f"url must be https://host/path without a login in it, not {parts.scheme}: "
                "(http only with allow_private: true)"
            )
        return self


class Csv(Lane):
    """A CSV file below the project, one line per message."""

    kind: Literal["csv"]
    path: str
    concurrency: Count = 200


class Postgres(Lane):
    """A PostgreSQL table, made if it is missing; `url_env` names the variable that holds the database's URL."""

    kind: Literal["postgres"]
    url_env: Variable
    table: Name = "rekindle_messages"
    concurrency: Count = 200


class Eml(Lane):
    """A folder of e-mails as files, to try it out; `to` makes an address of a customer's id."""

    kind: Literal["eml"]
    path: str
    sender: str = "shop@example.com"
    to: str = "{customer_id}@customers.invalid"
    concurrency: Count = 50


Destination = Annotated[Webhook | Csv | Postgres | Eml, Field(discriminator="kind")]


class Dispatch(BaseModel):
    """The destinations by name; no channel is carried by two."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    endpoint_url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s<>]+$")] = Field(
        description="Where people reach the endpoint: the links to unsubscribe begin with it."
    )
    destinations: dict[Name, Destination]

    @model_validator(mode="after")
    def _channels_are_carried_once(self) -> Dispatch:
        carried = [channel for lane in self.destinations.values() for channel in lane.channels]
        twice = sorted({channel for channel in carried if carried.count(channel) > 1})
        if twice:
            raise ValueError(f"channel {', '.join(twice)} is carried by more than one destination; keep one")
        return self

    def destination_of(self, channel: str) -> str:
        """The name of the destination that carries the channel; raises ConfigError when none does."""
        found = next((name for name, lane in self.destinations.items() if channel in lane.channels), None)
        if found is None:
            raise ConfigError(
                f"no destination under dispatch.destinations carries the channel {channel}; add it to one's channels."
            )
        return found


def read_dispatch(params: Path) -> Dispatch:
    """The `dispatch` section; raises ConfigError naming every fault."""
    return read_section(params, "dispatch", Dispatch)
