"""A shop's own feature, from a module in `features.extra` to the history, the catalogue, the proof and a request."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from features.errors import ConfigError, DataError
from features.kinds import KINDS
from pipeline import paths
from pipeline.featurize import featurize
from pipeline.params import Params, parse_params
from pipeline.train import settings_of
from serving.histories import feature_rows
from serving.requests import Customer
from tests.features.conftest import random_records
from tests.pipeline.test_featurize import START_US, write_clean_shop

ROOT = Path(__file__).parents[2]
SEED = 3
CARTS = '''
@feature(unit="ratio", empty=None, windows_days=(90, None), needs=("cart_add",))
def carts_per_order(past: Past) -> Column:
    """Products put into the cart for each order; missing without an order."""
    return ratio(past.of("cart_add").count(), past.of("order").count())
'''
LEAK = '''
@feature(unit="count", empty=0.0)
def orders_kept(past: Past) -> Column:
    """Orders that were never sent back, as their status says today."""
    whole = Past(past.rows, None, past.horizon_days, ends_days=-900)
    return past.of("order").count() - whole.of("refund").count()
'''
BROKEN = '''
@feature(unit="count", empty=0.0)
def first_letter(past: Past) -> Column:
    """Breaks on one customer."""
    names = [past.rows.log.customer_ids[number] for number in past.rows.customer]
    return [float(name != "c017" or 1 // 0) for name in names]
'''
SHORT = '''
@feature(unit="count", empty=0.0)
def busy(past: Past) -> Column:
    """Forgets the rows of customers without a session."""
    sessions = past.of("session").count()
    return sessions[sessions > 0]
'''
LONG = '''
@feature(unit="count", empty=0.0, windows_days=(3650,))
def decade(past: Past) -> Column:
    """Orders in ten years."""
    return past.of("order").count()
'''


@pytest.fixture
def with_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_module: Callable[[str], str]
) -> Callable[[str], Params]:
    """Params of a small shop whose own features are the text of a module."""
    write_clean_shop(tmp_path / paths.CLEAN, SEED)
    monkeypatch.chdir(tmp_path)
    tree = yaml.safe_load((ROOT / "params.yaml").read_text())
    tree["snapshots"] |= {"horizon_days": 60, "max_cutoffs": 5}

    def params(text: str) -> Params:
        tree["features"] |= {"extra": [own_module(text)], "customers_per_block": 25}
        return parse_params(tree)

    return params


def test_an_own_feature_stands_in_the_history_in_the_catalogue_and_under_the_proof(
    with_own: Callable[[str], Params],
) -> None:
    params = with_own(CARTS)
    featurize(params)
    current, catalogue = pd.read_parquet(paths.CURRENT), json.loads(paths.CATALOGUE.read_text())
    assert "carts_per_order_90d" in pd.read_parquet(paths.HISTORY).columns
    ratio = current["carts_per_order_ever"] * current["orders_ever"]
    np.testing.assert_allclose(ratio, np.round(ratio), atol=1e-9)
    entry = next(column for column in catalogue["columns"] if column["name"] == "carts_per_order_90d")
    assert entry["doc"] == "Products put into the cart for each order; missing without an order."
    assert (entry["unit"], entry["window_days"], entry["empty"]) == ("ratio", 90, None)
    assert catalogue["extra"] == params.features.extra
    assert catalogue["leakage_proof"]["passed"]


def test_a_request_computes_the_own_feature_of_the_model_as_the_nightly_run_did(
    with_own: Callable[[str], Params],
) -> None:
    featurize(with_own(CARTS))
    current, settings = pd.read_parquet(paths.CURRENT), settings_of(json.loads(paths.CATALOGUE.read_text()))
    row = current.loc[current["carts_per_order_ever"].idxmax()]
    as_of_us = int(row["as_of"].timestamp()) * 1_000_000
    names = ("carts_per_order_90d", "carts_per_order_ever", "orders_ever")
    known = feature_rows([request_of(str(row["customer_id"]))], as_of_us, settings, names)
    assert known[str(row["customer_id"])].tolist() == pytest.approx(row[list(names)].tolist(), abs=1e-9, nan_ok=True)


def request_of(name: str) -> Customer:
    """The customer of the random shop as an endpoint is sent them."""
    records = random_records(SEED)
    orders, events = records.orders, records.engagement
    own, seen = (np.flatnonzero(part["customer"] == records.customer_ids.index(name)) for part in (orders, events))
    return Customer.model_validate(
        {
            "customer_id": name,
            "orders": [{"order_id": str(n), "ordered_at": iso(orders["time"][n]), "revenue": 1.0} for n in own],
            "engagement": [
                {"event_id": str(n), "occurred_at": iso(events["time"][n]), "kind": KINDS[events["kind"][n]]}
                for n in seen
            ],
        },
        strict=False,
    )


def iso(time_us: int) -> str:
    return pd.Timestamp(START_US + int(time_us), unit="us", tz="UTC").isoformat()


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (
            LEAK,
            DataError,
            r"the leakage proof failed in 3 attempt.* changed orders_kept, so it looks at or past",
        ),
        (
            BROKEN,
            DataError,
            r"feature first_letter \(features\.mine_\d+\.first_letter\) raised ZeroDivisionError: .*line 10\)\. "
            r"Customer 'c017' breaks it",
        ),
        (SHORT, DataError, r"feature busy .* returned \(\d+,\) values for \d+ rows; .*Customer 'c\d+' breaks it"),
        (LONG, ConfigError, r"decade_3650d .*looks back 3650 days, but the log starts \d+ days before the last cutoff"),
        (CARTS.replace("cart_add", "cart_ad"), ConfigError, r"needs 'cart_ad' is unknown; did you mean 'cart_add'\?"),
    ],
)
def test_an_own_feature_that_does_not_hold_stops_the_stage_and_is_named(
    with_own: Callable[[str], Params], text: str, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        featurize(with_own(text))
    assert not paths.HISTORY.exists()


def test_the_example_of_the_documentation_works_as_it_stands(with_own: Callable[[str], Params]) -> None:
    text = (ROOT / "docs/own_features.md").read_text(encoding="utf-8")
    example, settings = (re.search(rf"```{kind}\n(.*?)```", text, re.DOTALL) for kind in ("python", "yaml"))
    assert example
    assert settings
    assert yaml.safe_load(settings[1])["features"]["extra"] == ["features.mine"]
    featurize(with_own(example[1].partition("from features.registry import feature\n")[2]))
    assert {"searches_per_visit_30d", "searches_per_visit_90d"} <= set(pd.read_parquet(paths.CURRENT).columns)


def test_a_broken_run_leaves_no_leak_behind(with_own: Callable[[str], Params]) -> None:
    with pytest.raises(DataError, match="leakage proof failed"):
        featurize(with_own(LEAK))
    featurize(with_own(CARTS))
    assert "orders_kept" not in pd.read_parquet(paths.HISTORY).columns
