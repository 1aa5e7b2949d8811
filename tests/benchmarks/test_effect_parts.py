"""The benchmark of effects: its world's true effect is what its simulated windows show, and its lines have the form."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.effect_parts.world import World, lived, made_world

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def world() -> World:
    return made_world(4_000)


def _mean_difference(world: World, chance_of_touch: float) -> tuple[float, float]:
    """Margin and share of buyers with a touch for all, minus without, over many windows."""
    size, runs = len(world), 400
    sides = [
        [lived(world, np.random.default_rng([side, run]), size, chance_of_touch, bool(side)) for run in range(runs)]
        for side in (1, 0)
    ]
    margin, bought = (
        [np.mean([getattr(one, name).mean() for one in side]) for side in sides] for name in ("margin", "ordered")
    )
    return float(margin[0] - margin[1]), float(bought[0] - bought[1])


def test_windows_with_a_touch_differ_from_those_without_by_the_known_effect(world: World) -> None:
    margin, bought = _mean_difference(world, 1.0)
    assert margin == pytest.approx(float(world.true_effect.mean()), abs=0.08)
    assert bought == pytest.approx(float(world.true_uplift.mean()), abs=0.002)


def test_nothing_happens_where_nothing_is_sent(world: World) -> None:
    draws = np.random.default_rng(3)
    window = lived(world, draws, 4_000, 0.5, works=False)
    assert (window.margin >= 0.0).all()
    assert 0.45 < window.treated.mean() < 0.55


def test_its_lines_come_as_json() -> None:
    script = ROOT / "benchmarks" / "effect.py"
    done = subprocess.run(
        [sys.executable, str(script), "--quick"], capture_output=True, text=True, check=True, cwd=ROOT
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 7
    assert all({"name", "ours", "target", "holds", "unit", "runs"} <= set(line) for line in lines)
