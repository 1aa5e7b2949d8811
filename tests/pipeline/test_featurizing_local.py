"""Blocks on one machine: what a night reuses, what makes it start anew, and blocks that are too big."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features.block import BlockFeatures, block_features
from features.errors import DataError
from features.log import DAY_US, Ints
from features.tables import TIME
from pipeline import paths
from pipeline.featurize import featurize
from pipeline.featurizing import local, store, yesterday
from pipeline.files import read_json
from tests.pipeline.growing_shop import LAST_DAY, START_US, Tables, shop_params, until, whole_shop, write_clean

OUTPUTS = (paths.HISTORY, paths.CURRENT)
REUSED = "rows of history hold"


@pytest.fixture(scope="module")
def shop() -> Tables:
    return whole_shop()


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(tables: Tables, as_of: str | None = None, **features: object) -> list[bytes]:
    write_clean(tables, paths.CLEAN)
    featurize(shop_params(as_of, **features))
    return [path.read_bytes() for path in OUTPUTS]


def anew(tables: Tables, as_of: str | None = None) -> list[bytes]:
    shutil.rmtree(local.STORE)
    return run(tables, as_of)


YESTERDAY = LAST_DAY - 3  # the same cutoffs are closed, and a late row becomes known meanwhile


def test_a_night_reuses_yesterdays_history_and_gives_the_bytes_of_a_full_rebuild(
    shop: Tables, capsys: pytest.CaptureFixture[str]
) -> None:
    run(until(shop, YESTERDAY))
    assert REUSED not in capsys.readouterr().out
    night = run(until(shop, LAST_DAY))
    assert REUSED in capsys.readouterr().out
    assert night == anew(until(shop, LAST_DAY))


def test_a_night_of_a_block_in_parts_gives_the_bytes_of_a_full_rebuild(shop: Tables) -> None:
    in_parts = {"customers_per_block": 8192, "events_per_block": 1_000}
    run(until(shop, YESTERDAY), **in_parts)
    night = run(until(shop, LAST_DAY), **in_parts)
    shutil.rmtree(local.STORE)
    assert night == run(until(shop, LAST_DAY), **in_parts)


def test_the_proof_stands_while_the_history_it_was_spoken_on_holds(
    shop: Tables, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(until(shop, YESTERDAY))
    first = read_json(paths.CATALOGUE)["leakage_proof"]
    run(until(shop, LAST_DAY))
    assert "passed on this history when it was computed" in capsys.readouterr().out
    assert read_json(paths.CATALOGUE)["leakage_proof"] == first
    monkeypatch.setattr(yesterday, "code_digest", lambda _: "other code")
    run(until(shop, LAST_DAY))
    assert "leakage proof passed: nothing" in capsys.readouterr().out


def test_a_night_reads_only_the_new_rows(shop: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    append = store.append_by_block

    def counted(folder: Path, block: Ints, *rest: Any) -> None:
        if folder.is_relative_to(local.STORE):  # the proof has stores of its own
            taken.append(len(block))
        append(folder, block, *rest)

    monkeypatch.setattr(store, "append_by_block", counted)
    run(until(shop, YESTERDAY))
    first, _ = sum(taken), taken.clear()
    run(until(shop, LAST_DAY))
    assert first > 3_000
    assert 0 < sum(taken) < 60


def test_night_after_night_gives_the_bytes_of_a_full_rebuild(shop: Tables) -> None:
    for day in range(LAST_DAY - 70, LAST_DAY + 1, 14):  # cutoffs close on the way, blocks merge their tails
        nightly = run(until(shop, day))
    assert nightly == anew(until(shop, LAST_DAY))


def test_new_rows_inside_the_horizon_of_the_last_cutoff_change_the_labels(shop: Tables) -> None:
    later = "2025-10-20"  # after the end of the data: the horizon was taken for over before its last orders came
    before = run(until(shop, LAST_DAY - 40), later)
    after = run(shop, later)
    assert after[0] != before[0]
    assert after == anew(shop, later)


def test_a_visitor_who_orders_at_last_brings_all_their_visits(shop: Tables) -> None:
    orders, visitor = shop["orders"], "c004"
    assert visitor not in orders["customer_id"].to_pylist()
    assert visitor in shop["engagement"]["customer_id"].to_pylist()
    known = pa.array([START_US + LAST_DAY * DAY_US - 1]).cast(TIME)
    first = orders.slice(0, 1).set_column(1, "customer_id", pa.array([visitor]))
    first = first.set_column(0, "order_id", pa.array(["first"]))
    first = first.set_column(2, "ordered_at", known).set_column(3, "known_at", known)
    tables = {**shop, "orders": pa.concat_tables([orders, first])}
    run(until(shop, YESTERDAY))
    night = run(tables)
    current = pd.read_parquet(paths.CURRENT).set_index("customer_id").loc[visitor]
    assert current["orders_ever"] == 1
    assert current["days_since_last_engagement"] < 300
    assert night == anew(tables)


def changed_revenue(shop: Tables) -> Tables:
    revenue = shop["orders"]["revenue"].to_pylist()
    revenue[250] += 1
    return {**shop, "orders": shop["orders"].set_column(4, "revenue", pa.array(revenue, pa.decimal128(18, 4)))}


def changed_product(shop: Tables) -> Tables:
    product = shop["order_items"]["product_id"].to_pylist()
    product[250] = "another"
    return {**shop, "order_items": shop["order_items"].set_column(1, "product_id", pa.array(product))}


def row_booked_into_the_past(shop: Tables) -> Tables:
    events = shop["engagement"]
    moment = pa.array([START_US + 100 * DAY_US]).cast(TIME)
    row = events.slice(5, 1).set_column(0, "event_id", pa.array(["late"]))
    row = row.set_column(2, "occurred_at", moment).set_column(3, "known_at", moment)
    return {**shop, "engagement": pa.concat_tables([events, row]).sort_by([("known_at", "ascending")])}


def row_gone(shop: Tables) -> Tables:
    events = shop["engagement"]
    return {**shop, "engagement": events.filter(pc.not_equal(events["event_id"], events["event_id"][700]))}


@pytest.mark.parametrize("change", [changed_revenue, changed_product, row_booked_into_the_past, row_gone])
def test_what_changed_in_the_past_starts_anew(shop: Tables, change: Callable[[Tables], Tables]) -> None:
    before = run(shop)
    after = run(change(shop))
    assert after == anew(change(shop))
    assert after[0] != before[0]


def test_an_older_row_known_today_leaves_history_as_it_was(shop: Tables) -> None:
    history = run(until(shop, YESTERDAY))[0]
    today = shop["engagement"].filter(
        pc.greater_equal(shop["engagement"]["known_at"], pa.scalar(START_US + YESTERDAY * DAY_US).cast(TIME))
    )
    happened = pc.subtract(today["known_at"], today["occurred_at"]).cast(pa.int64()).to_pylist()
    assert max(happened) == 30 * DAY_US
    assert run(until(shop, LAST_DAY))[0] == history


def test_a_run_that_died_leaves_nothing_to_go_on_from(shop: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = run(shop)

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(local, "block_features", killed)
        patched.setattr(yesterday, "code_digest", lambda _: "other code")
        with pytest.raises(KeyboardInterrupt):
            featurize(shop_params())
    assert not (local.STORE / "state.json").exists()
    featurize(shop_params())
    assert [path.read_bytes() for path in OUTPUTS] == expected


def test_a_block_that_was_cut_off_starts_anew(shop: Tables) -> None:
    expected = run(shop)
    block = sorted((local.STORE / "engagement").iterdir())[1]
    block.write_bytes(block.read_bytes()[:-21])
    (local.STORE / "history.json").unlink()
    assert run(shop) == expected


def test_other_code_computes_history_again(
    shop: Tables, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(shop)
    monkeypatch.setattr(yesterday, "code_digest", lambda _: "other code")
    run(shop)
    assert REUSED not in capsys.readouterr().out


def test_a_history_edited_in_place_is_not_taken_for_yesterdays(shop: Tables) -> None:
    expected = run(shop)
    with paths.HISTORY.open("r+b") as file:
        file.write(b"XXXX")
    os.utime(paths.HISTORY, (1, 1))
    assert run(shop) == expected


@pytest.mark.parametrize("events", [1_000, 4_000])
def test_a_block_with_too_many_events_is_cut_further(shop: Tables, events: int) -> None:
    whole = run(shop)
    shutil.rmtree(local.STORE)
    cut = run(shop, customers_per_block=8192, events_per_block=events)
    pd.testing.assert_frame_equal(
        *(pd.read_parquet(pa.BufferReader(one[0])).sort_values(["customer_id", "cutoff"], ignore_index=True)
          for one in (whole, cut))
    )  # fmt: skip


def test_a_block_that_does_not_fit_in_memory_is_halved_not_killed(
    shop: Tables, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, sizes = run(shop), list[int]()

    def small_machine(records, *asked) -> BlockFeatures:
        sizes.append(len(records.customer_ids))
        if len(records.customer_ids) > 5:
            raise MemoryError
        return block_features(records, *asked)

    monkeypatch.setattr(local, "block_features", small_machine)
    assert anew(shop) == whole
    assert max(sizes) > 5


def test_a_customer_who_fits_nowhere_is_named(shop: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_memory(*_: object) -> BlockFeatures:
        raise MemoryError

    monkeypatch.setattr(local, "block_features", no_memory)
    with pytest.raises(DataError, match=r"customer 'c0\d\d' with [\d,]+ events does not fit in memory"):
        run(shop)


def test_a_kind_that_check_never_lets_through_is_said(shop: Tables) -> None:
    events = shop["engagement"]
    kinds = pa.array(["teleport", *events["kind"].to_pylist()[1:]])
    with pytest.raises(DataError, match=r"never lets through.*teleport"):
        run({**shop, "engagement": events.set_column(4, "kind", kinds)})
