"""`params.yaml`, parsed into frozen, closed sections; every fault is reported at once."""

from __future__ import annotations

import difflib
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from features.errors import ConfigError
from serving.dispatch.settings import Dispatch
from serving.policy import Money, Policy, Share
from serving.settings import Count, Serve

Days = Annotated[int, Field(ge=1)]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"no time zone named {name!r}; use a name such as Europe/London") from error
    return name


def _quoted_date(value: object) -> object:
    if isinstance(value, date):
        raise ValueError(f'quote the date: "{value:%Y-%m-%d}" (DVC refuses unquoted dates)')
    return value


def _iso_date(text: str) -> str:
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f'{text!r} is not a date such as "2025-10-01"') from error
    return text


Zone = Annotated[str, AfterValidator(_zone)]
IsoDate = Annotated[str, BeforeValidator(_quoted_date), AfterValidator(_iso_date)]


class Section(BaseModel):
    """A frozen part of the params that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())


class DemoShop(Section):
    seed: Annotated[int, Field(ge=0)]
    customers: Annotated[int, Field(ge=1, le=9_999_999)]
    years: Annotated[int, Field(ge=1, le=10)]
    end: IsoDate


class FileTable(Section):
    path: str | None
    columns: dict[str, str]


class Files(Section):
    orders: FileTable
    order_items: FileTable
    engagement: FileTable
    customers: FileTable


class OnlineRetail(Section):
    path: str | None


class SqlTable(Section):
    table: str | None
    query: str | None
    columns: dict[str, str]


class Sql(Section):
    url_env: str
    orders: SqlTable
    order_items: SqlTable
    engagement: SqlTable
    customers: SqlTable


class Pull(Section):
    source: Literal["demo", "files", "online_retail_ii", "sql"]
    source_timezone: Zone | None
    demo: DemoShop
    files: Files
    online_retail_ii: OnlineRetail
    sql: Sql


class Check(Section):
    max_quarantine_share: Share


class Snapshots(Section):
    horizon_days: Days
    active_days: Days | None
    every_days: Days
    max_cutoffs: Count
    as_of: IsoDate | None
    test_cutoff: IsoDate | None


class Spark(Section):
    master: str
    clean: str | None
    blocks: Count
    options: dict[str, str]


class Features(Section):
    half_lives_days: list[Days]
    extra: list[str]
    engine: Literal["local", "spark"]
    customers_per_block: Annotated[int, Field(ge=1, le=8192)]
    events_per_block: Annotated[int, Field(ge=1_000)]
    spark: Spark


class Logistic(Section):
    l2: Annotated[float, Field(gt=0)]


class Xgboost(Section):
    rounds: Count
    learning_rate: Annotated[float, Field(gt=0, le=1)]
    max_depth: Annotated[int, Field(ge=1, le=12)]
    min_child_weight: Annotated[float, Field(ge=0)]
    subsample: Annotated[float, Field(gt=0, le=1)]
    colsample_bytree: Annotated[float, Field(gt=0, le=1)]
    l2: Annotated[float, Field(ge=0)]


Candidate = Literal[
    "recency_rule",
    "logistic",
    "bgnbd",
    "mbgnbd",
    "xgboost",
    "xgboost_deep",
    "xgboost_btyd",
    "xgboost_fading",
    "blend",
    "blend_levelled",
]


class Tuning(Section):
    trials: Annotated[int, Field(ge=0)]
    minutes: Annotated[float, Field(gt=0)] | None
    rows: Annotated[int, Field(ge=100)] | None


class Train(Section):
    seed: int
    candidates: Annotated[list[Candidate], Field(min_length=1)]
    origins: Count
    auc_ceiling: Annotated[float, Field(gt=0.5, le=1)]
    rows_in_memory: Annotated[int, Field(ge=100)]
    engine: Literal["local", "spark"]
    logistic: Logistic
    xgboost: Xgboost
    xgboost_deep: Xgboost
    xgboost_fading: Xgboost
    tuning: Tuning

    @property
    def own_trees(self) -> dict[str, Xgboost]:
        """The settings of the candidates whose trees are not as in `xgboost`."""
        return {"xgboost_deep": self.xgboost_deep, "xgboost_fading": self.xgboost_fading}


class Profit(Section):
    offer_cost_money: Money
    contact_cost_money: Money
    accept_rate: Share


class Evaluate(Section):
    seed: int
    resamples: Annotated[int, Field(ge=20)]
    interval_share: Annotated[float, Field(gt=0, lt=1)]
    calibration_bins: Annotated[int, Field(ge=2)]
    top_share: Annotated[float, Field(gt=0, lt=1)]
    profit: Profit


class Promote(Section):
    model_name: str
    max_log_loss_excess: float
    max_calibration_error: Share
    min_skill: float
    min_skill_over_baseline: float
    max_segment_gap: Share
    hold: bool


class Watch(Section):
    moved_psi: Annotated[float, Field(gt=0)]
    much_moved_psi: Annotated[float, Field(gt=0)]
    churn_rate_gap: Share


class Score(Section):
    margin_share: Share
    reasons: Count
    watch: Watch


class Paying(Section):
    """How the effect of what was sent is measured, and when it counts as known."""

    window_days: Days
    before_days: Days
    interval_share: Annotated[float, Field(gt=0.0, lt=1.0)]
    min_people_per_arm: Annotated[int, Field(ge=2)]
    matters_money: Annotated[float, Field(gt=0.0)]
    matters_share: Annotated[float, Field(gt=0.0, le=1.0)]


class Params(Section):
    """The whole of `params.yaml`; a section per stage, or per group of stages."""

    pull: Pull
    check: Check
    snapshots: Snapshots
    features: Features
    train: Train
    evaluate: Evaluate
    promote: Promote
    score: Score
    effect: Paying
    plan: Policy
    dispatch: Dispatch
    serve: Serve


def load_params(path: Path = Path("params.yaml")) -> Params:
    """Read and validate the params; raises ConfigError listing every fault."""
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError(f"{path} is missing; run from the project's root.") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from error
    return parse_params(tree if isinstance(tree, dict) else {}, str(path))


def parse_params(tree: dict[str, object], where: str = "params.yaml") -> Params:
    """Validate a tree of params; raises ConfigError listing every fault."""
    try:
        return Params.model_validate(tree)
    except ValidationError as error:
        faults = [f"  {_fault(tree, fault['loc'], fault['type'], fault['msg'])}" for fault in error.errors()]
        raise ConfigError("\n".join([f"{where} has {len(faults)} fault(s):", *faults])) from error


def _fault(tree: object, location: tuple[int | str, ...], kind: str, message: str) -> str:
    key = ".".join(str(part) for part in location)
    if kind == "missing":
        return f"{key}: missing; it must be set"
    if kind == "extra_forbidden":
        return f"{key}: unknown key{_nearest(location)}"
    found = _found(tree, location)
    shown = "" if isinstance(found, dict) else f" (found {found!r})"
    return f"{key}: {message.removeprefix('Value error, ')}{shown}"


def _found(tree: object, location: tuple[int | str, ...]) -> object:
    for part in location:
        known = part in tree if isinstance(tree, dict) else isinstance(tree, list) and part in range(len(tree))
        tree = tree[part] if known else tree  # type: ignore[index]
    return tree


def _nearest(location: tuple[int | str, ...]) -> str:
    section: object = Params
    for part in location[:-1]:
        section = _field_type(section, str(part))
    if not (isinstance(section, type) and issubclass(section, BaseModel)):
        return ""
    near = difflib.get_close_matches(str(location[-1]), section.model_fields, n=1, cutoff=0.0)
    return f"; did you mean {near[0]}?" if near else ""


def _field_type(section: object, name: str) -> object:
    if isinstance(section, type) and issubclass(section, BaseModel):
        field = section.model_fields.get(name)
        return field.annotation if field else None
    arguments = getattr(section, "__args__", ())
    return arguments[-1] if arguments else None
