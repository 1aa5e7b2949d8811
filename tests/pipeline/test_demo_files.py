"""The files of a small demo shop: same bytes, unique ids, provenance, nothing half-written."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pytest

from pipeline.params import DemoShop
from pipeline.sources import demo
from pipeline.sources.demo import pull_demo


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "CHUNK", 60)


def pulled(folder: Path, seed: int = 3, customers: int = 150) -> dict[str, str]:
    """The digest of every file of a small shop of three chunks."""
    pull_demo(DemoShop(seed=seed, customers=customers, years=2, end="2025-07-01"), folder / "raw", folder / "truth")
    return {str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest() for f in folder.rglob("*.*")}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first = pulled(tmp_path / "one")
    assert len(first) == 7
    assert first == pulled(tmp_path / "two")


def test_another_seed_gives_another_shop(tmp_path: Path) -> None:
    first, second = pulled(tmp_path / "one", seed=3), pulled(tmp_path / "two", seed=4)
    assert all(first[name] != second[name] for name in first)


def test_ids_are_unique_across_chunks(tmp_path: Path) -> None:
    pulled(tmp_path)
    people = pd.read_parquet(tmp_path / "truth/customers.parquet")["customer_id"]
    assert people.is_unique
    assert list(people.iloc[[0, 59, 60, 149]]) == ["c0000001", "c0000060", "c0000061", "c0000150"]
    assert pd.read_parquet(tmp_path / "truth/orders.parquet")["order_id"].is_unique
    events = pd.read_parquet(tmp_path / "raw/engagement.parquet")
    assert not events.drop_duplicates(["event_id", "customer_id"]).duplicated("event_id").any()


def test_people_keep_their_story_when_the_shop_grows(tmp_path: Path) -> None:
    pulled(tmp_path / "small", customers=60)
    pulled(tmp_path / "large", customers=150)
    for name in ("customers", "orders"):
        small, large = (pd.read_parquet(tmp_path / size / f"truth/{name}.parquet") for size in ("small", "large"))
        pd.testing.assert_frame_equal(small, large.iloc[: len(small)])


def test_every_row_has_its_own_place_in_its_export(tmp_path: Path) -> None:
    pulled(tmp_path)
    for path in (tmp_path / "raw").iterdir():
        table = pd.read_parquet(path)
        assert not table.duplicated(["source_file", "source_row"]).any()
        assert (
            table.groupby("source_file")["source_row"].agg(["min", "max", "size"]).eval("min == 1 and max == size")
        ).all()


def test_the_rows_told_are_the_rows_written(tmp_path: Path) -> None:
    small = DemoShop(seed=3, customers=70, years=1, end="2025-07-01")
    rows = pull_demo(small, tmp_path / "raw", tmp_path / "truth")
    assert rows == {name: len(pd.read_parquet(tmp_path / f"raw/{name}.parquet")) for name in rows}


def test_a_shop_of_one_customer_can_be_simulated(tmp_path: Path) -> None:
    rows = pull_demo(DemoShop(seed=1, customers=1, years=1, end="2025-07-01"), tmp_path / "raw", tmp_path / "truth")
    assert rows["orders"] >= 1


def test_an_interrupted_simulation_leaves_no_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = demo.draw_story

    def full(chunk: int, *rest: object) -> object:
        if chunk == 1:
            raise OSError("disk full")
        return told(chunk, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(demo, "draw_story", full)
    with pytest.raises(OSError, match="disk full"):
        pulled(tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
