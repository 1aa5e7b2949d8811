"""Which model answers: the service follows `data/champion` and `data/serving.db` while it runs.

What is new is loaded beside what answers, must score its golden rows as in training, and takes over by one assignment:
a request keeps the desk it began with. What does not hold is refused, told in the log and in /metrics, and the old one
goes on. The last pair that held is kept in `data/last_good/`, for a start at which the first is absent or broken.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import orjson
import prometheus_client as prometheus

from features.errors import ModelError, RekindleError
from features.registry import feature_columns
from models.scorer import MODEL_JSON, Scorer
from serving.desk import Desk
from serving.inbox.database import told
from serving.inbox.erased import offer_erased
from serving.inbox.marking import offer_mark
from serving.outbox.lists import erased
from serving.settings import Places
from serving.store import Store

Part = TypeVar("Part")
Stamp = tuple[tuple[str, int, int, int], ...]
CHANGES = prometheus.Counter("rekindle_model_changes", "Models and nightly scores met while running.", ["result"])
REFUSED = prometheus.Gauge(
    "rekindle_model_refused", "1 while what lies in data/champion is refused.", multiprocess_mode="livemax"
)
_LOG = logging.getLogger(__name__)


def last_good(places: Places) -> Path:
    """The folder of the last pair that held: a copy of the model's files, and the store."""
    return places.home / "data" / "last_good"


def open_desk(places: Places) -> Desk:
    """The desk at start; with the last good model or store when the present one is absent or broken."""
    kept = last_good(places)
    return Desk.of(
        _first("model", load_model, places.champion, kept / "champion"),
        _first("store of scores", Store.open, places.store, kept / places.store.name),
        places,
    )


def load_model(folder: Path) -> Scorer:
    """Load it, golden rows and all; raises ModelError, also for columns that this code does not compute."""
    try:
        scorer = Scorer.load(folder)
        computed = {column.name for column in feature_columns(scorer.settings)}
    except RekindleError:
        raise
    except Exception as error:  # whatever is wrong with a file from outside, it is that file's fault
        raise ModelError(f"{folder} cannot be loaded ({type(error).__name__}: {error}). Restore it.") from error
    if not scorer.about["golden"]:
        raise ModelError(f"{folder} has no golden rows to tell whether it scores as trained; train again.")
    missing = [name for name in scorer.feature_columns if name not in computed]
    if missing:
        raise ModelError(
            f"{folder} wants {len(missing)} feature(s) that this code does not compute, first {missing[0]!r}. "
            "Serve it with the code it was trained with, or train again."
        )
    return scorer


