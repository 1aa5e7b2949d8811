"""The audit of the locked packages: a finding fails, what could not be asked is said."""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
AUDIT = runpy.run_path(str(ROOT / ".ci/audit"))
CLEAN = {"name": "numpy", "version": "2.3.0", "vulns": []}
FAULTY = {"name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-2020-1", "fix_versions": ["1.1"]}]}
UNKNOWN = {"name": "own", "skip_reason": "Dependency not found"}


def verdict(*found: dict[str, object]) -> tuple[int, str]:
    code, told = AUDIT["verdict"](json.dumps({"dependencies": found}))
    return code, told


def test_a_known_vulnerability_fails_and_says_which_version_helps() -> None:
    code, told = verdict(CLEAN, FAULTY)
    assert code == 1
    assert "old 1.0: PYSEC-2020-1, fixed in 1.1" in told


def test_clean_packages_pass_and_the_unknown_are_counted() -> None:
    assert verdict(CLEAN, UNKNOWN) == (0, "1 packages without a known vulnerability, 1 unknown to the database")


def test_nothing_audited_is_said_aloud() -> None:
    assert verdict(UNKNOWN)[1].startswith("SKIPPED")


def test_without_a_way_out_the_real_auditor_is_skipped_aloud(tmp_path: Path) -> None:
    nowhere = dict.fromkeys(("HTTPS_PROXY", "https_proxy", "ALL_PROXY"), "http://127.0.0.1:1")
    for lock in AUDIT["LOCKS"]:
        (tmp_path / lock).write_text("idna==3.10 --hash=sha256:" + "0" * 64 + "\n")
    done = subprocess.run(
        [sys.executable, ROOT / ".ci/audit"],
        cwd=tmp_path,
        env={**os.environ, **nowhere, "NO_PROXY": "", "no_proxy": "", "XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.count("SKIPPED")) == (0, 2), done.stdout
