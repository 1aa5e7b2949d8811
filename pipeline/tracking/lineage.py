"""What DVC and git know about a run: params and digests of the finished stages, experiment name, commit."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import yaml

from pipeline.params import Params

UPSTREAM = ("pull", "check", "featurize", "train", "evaluate")
SOURCES = ("demo", "files", "online_retail_ii", "sql")
LOCK = Path("dvc.lock")
PARAM_LENGTH = 500  # of one value: what an older tracking server still takes

Stage = Mapping[str, object]


@dataclass(frozen=True)
class Lineage:
    """Flat params, and the DVC digest of every dependency and output of the stages above `track`."""

    params: dict[str, str]
    deps: dict[str, str]
    outs: dict[str, str]
    lock_md5: str | None

    def tags(self) -> dict[str, str]:
        """As tags of a run."""
        lock = {"dvc.lock_md5": self.lock_md5} if self.lock_md5 else {}
        deps = {f"dvc.dep.{path}": digest for path, digest in self.deps.items()}
        return lock | deps | {f"dvc.out.{path}": digest for path, digest in self.outs.items()}


def read_lineage(params: Params, lock: Path = LOCK) -> Lineage:
    """Read `dvc.lock`, which holds the finished stages; without one (a stage run by hand) only the params are known."""
    stages = _upstream(lock)
    if not stages:
        return Lineage(flat_params(params.model_dump(mode="json", include=_sections())), {}, {}, None)
    ran: dict[str, object] = {}
    for stage in stages.values():
        sections = cast("Mapping[str, Mapping[str, object]]", stage.get("params", {}))
        ran.update(sections.get("params.yaml", {}))
    outs = _digests(stages, "outs")
    deps = {path: digest for path, digest in _digests(stages, "deps").items() if path not in outs}
    canonical = json.dumps(stages, sort_keys=True, default=str).encode()
    return Lineage(flat_params(ran), deps, outs, hashlib.md5(canonical, usedforsecurity=False).hexdigest())


def flat_params(tree: Mapping[str, object]) -> dict[str, str]:
    """Nested params as dotted names; those of sources that were not pulled are left out."""
    flat = dict(_leaves("", tree))
    unused = {f"pull.{source}" for source in SOURCES if source != flat.get("pull.source")}
    return {name: value[:PARAM_LENGTH] for name, value in flat.items() if ".".join(name.split(".")[:2]) not in unused}


def context_tags() -> dict[str, str]:
    """The DVC experiment and the git state; `git.dirty` does not count dvc.lock, which every run rewrites."""
    found = {
        "dvc.exp": os.environ.get("DVC_EXP_NAME"),
        "dvc.baseline": os.environ.get("DVC_EXP_BASELINE_REV"),
        "git.sha": _git("rev-parse", "HEAD"),
    }
    tags = {name: value for name, value in found.items() if value}
    changed = _git("status", "--porcelain", "--", ".", f":(exclude){LOCK}")
    return tags if changed is None else tags | {"git.dirty": str(bool(changed)).lower()}


def _sections() -> set[str]:
    return {"pull", "check", "snapshots", "features", "train", "evaluate"}


def _upstream(lock: Path) -> dict[str, Stage]:
    if not lock.exists():
        return {}
    stages = (yaml.safe_load(lock.read_text(encoding="utf-8")) or {}).get("stages", {})
    return {name: stages[name] for name in UPSTREAM if name in stages}


def _digests(stages: Mapping[str, Stage], kind: str) -> dict[str, str]:
    entries = [entry for stage in stages.values() for entry in cast("list[dict[str, str]]", stage.get(kind, []))]
    return {entry["path"].rstrip("/"): entry["md5"] for entry in entries if "md5" in entry}


def _leaves(prefix: str, value: object) -> list[tuple[str, str]]:
    if not isinstance(value, Mapping):
        return [(prefix, json.dumps(value) if isinstance(value, list) else str(value))]
    start = f"{prefix}." if prefix else ""
    return [leaf for name, inner in value.items() for leaf in _leaves(f"{start}{name}", inner)]


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
