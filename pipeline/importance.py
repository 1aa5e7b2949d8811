"""`reports/catalogue.json`: the catalogue of `featurize`, and how much the model leans on each column and family."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from models.formulas import required_columns
from models.importance import Rows, importance
from models.intervals import Bootstrap, Interval
from models.scorer import Scorer

DIGITS = 6
KEPT = ("as_of", "test_cutoff", "horizon_days", "extra", "left_out", "without_data")
Tree = dict[str, object]


def told_catalogue(catalogue: Tree, scorer: Scorer, rows: Rows, bootstrap: Bootstrap) -> Tree:
    """Every column and family with its rise in log loss (models/importance.py); null where the model does not look."""
    some = rows.thinned()
    columns = cast("list[Mapping[str, object]]", catalogue["columns"])
    groups = _groups(columns, scorer)
    rises = importance(scorer.churn_probability, some, groups, bootstrap)
    return {
        **{name: catalogue[name] for name in KEPT if name in catalogue},
        "importance": {
            "model": scorer.chosen,
            "measure": "rise in log loss at the test cutoff when the values are dealt anew among the customers",
            "customers": len(some.values),
            "interval_share": bootstrap.share,
        },
        "columns": [{**column, "importance": _told(rises.get(f"column {column['name']}"))} for column in columns],
        "families": [
            {
                "name": family,
                "columns": sum(column["family"] == family for column in columns),
                "importance": _told(rises.get(f"family {family}")),
            }
            for family in dict.fromkeys(str(column["family"]) for column in columns)
        ],
    }


def _groups(columns: list[Mapping[str, object]], scorer: Scorer) -> dict[str, list[int]]:
    used = required_columns(scorer.formula)
    place = {name: number for number, name in enumerate(scorer.feature_columns) if name in used}
    groups: dict[str, list[int]] = {}
    for column in columns:
        if (name := str(column["name"])) in place:
            groups[f"column {name}"] = [place[name]]
            groups.setdefault(f"family {column['family']}", []).append(place[name])
    return groups


def _told(rise: Interval | None) -> dict[str, float] | None:
    return None if rise is None else {edge: round(value, DIGITS) for edge, value in rise.as_dict().items()}
