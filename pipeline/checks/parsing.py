"""SQL expressions that turn a raw value, typed or text, into a canonical one; null means it could not be read.

Times: a zone in the value wins; without one the source's zone holds. A local time that the clocks skipped is moved
ahead by the skip; one that occurred twice is taken as the later (standard time). Money is rounded to four places.
"""

from __future__ import annotations

from pipeline.sources.raw import literal

FIRST_YEAR, LAST_YEAR = 1990, 2100
ZONED = r":\d\d(\.\d+)?\s*(z|utc|gmt|[+-]\d\d(:?\d\d)?|[a-z_]+/[a-z_/]+)$"
TRUE = "('true', 't', 'yes', 'y', '1')"
FALSE = "('false', 'f', 'no', 'n', '0')"
WHOLE_FLOATS = ("DOUBLE", "FLOAT")


def text(column: str, kind: str) -> str:
    """The value as trimmed text; blank is null; a whole number stored as a float loses its `.0`."""
    if kind in WHOLE_FLOATS:
        whole = f"isfinite({column}) AND {column} = trunc({column}) AND abs({column}) < 9e15"
        return f"CASE WHEN {whole} THEN CAST(CAST({column} AS BIGINT) AS VARCHAR) ELSE CAST({column} AS VARCHAR) END"
    return f"nullif(trim(CAST({column} AS VARCHAR)), '')"


def money(column: str, kind: str) -> str:
    """Exact `decimal(18,4)`."""
    value = column if kind in WHOLE_FLOATS else text(column, kind)
    return f"TRY_CAST({value} AS DECIMAL(18, 4))"


def number(column: str, kind: str) -> str:
    """A finite float."""
    value = f"TRY_CAST({text(column, kind)} AS DOUBLE)"
    return f"CASE WHEN isfinite({value}) THEN {value} END"


def flag(column: str, kind: str) -> str:
    """True or false."""
    value = f"lower({text(column, kind)})"
    return f"CASE WHEN {value} IN {TRUE} THEN true WHEN {value} IN {FALSE} THEN false END"


def instant(column: str, kind: str, zone: str | None) -> str:
    """UTC; null when it is no time, or a time without a zone while the source's zone is not declared."""
    if kind == "TIMESTAMP WITH TIME ZONE":
        value = column
    elif zone is None:
        value = f"CASE WHEN {zoned(column, kind)} THEN TRY_CAST({text(column, kind)} AS TIMESTAMPTZ) END"
    else:
        local = f"timezone({literal(zone)}, {wall_time(column, kind)})"
        aware = f"TRY_CAST({text(column, kind)} AS TIMESTAMPTZ)"
        value = f"CASE WHEN {zoned(column, kind)} THEN {aware} ELSE {local} END" if kind == "VARCHAR" else local
    return f"CASE WHEN isfinite({value}) THEN {value} END"


def wall_time(column: str, kind: str) -> str:
    """What the clock on the wall said, for a value without a zone; null when it has one or is no time."""
    if kind == "TIMESTAMP WITH TIME ZONE":
        return "CAST(NULL AS TIMESTAMP)"
    value = f"TRY_CAST({text(column, kind)} AS TIMESTAMP)" if kind == "VARCHAR" else f"CAST({column} AS TIMESTAMP)"
    finite = f"CASE WHEN isfinite({value}) THEN {value} END"
    return f"CASE WHEN NOT {zoned(column, kind)} THEN {finite} END" if kind == "VARCHAR" else finite


def zoned(column: str, kind: str) -> str:
    """Whether the value says its own offset from UTC."""
    if kind != "VARCHAR":
        return "true" if kind == "TIMESTAMP WITH TIME ZONE" else "false"
    return f"coalesce(regexp_matches(trim({column}), {literal(ZONED)}, 'i'), false)"


def clock_change(wall: str, zone: str) -> str:
    """'gap' or 'overlap' for a local time that a change of the clocks skipped or repeated, else null."""
    there = f"timezone({literal(zone)}, {wall})"
    back = f"timezone({literal(zone)}, {there})"
    # Where a zone repeats an hour, the same wall time also stands one hour earlier.
    earlier = f"timezone({literal(zone)}, {there} - INTERVAL 1 HOUR)"
    return f"CASE WHEN {back} <> {wall} THEN 'gap' WHEN {earlier} = {wall} THEN 'overlap' END"
