"""pandas: the thirty columns with a group-by per cutoff and window, as one writes it and as one tunes it."""

# ruff: noqa: PD010  an unstack of distinct keys is no pivot_table
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from benchmarks.feature_peers.spec import DAY_US, ENGAGEMENT, KINDS, WINDOWS_DAYS, age_name, count_name


def plain(clean: Path, cutoffs_us: tuple[int, ...], result: Path) -> int:
    """As one writes it: for each cutoff and window the events chosen by their time, then a group-by."""
    return _written(read_events(clean), cutoffs_us, result, _between, observed=True)


def tuned(clean: Path, cutoffs_us: tuple[int, ...], result: Path) -> int:
    """Events sorted by time once, so that a window is a slice; ids and kinds as categories on a dense grid."""
    events = read_events(clean).sort_values("known_at", ignore_index=True)
    events["kind"] = pd.Categorical(events["kind"], categories=KINDS)
    events["customer_id"] = events["customer_id"].astype("category")
    return _written(events, cutoffs_us, result, _slice, observed=False)


def read_events(clean: Path) -> pd.DataFrame:
    """Orders and the four kinds of engagement by people."""
    orders = pd.read_parquet(clean / "orders.parquet", columns=["customer_id", "known_at"]).assign(kind="order")
    engagement = pd.read_parquet(
        clean / "engagement.parquet",
        columns=["customer_id", "known_at", "kind"],
        filters=[("is_machine", "==", False), ("kind", "in", ENGAGEMENT)],
    )
    return pd.concat([orders, engagement], ignore_index=True)


Window = Callable[[pd.DataFrame, pd.Timestamp | None, pd.Timestamp], pd.DataFrame]


def _between(events: pd.DataFrame, start: pd.Timestamp | None, end: pd.Timestamp) -> pd.DataFrame:
    time = events["known_at"]
    return events[time < end] if start is None else events[(time >= start) & (time < end)]


def _slice(events: pd.DataFrame, start: pd.Timestamp | None, end: pd.Timestamp) -> pd.DataFrame:
    time = events["known_at"]
    return events.iloc[0 if start is None else time.searchsorted(start) : time.searchsorted(end)]


def _written(events: pd.DataFrame, cutoffs_us: tuple[int, ...], result: Path, window: Window, *, observed: bool) -> int:
    made = pd.concat([_at(events, cutoff, window, observed) for cutoff in cutoffs_us], ignore_index=True)
    made.to_parquet(result, compression="lz4", use_dictionary=["customer_id", "cutoff"])
    return len(made)


def _at(events: pd.DataFrame, cutoff_us: int, window: Window, observed: bool) -> pd.DataFrame:
    cutoff = pd.Timestamp(cutoff_us, unit="us", tz="UTC")
    known = window(events, None, cutoff)
    last = known.groupby(["customer_id", "kind"], observed=observed)["known_at"].max().unstack()
    last = last[last["order"].notna()]
    made = {"customer_id": last.index.astype(str), "cutoff": cutoff_us}
    for days in WINDOWS_DAYS:
        recent = window(known, cutoff - pd.Timedelta(days=days), cutoff)
        counts = recent.groupby(["customer_id", "kind"], observed=observed).size().unstack(fill_value=0)
        counts = counts.reindex(index=last.index, columns=KINDS, fill_value=0)
        made |= {count_name(kind, days): counts[kind].to_numpy() for kind in KINDS}
    ages = ((cutoff - last) / pd.Timedelta(microseconds=DAY_US)).reindex(columns=KINDS)
    return pd.DataFrame(made | {age_name(kind): ages[kind].to_numpy() for kind in KINDS})
