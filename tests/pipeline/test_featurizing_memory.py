"""Freed memory kept for the next array: asked of the C library of the process, and no loss where it cannot be."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from pipeline.featurizing.memory import keep_freed_memory

FAULTS_OF_ARRAYS = """
import resource, sys
import numpy as np
from pipeline.featurizing.memory import keep_freed_memory
if sys.argv[1] == "kept":
    assert keep_freed_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(50):
    arrays = [np.ones(200_000) for _ in range(8)]
    del arrays
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    return int(subprocess.run([sys.executable, "-c", FAULTS_OF_ARRAYS, how], capture_output=True, check=True).stdout)


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="this C library has no mallopt")
def test_arrays_made_again_do_not_touch_new_pages() -> None:
    assert faults("kept") * 5 < faults("as a rule")


def test_where_the_c_library_cannot_be_asked_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    assert not keep_freed_memory()
