"""Featuretools: the thirty columns with cutoff times, a training window for each length.

Its type layer (woodwork) keeps the schema of a table on the table's accessor and needs pandas to keep that accessor, as
pandas did before version 3; `_Kept` gives it that, so that it runs at all beside the pandas of this project.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd

warnings.filterwarnings("ignore")
import featuretools as ft  # noqa: E402 - it warns on import
from featuretools.primitives import Count, TimeSinceLast  # noqa: E402

from benchmarks.feature_peers.in_pandas import read_events  # noqa: E402
from benchmarks.feature_peers.spec import KINDS, WINDOWS_DAYS, age_name, count_name  # noqa: E402


class _Kept:
    """An accessor made once for each table and then kept on it."""

    def __init__(self, accessor: type) -> None:
        self.accessor = accessor

    def __get__(self, table: object, owner: type) -> object:
        if table is None:
            return self.accessor
        made = self.accessor(table)
        object.__setattr__(table, "ww", made)
        return made


for _owner in (pd.DataFrame, pd.Series):
    _owner.ww = _Kept(_owner.ww)


def plain(clean: Path, cutoffs_us: tuple[int, ...], result: Path) -> int:
    """Definitions by `dfs`, then one matrix for each window and one for the ages."""
    events = read_events(clean)
    shop, asked = _entities(events), _asked(events, cutoffs_us)
    made = [_matrix(shop, asked, Count(), partial(count_name, days=days), days) for days in WINDOWS_DAYS]
    made.append(_matrix(shop, asked, TimeSinceLast(unit="days"), age_name, None))
    whole = pd.concat(made, axis=1).reset_index()
    whole["cutoff"] = whole.pop("time").astype("datetime64[us]").astype("int64")
    whole.to_parquet(result, compression="zstd", compression_level=1)
    return len(whole)


def _entities(events: pd.DataFrame) -> ft.EntitySet:
    shop = ft.EntitySet("shop")
    types = {"kind": "Categorical", "customer_id": "Categorical"}
    events = events.assign(event=range(len(events)), known_at=events["known_at"].dt.tz_localize(None))
    shop.add_dataframe(events, "events", index="event", time_index="known_at", logical_types=types)
    shop.normalize_dataframe("events", "customers", index="customer_id", make_time_index=False)
    shop.add_interesting_values(dataframe_name="events", values={"kind": list(KINDS)})
    return shop


def _asked(events: pd.DataFrame, cutoffs_us: tuple[int, ...]) -> pd.DataFrame:
    first = events[events["kind"] == "order"].groupby("customer_id", observed=True)["known_at"].min()
    cutoffs = pd.DataFrame({"time": pd.to_datetime(pd.Series(cutoffs_us), unit="us", utc=True)})
    pairs = first.reset_index().merge(cutoffs, how="cross")
    pairs = pairs[pairs["known_at"] < pairs["time"]]
    return pairs.assign(time=pairs["time"].dt.tz_localize(None))[["customer_id", "time"]].reset_index(drop=True)


def _matrix(
    shop: ft.EntitySet, asked: pd.DataFrame, primitive: object, name: Callable[[str], str], days: int | None
) -> pd.DataFrame:
    declared = ft.dfs(
        entityset=shop,
        target_dataframe_name="customers",
        agg_primitives=[primitive],
        where_primitives=[primitive],
        trans_primitives=[],
        features_only=True,
    )
    kinds = {one: re.search(r"WHERE kind = (\w+)", one.get_name()) for one in declared}
    matrix = ft.calculate_feature_matrix(
        [one for one, kind in kinds.items() if kind],  # `dfs` also declares one over all kinds
        shop,
        cutoff_time=asked,
        cutoff_time_in_index=True,
        include_cutoff_time=False,
        training_window=None if days is None else ft.Timedelta(days, "d"),
    )
    return pd.DataFrame(matrix).rename(columns={one.get_name(): name(kind[1]) for one, kind in kinds.items() if kind})
