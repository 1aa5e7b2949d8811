"""Who is at risk, why, and how many of them will be contacted: scores and plan, by decile, segment and reason.

At risk: churn_probability of at least one half, that is, more likely to stay away than to order.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

import duckdb

from pipeline.reporting.purchases import rows, share

AT_RISK = 0.5
REASONS = 8
RAISING = 6
EXAMPLES = 8

_JOINED = """
CREATE TABLE audience AS
SELECT s.*, (p.action IS NOT NULL)::BIGINT AS contacted
FROM read_parquet(?) s LEFT JOIN read_parquet(?) p USING (customer_id) ORDER BY customer_id
"""
_TOTALS = """
SELECT count(*), count(*) FILTER (churn_probability >= ?), sum(churn_probability),
       round(sum(value_at_risk), 2), sum(contacted), any_value(model_version)
FROM audience
"""
_GROUPS = """
SELECT {key}, count(*), avg(churn_probability), min(churn_probability), max(churn_probability),
       round(sum(value_at_risk), 2), sum(contacted)
FROM audience GROUP BY {key} ORDER BY {key}
"""
_REASONS = """
CREATE TABLE given AS
SELECT customer_id, segment, churn_decile, unnest(reasons).feature AS feature, unnest(reasons).direction AS direction
FROM audience
"""
_COMMON = """
SELECT feature, direction, count(*) AS n FROM given GROUP BY feature, direction
QUALIFY row_number() OVER (PARTITION BY direction ORDER BY n DESC, feature) <= ?
ORDER BY n DESC, feature, direction
"""
_TOP = """
SELECT segment, direction, feature FROM given GROUP BY segment, direction, feature
QUALIFY row_number() OVER (PARTITION BY segment, direction ORDER BY count(*) DESC, feature) = 1
ORDER BY segment, direction
"""
_EXAMPLES = """
SELECT customer_id, churn_probability, value_at_risk, segment, reasons_in_words,
       list_transform(reasons, lambda one: one.direction)
FROM audience ORDER BY value_at_risk DESC NULLS LAST, churn_probability DESC, customer_id LIMIT ?
"""
_RISING = """
SELECT feature, churn_decile, count(*) FROM given WHERE direction = 'raises' GROUP BY ALL ORDER BY ALL
"""


class Group(TypedDict):
    """Customers of one decile or segment; `value_at_risk` is None without revenue."""

    name: str
    customers: int
    mean_probability: float
    lowest_probability: float
    highest_probability: float
    value_at_risk: float | None
    contacted: int


class Reason(TypedDict):
    """How many customers carry a feature among their top reasons, in one direction; the most frequent of each."""

    feature: str
    direction: str
    customers: int
    share: float | None


class RaisingByDecile(TypedDict):
    """Of each decile (1 = most at risk), the share of customers whose risk the feature raises."""

    feature: str
    shares: list[float]


class SegmentReason(TypedDict):
    """The most frequent reason of a segment in each direction."""

    raises: str | None
    lowers: str | None


class Why(TypedDict):
    """One reason in words, and whether it raises or lowers the risk."""

    words: str
    direction: str


class Example(TypedDict):
    """One customer, with the reasons for the score in words; those with most to lose come first."""

    customer_id: str
    churn_probability: float
    value_at_risk: float | None
    segment: str
    reasons: list[Why]


class Audience(TypedDict):
    """The scored customers in one view."""

    customers: int
    at_risk: int
    at_risk_share: float | None
    at_risk_from: float
    expected_to_leave: int
    value_at_risk: float | None
    contacted: int
    model_version: str
    deciles: list[Group]
    segments: list[Group]
    reasons: list[Reason]
    raising_by_decile: list[RaisingByDecile]
    segment_reasons: dict[str, SegmentReason]
    examples: list[Example]


def audience(scores: Path, plan: Path) -> Audience:
    """Everything the page says about scored customers."""
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        connection.execute(_JOINED, [str(scores), str(plan)])
        connection.execute(_REASONS)
        [(customers, risky, leaving, value, contacted, version)] = connection.execute(_TOTALS, [AT_RISK]).fetchall()
        deciles = _groups(connection, "churn_decile")
        reasons = _reasons(connection, customers)
        return Audience(
            customers=customers,
            at_risk=risky,
            at_risk_share=share(risky, customers),
            at_risk_from=AT_RISK,
            expected_to_leave=round(leaving or 0.0),
            value_at_risk=value,
            contacted=int(contacted or 0),
            model_version=str(version),
            deciles=deciles,
            segments=_groups(connection, "segment"),
            reasons=reasons,
            raising_by_decile=_raising_by_decile(connection, deciles, reasons),
            segment_reasons=_segment_reasons(connection),
            examples=_examples(connection),
        )


def _groups(connection: duckdb.DuckDBPyConnection, key: str) -> list[Group]:
    return [
        Group(
            name=str(name),
            customers=customers,
            mean_probability=mean,
            lowest_probability=low,
            highest_probability=high,
            value_at_risk=value,
            contacted=int(contacted),
        )
        for name, customers, mean, low, high, value, contacted in connection.execute(_GROUPS.format(key=key)).fetchall()
    ]


def _reasons(connection: duckdb.DuckDBPyConnection, customers: int) -> list[Reason]:
    found = connection.execute(_COMMON, [REASONS]).fetchall()
    return [Reason(feature=name, direction=way, customers=n, share=share(n, customers)) for name, way, n in found]


def _raising_by_decile(
    connection: duckdb.DuckDBPyConnection, deciles: list[Group], reasons: list[Reason]
) -> list[RaisingByDecile]:
    counts = {(feature, str(decile)): count for feature, decile, count in connection.execute(_RISING).fetchall()}
    raising = [reason["feature"] for reason in reasons if reason["direction"] == "raises"][:RAISING]
    return [
        RaisingByDecile(
            feature=feature,
            shares=[counts.get((feature, group["name"]), 0) / group["customers"] for group in deciles],
        )
        for feature in raising
    ]


def _segment_reasons(connection: duckdb.DuckDBPyConnection) -> dict[str, SegmentReason]:
    found: dict[str, SegmentReason] = {}
    for segment, direction, feature in rows(connection, _TOP):
        entry = found.setdefault(str(segment), SegmentReason(raises=None, lowers=None))
        entry["raises" if direction == "raises" else "lowers"] = str(feature)
    return found


def _examples(connection: duckdb.DuckDBPyConnection) -> list[Example]:
    return [
        Example(
            customer_id=str(customer),
            churn_probability=probability,
            value_at_risk=None if value is None else round(value, 2),
            segment=str(segment),
            reasons=[Why(words=one, direction=way) for one, way in zip(words, ways, strict=True)],
        )
        for customer, probability, value, segment, words, ways in connection.execute(_EXAMPLES, [EXAMPLES]).fetchall()
    ]