@dataclass
class Champions:
    """Looks for what is new, in a thread of its own; `desk` is what answers."""

    places: Places
    desk: Desk
    refused: str | None = None
    _seen: tuple[Stamp, Stamp] = ((), ())
    _settled: tuple[Stamp, Stamp] = ((), ())
    _last_mark: tuple[int, int] = (0, 0)
    _last_erased: frozenset[str] = frozenset()

    @classmethod
    def open(cls, places: Places) -> Champions:
        """With the desk of the start; raises a RekindleError when neither the present nor the last good pair loads."""
        seen = _stamps(places)
        champions = cls(places, open_desk(places))
        champions._seen = champions._settled = seen
        return champions

    def watch(self, publish: Callable[[Desk], None]) -> None:
        """Look every `serve.poll_seconds` until the process ends; `publish` is given each new desk."""
        threading.Thread(target=self._watch, args=[publish], name="champions", daemon=True).start()

    def look(self) -> bool:
        """Take over what is new, once it stopped changing; True when another desk answers now."""
        stamps = _stamps(self.places)
        was_settled, self._settled = stamps == self._settled, stamps
        if not was_settled or stamps == self._seen:
            return False
        before, self._seen = self._seen, stamps
        try:
            desk = self._renewed(model=stamps[0] != before[0] or self.refused is not None)
        except RekindleError as error:
            self._refuse(str(error))
            return False
        self.desk, self.refused = desk, None
        REFUSED.set(0)
        CHANGES.labels("taken").inc()
        _LOG.warning(
            "now answering with model %s, as of %s", desk.scorer.model_version, desk.head(desk.as_of_us)["as_of"]
        )
        return True

    def _renewed(self, model: bool) -> Desk:
        scorer = load_model(self.places.champion) if model else self.desk.scorer
        return Desk.of(scorer, Store.open(self.places.store), self.places, self.desk.inbox)

    def _refuse(self, why: str) -> None:
        # A model that is being replaced is gone for a moment: told, but no alarm once it is back.
        self.refused = why
        REFUSED.set(1)
        CHANGES.labels("refused").inc()
        _LOG.error("refused, %s goes on answering: %s", self.desk.scorer.model_version, why)

    def _keep(self) -> None:
        try:
            keep(self.places, self.desk.scorer.model_version)
        except (OSError, RekindleError) as error:
            _LOG.warning("no copy for a later start: %s", error)

    def _offer_mark(self) -> None:
        try:
            self._offer_erased()
            mark = self.desk.inbox.mark()
            if (mark.last, mark.runs) > self._last_mark and offer_mark(self.places.home, mark):
                self._last_mark = (mark.last, mark.runs)
        except (OSError, RekindleError) as error:
            _LOG.warning("the pipeline is not told of what was received: %s", error)

    def _offer_erased(self) -> None:
        with told(), self.desk.inbox.engine.connect() as connection:
            persons = frozenset(erased(connection))
        if persons != self._last_erased and offer_erased(self.places.home, persons):
            self._last_erased = persons

    def _watch(self, publish: Callable[[Desk], None]) -> None:
        self._keep()
        while True:
            time.sleep(self.desk.limits.poll_seconds)
            try:
                if self.look():
                    publish(self.desk)
                    self._keep()
                self._offer_mark()
            except Exception:  # noqa: BLE001 - a watch that ends would end in silence
                _LOG.exception("the watch for new models goes on after")


def keep(places: Places, model_version: str) -> None:
    """Copy the pair that answers to the folder of the last good one; the model is checked once more as a copy."""
    folder = last_good(places)
    kept, aside = folder / "champion", folder / f".champion.{os.getpid()}.tmp"
    folder.mkdir(parents=True, exist_ok=True)
    if not kept.exists() or _version(kept) != model_version:
        shutil.rmtree(aside, ignore_errors=True)
        shutil.copytree(places.champion, aside)
        if Scorer.load(aside).model_version == model_version:
            shutil.rmtree(kept, ignore_errors=True)
            aside.rename(kept)
        shutil.rmtree(aside, ignore_errors=True)
    _link(places.store, folder / places.store.name)


def _version(folder: Path) -> object:
    try:
        return orjson.loads((folder / MODEL_JSON).read_bytes()).get("model_version")
    except (OSError, orjson.JSONDecodeError):
        return None


def _link(store: Path, kept: Path) -> None:
    """The same file under a second name, which takes no space; the nightly run writes a new file, never into this."""
    if not store.is_file() or (kept.exists() and kept.samefile(store)):
        return
    aside = kept.with_name(f".{kept.name}.{os.getpid()}.tmp")
    aside.unlink(missing_ok=True)
    try:
        os.link(store, aside)
    except OSError:
        shutil.copyfile(store, aside)
    aside.replace(kept)


def _first(what: str, load: Callable[[Path], Part], path: Path, kept: Path) -> Part:
    try:
        return load(path)
    except RekindleError as error:
        if not kept.exists():
            raise
        part = load(kept)
        _LOG.error("starting with the last good %s, from %s: %s", what, kept, error)
        return part


def _stamps(places: Places) -> tuple[Stamp, Stamp]:
    return _stamp(sorted(places.champion.glob("*"))), _stamp([places.store])


def _stamp(files: list[Path]) -> Stamp:
    """What changes when a file does."""
    found = []
    for file in files:
        try:
            about = file.stat()
        except OSError:
            continue
        found.append((file.name, about.st_ino, about.st_mtime_ns, about.st_size))
    return tuple(found)
