"""Destinations of the params: which channel goes where, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from features.errors import ConfigError
from pipeline.params import parse_params
from serving.dispatch.settings import Dispatch, read_dispatch
from tests.serving.shop import ROOT

WEBHOOK = {"kind": "webhook", "channels": ["email"], "url": "https://crm.example/touch", "secret_env": "CRM_SECRET"}


def test_the_projects_params_carry_every_channel_of_its_policy() -> None:
    dispatch = read_dispatch(ROOT / "params.yaml")
    assert dispatch.destination_of("email") == "letters"
    tree = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    for action in tree["plan"]["actions"].values():
        for channel in action["channels"]:
            assert dispatch.destination_of(channel) in dispatch.destinations


def test_a_channel_nobody_carries_is_said() -> None:
    with pytest.raises(ConfigError, match=r"carries the channel fax; add it"):
        Dispatch.model_validate(
            {"endpoint_url": "https://shop.example", "destinations": {"crm": WEBHOOK}}
        ).destination_of("fax")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"url": "http://crm.example/touch"}, "url must be https"),
        ({"url": "https://me:secret@crm.example/"}, "without a login"),
        ({"url": "ftp://crm.example/", "allow_private": True}, "not ftp:"),
        ({"lease_seconds": 15}, "lease_seconds 15 must be at least twice timeout_seconds 10"),
        ({"first_retry_seconds": 99999}, "longest_retry_seconds is shorter"),
        ({"colour": "red"}, r"dispatch.destinations.crm.webhook.colour: Extra inputs"),
        ({"secret_env": "whsec_abc"}, "secret_env"),
    ],
)
def test_a_fault_is_named(tmp_path: Path, change: dict[str, object], told: str) -> None:
    file = tmp_path / "params.yaml"
    file.write_text(
        yaml.safe_dump(
            {"dispatch": {"endpoint_url": "https://shop.example", "destinations": {"crm": WEBHOOK | change}}}
        )
    )
    with pytest.raises(ConfigError, match=told) as caught:
        read_dispatch(file)
    assert "secret@" not in str(caught.value)


def test_a_channel_goes_to_one_place_only() -> None:
    with pytest.raises(ValueError, match="channel email is carried by more than one destination"):
        Dispatch.model_validate(
            {"endpoint_url": "https://shop.example", "destinations": {"one": WEBHOOK, "two": WEBHOOK}}
        )


def test_an_unknown_key_is_refused_with_the_whole_params_too() -> None:
    tree = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    tree["dispatch"]["destinations"]["letters"]["pth"] = "x"
    with pytest.raises(ConfigError, match=r"dispatch\.destinations\.letters\.eml\.pth: unknown key"):
        parse_params(tree)
