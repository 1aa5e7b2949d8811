"""Part `settings`: Online Retail II, four questions; the bounds come from the best recipe found by hand for each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.model_parts.judge import Bench, Judged, Line, against_all, featurized, judged, made, rounded
from features.errors import SourceError
from models.intervals import Interval
from pipeline.params import Params, Pull
from pipeline.sources.online_retail_ii import located


@dataclass(frozen=True)
class Setting:
    """A question to the shop, and the best that was found with the test rows in sight."""

    horizon_days: int
    active_days: int | None
    test_cutoff: str
    best_brier: float
    best_auc: float
    most_calibration_error: float | None

    @property
    def name(self) -> str:
        """As docs/models.md writes it."""
        return f"{self.horizon_days} d, {'all' if self.active_days is None else f'{self.active_days} d'}"

    @property
    def target(self) -> str:
        """The bounds in words."""
        most = self.most_calibration_error
        bounds = f"Brier at most {1.01 * self.best_brier:.4f}, AUC at least {self.best_auc - 0.003:.3f}"
        return bounds if most is None else f"{bounds}, calibration error at most {most:g}"

    def missed(self, found: dict[str, Interval]) -> list[str]:
        """Which bounds do not hold: Brier within 1 %, AUC within 0.003, calibration error."""
        bound = 1.0 if self.most_calibration_error is None else self.most_calibration_error
        held = {
            "brier": found["brier"].value <= 1.01 * self.best_brier,
            "roc_auc": found["roc_auc"].value >= self.best_auc - 0.003,
            "calibration_error": found["calibration_error"].value <= bound,
        }
        return [name for name, holds in held.items() if not holds]


SETTINGS = (
    Setting(90, None, "2011-09-11", 0.1761, 0.809, 0.03),
    Setting(90, 365, "2011-09-11", 0.1934, 0.774, 0.03),
    Setting(30, 180, "2011-11-10", 0.1927, 0.752, None),
    Setting(182, None, "2011-06-11", 0.1769, 0.815, 0.03),
)


def lines(bench: Bench) -> Iterator[Line]:
    """Every method in every setting, then ours against the bounds."""
    try:
        pulled = source(bench.params)
    except SourceError as error:
        yield {"name": "settings", "skipped": str(error)}
        return
    with made(pulled, bench.params) as params:
        for setting in SETTINGS[3:] if bench.quick else SETTINGS:
            asked = {name: getattr(setting, name) for name in ("horizon_days", "active_days", "test_cutoff")}
            found = judged(featurized(params, **asked), params)
            yield from against_all(f"settings {setting.name}", found)
            yield _verdict(setting, found)


def source(params: Params) -> Pull:
    """Online Retail II in place; raises SourceError when it is not there."""
    retail = params.pull.online_retail_ii
    # Absolute, because the stages run in a folder of their own.
    retail = retail.model_copy(update={"path": str(located(retail).resolve())})
    return params.pull.model_copy(update={"source": "online_retail_ii", "online_retail_ii": retail})


def _verdict(setting: Setting, found: Judged) -> Line:
    mine = found.measured(found.ours)
    missed = setting.missed(mine)
    return {
        "name": f"settings {setting.name}",
        "ours": round(mine["brier"].value, 4),
        "peer": "best recipe by hand, test rows seen",
        "theirs": setting.best_brier,
        "unit": "Brier score",
        "ratio": round(setting.best_brier / mine["brier"].value, 4),
        "target": setting.target,
        "holds": not missed,
        "missed": missed,
        **{f"our_{metric}": rounded(each) for metric, each in mine.items()},
        **found.about,
    }
