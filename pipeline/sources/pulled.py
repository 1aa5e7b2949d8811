"""`data/raw/pull.json`: what `pull` found, for `check` to read."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from pipeline.files import read_json, write_json

NAME = "pull.json"


class RawTable(BaseModel):
    """Size and canonical columns of one raw table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: int
    columns: list[str]


class Pulled(BaseModel):
    """The source, the zone of its times, its tables, what it lacks, and the first instant after it (null: unknown)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    zone: str | None
    tables: dict[str, RawTable]
    absent: list[str]
    period_end: str | None

    @classmethod
    def read(cls, raw: Path) -> Pulled:
        """Read it back; raises DataError when `pull` has not run."""
        return cls.model_validate(read_json(raw / NAME))

    def write(self, raw: Path) -> None:
        """Write it beside the raw tables."""
        write_json(raw / NAME, self.model_dump())
