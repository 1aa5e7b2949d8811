"""Rows of touched customers are left out of learning, and those whom only the lot left alone stand for them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.log import DAY_US
from models.logistic import Logistic
from pipeline import paths
from pipeline.featurizing.treated import mark_treated, standing_at
from pipeline.files import write_table
from pipeline.history_rows import Part
from pipeline.untreated import STANDS_FOR, left_out, repeated, standing_in, untreated
from tests.pipeline.paying_shop import START_US, Shop, ledger

CUTOFF_US = START_US - 5 * DAY_US
CUTOFF = pd.Timestamp(CUTOFF_US, unit="us", tz="UTC")
CLEAN = paths.CLEAN / "decisions.parquet"


def _shop(seed: int = 5, people: int = 4_000) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """History at one cutoff, a ledger, and each person's chance of churn if left alone.

    Half the people are at risk; those are decided on, one in ten is control, and a touch halves their churn.
    """
    draws = np.random.default_rng([seed, 9])
    decisions = ledger(Shop(people=people, control_share=0.1, seed=seed))
    silent = np.where(np.arange(people) % 2 == 0, 1.0, 0.0)
    decisions = decisions[silent == 1.0]
    alone = np.where(silent == 1.0, 0.8, 0.3)
    touched = np.isin(np.arange(people), decisions.index[decisions["arm"] == "treatment"])
    churned = draws.random(people) < np.where(touched, 0.4, alone)
    history = pd.DataFrame(
        {
            "customer_id": [f"c{number:05d}" for number in range(people)],
            "cutoff": CUTOFF,
            "churned": churned.astype(np.int8),
            "silence": silent,
            "noise": draws.random(people),
        }
    )
    return history, decisions, alone


@pytest.fixture
def written(tmp_path, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:  # type: ignore[no-untyped-def]
    monkeypatch.chdir(tmp_path)
    history, decisions, alone = _shop()
    write_table(paths.HISTORY, history)
    write_table(CLEAN, decisions)
    return alone


def _predicted(table: pd.DataFrame, everybody: pd.DataFrame) -> np.ndarray:
    columns = ["silence", "noise"]
    fitted = Logistic(l2=1.0).fit(table[columns], table["churned"].to_numpy(np.int8))
    found: np.ndarray = fitted.predict_proba(everybody[columns])[:, 1]
    return found


def test_a_model_of_all_rows_underestimates_the_risk_of_those_left_alone_and_ours_does_not(written: np.ndarray) -> None:
    before = pd.read_parquet(paths.HISTORY)
    mark_treated(paths.HISTORY, 90)
    marked = pd.read_parquet(paths.HISTORY)
    at_risk = before["silence"] == 1.0
    naive, ours = _predicted(before, before)[at_risk], _predicted(standing_in(marked), before)[at_risk]
    assert naive.mean() < 0.5
    assert ours.mean() == pytest.approx(written[at_risk].mean(), abs=0.06)


def test_those_who_stay_stand_for_as_many_as_there_were(written: np.ndarray) -> None:
    mark_treated(paths.HISTORY, 90)
    marked = pd.read_parquet(paths.HISTORY)
    again = standing_in(marked)
    assert len(again) == pytest.approx(len(marked), rel=0.05)
    assert again["silence"].mean() == pytest.approx(0.5, abs=0.03)
    # Without them the people at risk would nearly be gone.
    assert untreated(marked)["silence"].mean() < 0.12
    told = left_out(marked)
    assert told.treated == (marked[STANDS_FOR] == 0).sum() > 1_700
    assert told.standing_in == (marked[STANDS_FOR] > 1).sum() > 150
    assert "left out" in told.notes()[0]
    assert STANDS_FOR not in again.columns


def test_the_part_read_from_disk_has_the_same_rows(written: np.ndarray) -> None:
    mark_treated(paths.HISTORY, 90)
    marked = pd.read_parquet(paths.HISTORY)
    batches = list(Part(paths.HISTORY, {f"{CUTOFF:%Y-%m-%dT%H:%M:%S}+00:00"}).batches(["silence"]))
    assert sum(len(batch.churned) for batch in batches) == int(marked[STANDS_FOR].sum())
    assert repeated(pa.Table.from_pandas(marked)).num_rows == int(marked[STANDS_FOR].sum())


def test_without_a_touch_in_any_horizon_the_file_keeps_its_bytes(written: np.ndarray) -> None:
    before = paths.HISTORY.read_bytes()
    mark_treated(paths.HISTORY, 5)  # the horizon ends as the first touch is decided on
    assert paths.HISTORY.read_bytes() == before
    CLEAN.unlink()
    mark_treated(paths.HISTORY, 90)
    assert paths.HISTORY.read_bytes() == before
    table = pd.read_parquet(paths.HISTORY)
    assert untreated(table) is table
    assert standing_in(table) is table
    assert left_out(table).notes() == ()


def test_a_touch_counts_from_the_cutoff_until_the_horizons_end_and_not_after() -> None:
    one = ledger(Shop(people=1, control_share=0.0)).assign(arm="treatment", as_of=CUTOFF - pd.Timedelta(days=400))

    def at(delivered: pd.Timestamp) -> dict[str, int]:
        return standing_at(one.assign(delivered_at=delivered), CUTOFF_US, 90)

    assert at(CUTOFF) == {"c00000": 0}
    assert at(CUTOFF + pd.Timedelta(days=90)) == {}
    assert at(CUTOFF - pd.Timedelta(microseconds=1)) == {}


def test_more_chances_to_be_touched_make_one_who_was_not_stand_for_more() -> None:
    once = ledger(Shop(people=400, control_share=0.5)).assign(
        delivered_at=pd.Series(pd.NaT, index=range(400), dtype="datetime64[us, UTC]"), chances='{"how_to_content":0.5}'
    )
    twice = pd.concat([once, once.assign(run_seq=2)], ignore_index=True)
    # P(untouched) is 0.5 + 0.5 · 0.5, then 0.5 + 0.5 · 0.25.
    assert np.mean(list(standing_at(once, CUTOFF_US, 90).values())) == pytest.approx(1 / 0.75, abs=0.05)
    assert np.mean(list(standing_at(twice, CUTOFF_US, 90).values())) == pytest.approx(1 / 0.625, abs=0.05)


def test_the_marked_column_is_no_feature(written: np.ndarray) -> None:
    mark_treated(paths.HISTORY, 90)
    assert pq.read_schema(paths.HISTORY).names[-1] == STANDS_FOR
