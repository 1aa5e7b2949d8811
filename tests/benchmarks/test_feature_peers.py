"""The benchmark of the engine: every way counts the same, also on the edges, and a way that does not stops the run."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import features
from benchmarks.feature_peers import peers
from benchmarks.feature_peers.bench import QUICK, Bench
from benchmarks.feature_peers.lines import say
from benchmarks.feature_peers.same import UnequalError, same_numbers
from benchmarks.feature_peers.scale import Disk, Point, extrapolated
from benchmarks.feature_peers.shop import NIGHT_SHARE, Shop, usual, write_shop
from benchmarks.feature_peers.spec import AGES, COUNTS
from features.tables import ENGAGEMENT, ORDER_ITEMS, ORDERS, SORTED_BY
from pipeline.checks.outcome import ROWS_PER_BATCH

ROOT = Path(__file__).parents[2]
CUTOFF = "2024-06-30T00:00:00"
PEERS = ("in_duckdb", "in_polars", "in_pandas")
WAYS = ("ours:plain", "in_duckdb:zoneless", *(f"{peer}:{way}" for peer in PEERS for way in ("plain", "tuned")))


def us(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000_000)


def table(schema: pa.Schema, rows: list[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist([dict.fromkeys(schema.names) | row for row in rows], schema=schema)


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    """Ann ordered at the very start of the 7 days and saw a product at the cutoff; Bo has no order before it."""
    orders = [("Ann", "2024-06-23T00:00:00"), ("Ann", "2024-06-22T23:59:59"), ("Bo", CUTOFF)]
    engaged = [
        ("Ann", "2024-06-29T12:00:00", "session", False),
        ("Ann", "2024-06-29T18:00:00", "session", True),
        ("Ann", CUTOFF, "product_view", False),
        ("Ann", "2023-01-01T00:00:00", "cart_add", False),
        ("Bo", "2024-06-01T00:00:00", "session", False),
        ("Cy", "2024-06-01T00:00:00", "search", False),
    ]
    bought = [{"order_id": str(n), "customer_id": who, "known_at": us(at)} for n, (who, at) in enumerate(orders)]
    seen = [
        {"event_id": str(n), "customer_id": who, "known_at": us(at), "kind": kind, "is_machine": machine}
        for n, (who, at, kind, machine) in enumerate(engaged)
    ]
    pq.write_table(table(ORDERS, bought), tmp_path / "orders.parquet")
    pq.write_table(table(ENGAGEMENT, seen), tmp_path / "engagement.parquet")
    pq.write_table(ORDER_ITEMS.empty_table(), tmp_path / "order_items.parquet")
    return tmp_path


@pytest.mark.parametrize("way", WAYS)
def test_every_way_counts_half_open_windows(way: str, clean: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module, _, name = way.partition(":")
    if module.startswith("in_"):
        pytest.importorskip(module.removeprefix("in_"))
    monkeypatch.setattr(features, "__path__", list(features.__path__))
    result = clean / "result.parquet"
    rows = getattr(import_module(f"benchmarks.feature_peers.{module}"), name)(clean, (us(CUTOFF),), result)

    (ann,) = pq.read_table(result).to_pylist()
    assert rows == 1
    assert (ann["customer_id"], ann["cutoff"]) == ("Ann", us(CUTOFF))
    assert {name: ann[name] for name in COUNTS if ann[name]} == {
        "n_order_7d": 1,
        "n_order_30d": 2,
        "n_order_90d": 2,
        "n_order_180d": 2,
        "n_order_365d": 2,
        "n_session_7d": 1,
        "n_session_30d": 1,
        "n_session_90d": 1,
        "n_session_180d": 1,
        "n_session_365d": 1,
    }
    ages = {name: ann[name] for name in AGES if ann[name] is not None and ann[name] == ann[name]}
    assert ages == pytest.approx({"age_order": 7.0, "age_session": 0.5, "age_cart_add": 546.0}, abs=1e-9)


def test_one_number_off_stops_the_benchmark(tmp_path: Path) -> None:
    rows = pa.table({"customer_id": ["b", "a"], "cutoff": [1, 1], **{name: [2.0, 3.0] for name in (*COUNTS, *AGES)}})
    pq.write_table(rows, tmp_path / "ours.parquet")
    pq.write_table(rows.take([1, 0]), tmp_path / "turned.parquet")
    other = rows.set_column(rows.schema.get_field_index("n_order_7d"), "n_order_7d", pa.array([2.0, 4.0]))
    pq.write_table(other, tmp_path / "other.parquet")

    assert same_numbers(tmp_path / "ours.parquet", tmp_path / "turned.parquet") == 2
    with pytest.raises(UnequalError, match=r"n_order_7d: 1 rows differ in other.parquet, the first 3.0 against 4.0"):
        same_numbers(tmp_path / "ours.parquet", tmp_path / "other.parquet")
    pq.write_table(rows.slice(1), tmp_path / "short.parquet")
    with pytest.raises(UnequalError, match=r"ours.parquet has 2 rows and short.parquet 1"):
        same_numbers(tmp_path / "ours.parquet", tmp_path / "short.parquet")


def test_a_night_adds_to_the_end_of_the_log(tmp_path: Path) -> None:
    shop = usual(150_000)
    write_shop(tmp_path / "today", shop)
    write_shop(tmp_path / "tomorrow", shop.a_night_later())
    today, tomorrow = (pq.read_table(tmp_path / day / "engagement.parquet") for day in ("today", "tomorrow"))
    new = tomorrow.slice(len(today))

    assert tomorrow.slice(0, len(today)) == today
    assert len(new) == 150_000 * NIGHT_SHARE
    assert pc.min(new["known_at"]).value >= shop.as_of_us
    assert pc.max(new["known_at"]).value < shop.a_night_later().as_of_us
    late = pc.less(new["occurred_at"], new["known_at"])
    assert 0.05 < pc.mean(late.cast(pa.float64())).as_py() < 0.15
    assert not set(new["customer_id"].to_pylist()) <= set(today["customer_id"].to_pylist())
    times = tomorrow["known_at"].cast(pa.int64()).to_numpy()
    assert (times[1:] >= times[:-1]).all()


def test_the_tables_are_sorted_and_cut_as_check_writes_them(tmp_path: Path) -> None:
    write_shop(tmp_path, usual(150_000))
    groups = pq.read_metadata(tmp_path / "engagement.parquet")
    assert [groups.row_group(number).num_rows for number in range(2)] == [ROWS_PER_BATCH, 150_000 - ROWS_PER_BATCH]
    for name, keys in SORTED_BY.items():
        rows = pq.read_table(tmp_path / f"{name}.parquet", columns=list(keys))
        assert rows == rows.sort_by([(key, "ascending") for key in keys]), name


def test_a_giant_customer_has_his_share_of_the_rows(tmp_path: Path) -> None:
    assert write_shop(tmp_path, Shop(20_000, 100, giant_share=0.5))["engagement"] == 20_000
    customers = pq.read_table(tmp_path / "engagement.parquet")["customer_id"]
    assert 0.48 < pc.mean(pc.equal(customers, "GIANT").cast(pa.float64())).as_py() < 0.52
    assert len(pc.unique(customers)) == 101


@pytest.mark.parametrize(
    ("seconds", "expected"), [((10.0, 100.0), 1_000.0), ((10.0, 50.0), 500.0), ((1.0, 100.0), 1e4)]
)
def test_a_billion_is_never_promised_faster_than_in_proportion(seconds: tuple[float, float], expected: float) -> None:
    before, last = (
        Point(events, each, 500.0, Disk(1.0, 2.0, 3.0), 1_000, 80)
        for events, each in zip((10_000_000, 100_000_000), seconds, strict=True)
    )
    beyond = extrapolated(before, last)
    assert beyond.seconds == pytest.approx(expected)
    assert beyond.disk == Disk(10.0, 20.0, 30.0)
    assert beyond.peak_mb == pytest.approx(500.0)


def test_a_peer_that_is_not_installed_is_skipped_aloud(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(peers, "find_spec", lambda _: None)
    peers.peers(Bench(tmp_path, QUICK, None), ("polars", "featuretools"))
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        {"name": f"features_{name}", "skipped": f"{name} is not installed; pip install -e '.[bench]'"}
        for name in ("polars", "featuretools")
    ]


def test_a_line_says_how_much_better_we_are(capsys: pytest.CaptureFixture[str]) -> None:
    say("race", 2.0, ("hare", 7.0), "at least 3 times faster", True, context={"rows": 5})
    assert json.loads(capsys.readouterr().out) == {
        "name": "race",
        "ours": 2.0,
        "peer": "hare",
        "theirs": 7.0,
        "unit": "s",
        "ratio": 3.5,
        "target": "at least 3 times faster",
        "holds": True,
        "rows": 5,
        "cores": 2,
    }


def test_an_unknown_part_is_refused_with_the_known_ones() -> None:
    command = [sys.executable, "benchmarks/features.py", "flor"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert "there is no part flor; choose from floor, peers, duckdb" in run.stderr
