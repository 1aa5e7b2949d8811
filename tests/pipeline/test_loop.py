"""`python -m pipeline.loop`: the command and its table."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from pipeline.loop.__main__ import ORDER, told
from pipeline.loop.futures import Future
from pipeline.loop.six_months import NAMES, WITHOUT, Asked
from pipeline.params import load_params
from tests.pipeline.shops import ROOT

PARAMS = load_params(ROOT / "params.yaml")


def test_the_table_has_a_line_per_future_with_its_gain() -> None:
    found = {name: Future(name, np.array([1.0, 2.0, 3.0, 4.0])) for name in NAMES}
    found["the loop"] = Future("the loop", np.array([2.0, 3.0, 4.0, 5.0]), contacts=1234, to_the_gone=7, promised=2.0)
    lines = told(Asked(PARAMS, 3, 2, 7), found)
    assert lines[0].startswith("3 customers and 1 newcomers, 2 months, at most 1 contacts a month")
    assert [line[:18].strip() for line in lines[2:]] == list(ORDER)
    assert lines[2].startswith(WITHOUT)
    assert "1,234" in lines[4]
    assert "+1.000 (+1.000 to +1.000)" in lines[4]
    assert lines[4].endswith(" +0.500")


@pytest.mark.slow
def test_the_command_ends_with_the_gain() -> None:
    env = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pipeline.loop", "--customers", "300", "--months", "1"]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    last = done.stdout.splitlines()[-1]
    assert last.startswith("loop: ")
    assert "a customer" in last
    for name in ORDER:
        assert any(line.startswith(name) for line in done.stdout.splitlines())
