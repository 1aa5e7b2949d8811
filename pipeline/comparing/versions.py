"""What the two runs were told and fed: params, code, and data by digest, rows, period, schema and stability index."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

import numpy as np

from models.drift import MUCH, stability_index
from pipeline.comparing.sides import Side, Tree

OUT, DEP = "dvc.out.", "dvc.dep."
LITTLE = 0.1
MOVED_SHOWN = 12
SHORT = 8  # digits of a digest that are shown


def params_told(first: Side, second: Side) -> dict[str, object]:
    """The params that differ, and how many are the same."""
    names = sorted({*first.params, *second.params})
    changed = [
        {"name": name, "a": first.params.get(name), "b": second.params.get(name)}
        for name in names
        if first.params.get(name) != second.params.get(name)
    ]
    return {"changed": changed, "same": len(names) - len(changed)}


def code_told(first: Side, second: Side) -> dict[str, object]:
    """Files and folders of code whose content differs, and the commits."""
    changed = [entry for entry in _digests(first, second, DEP) if not entry["same"]]
    commits = {key: side.tags.get("git.sha", "unknown")[:SHORT] for key, side in (("a", first), ("b", second))}
    dirty = {f"dirty_{key}": side.tags.get("git.dirty") == "true" for key, side in (("a", first), ("b", second))}
    return {"changed": changed, **commits, **dirty}


def data_told(first: Side, second: Side) -> dict[str, object]:
    """Digests, tables, schema and how far the columns moved."""
    tables = _tables(first), _tables(second)
    names = sorted({*tables[0], *tables[1]})
    return {
        "digests": _digests(first, second, OUT),
        "tables": [
            {"name": name, "a": _brief(tables[0].get(name)), "b": _brief(tables[1].get(name))} for name in names
        ],
        "schema": [change for name in names for change in _schema(name, tables[0].get(name), tables[1].get(name))],
        "stability": _stability(first, second),
    }


def _digests(first: Side, second: Side, prefix: str) -> list[dict[str, object]]:
    one, other = (
        {name.removeprefix(prefix): digest for name, digest in side.tags.items() if name.startswith(prefix)}
        for side in (first, second)
    )
    return [
        {
            "path": path,
            "a": one[path][:SHORT] if path in one else None,
            "b": other[path][:SHORT] if path in other else None,
            "same": one.get(path) == other.get(path),
        }
        for path in sorted({*one, *other})
    ]


def _tables(side: Side) -> Mapping[str, Tree]:
    return cast("Mapping[str, Tree]", side.facts.get("tables", {}))


def _brief(table: Tree | None) -> dict[str, object] | None:
    if table is None:
        return None
    columns = len(cast("Mapping[str, str]", table["columns"]))
    return {"rows": table["rows"], "from": table["from"], "to": table["to"], "columns": columns}


def _schema(name: str, one: Tree | None, other: Tree | None) -> list[dict[str, object]]:
    if one is None or other is None:
        return []
    before, after = (cast("Mapping[str, str]", table["columns"]) for table in (one, other))
    return [
        {"table": name, "column": column, "a": before.get(column), "b": after.get(column)}
        for column in sorted({*before, *after})
        if before.get(column) != after.get(column)
    ]


def _stability(first: Side, second: Side) -> dict[str, object] | None:
    """Stability index of every column that both have, most moved first; None when a run kept no samples."""
    one, other = (cast("Mapping[str, list[float | None]]", side.facts.get("samples", {})) for side in (first, second))
    common = [name for name in one if one[name] and other.get(name)]
    if not common:
        return None
    found = {name: stability_index(_values(one[name]), _values(other[name])) for name in common}
    order = sorted(found, key=lambda name: (-found[name], name))
    return {
        "columns": len(found),
        "little": sum(LITTLE <= value < MUCH for value in found.values()),
        "much": sum(value >= MUCH for value in found.values()),
        "above_little": LITTLE,
        "above_much": MUCH,
        "most": [{"column": name, "index": round(found[name], 4)} for name in order[:MOVED_SHOWN] if found[name] > 0],
    }


def _values(sample: list[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in sample], dtype=np.float64)
