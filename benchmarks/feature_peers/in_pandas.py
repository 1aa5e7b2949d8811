"""pandas: the thirty columns with a group-by per cutoff and window, as one writes it and as one tunes it."""

# ruff: noqa: PD010  an unstack of distinct keys is no pivot_table
from __future__ import annotations

from pathlib import Path

import pandas as pd

from benchmarks.feature_peers.spec import DAY_US, ENGAGEMENT, KINDS, WINDOWS_DAYS, age_name, count_name


def plain(clean: Path, cutoffs_us: tuple[int, ...], result: Path) -> int:
    """Events sorted by time once, ids and kinds as categories; each group-by sees only its window."""
    return _written(clean, cutoffs_us, result, observed=True)


def tuned(clean: Path, cutoffs_us: tuple[int, ...], result: Path) -> int:
    """The same with every customer in every group-by, seen or not: pandas then fills an array and never hashes."""
    return _written(clean, cutoffs_us, result, observed=False)


def _written(clean: Path, cutoffs_us: tuple[int, ...], result: Path, *, observed: bool) -> int:
    events = read_events(clean)
    made = pd.concat([_at(events, cutoff, observed) for cutoff in cutoffs_us], ignore_index=True)
    keys = ["customer_id", "cutoff"]
    made.to_parquet(result, compression="zstd", compression_level=1, use_dictionary=keys)
    return len(made)


def read_events(clean: Path) -> pd.DataFrame:
    """Orders and the four kinds of engagement by people, sorted by time, ids and kinds as categories."""
    orders = pd.read_parquet(clean / "orders.parquet", columns=["customer_id", "known_at"]).assign(kind="order")
    engagement = pd.read_parquet(
        clean / "engagement.parquet",
        columns=["customer_id", "known_at", "kind"],
        filters=[("is_machine", "==", False), ("kind", "in", ENGAGEMENT)],
    )
    events = pd.concat([orders, engagement], ignore_index=True)
    events["kind"] = pd.Categorical(events["kind"], categories=KINDS)
    events["customer_id"] = events["customer_id"].astype("category")
    return events.sort_values("known_at", ignore_index=True)


def _at(events: pd.DataFrame, cutoff_us: int, observed: bool) -> pd.DataFrame:
    cutoff, time = pd.Timestamp(cutoff_us, unit="us", tz="UTC"), events["known_at"]
    known = events.iloc[: time.searchsorted(cutoff)]
    last = known.groupby(["customer_id", "kind"], observed=observed)["known_at"].max().unstack()
    last = last[last["order"].notna()]
    made = {"customer_id": last.index.astype(str), "cutoff": cutoff_us}
    for days in WINDOWS_DAYS:
        window = known.iloc[time.searchsorted(cutoff - pd.Timedelta(days=days)) :]
        counts = window.groupby(["customer_id", "kind"], observed=observed).size().unstack(fill_value=0)
        counts = counts.reindex(index=last.index, columns=KINDS, fill_value=0)
        made |= {count_name(kind, days): counts[kind].to_numpy() for kind in KINDS}
    ages = ((cutoff - last) / pd.Timedelta(microseconds=DAY_US)).reindex(columns=KINDS)
    return pd.DataFrame(made | {age_name(kind): ages[kind].to_numpy() for kind in KINDS})
