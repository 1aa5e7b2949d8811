"""The model in force changes under a running service: checked and taken over whole; a bad one is refused."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import orjson
import pandas as pd
import pytest
import yaml

from features.errors import ModelError
from models.scorer import MODEL_JSON, content_version
from serving.champions import Champions, keep, last_good, load_model, open_desk
from serving.inbox.marking import mark_file
from serving.settings import Places
from tests.serving.shop import copy_of, free_port, served

LOAD_THREADS = 4


@pytest.fixture
def home(run: Path, tmp_path: Path) -> Path:
    return copy_of(run, tmp_path / "run")


def put(folder: Path, home: Path) -> None:
    """Put a champion in force as `promote` does: written aside, then renamed."""
    aside = home / "data/.champion.tmp"
    shutil.copytree(folder, aside)
    shutil.rmtree(home / "data/champion", ignore_errors=True)
    aside.rename(home / "data/champion")


def put_store(store: Path, home: Path) -> None:
    aside = home / "data/.serving.db.tmp"
    shutil.copyfile(store, aside)
    aside.replace(home / "data/serving.db")


def changed(folder: Path, target: Path, **about: object) -> Path:
    """A champion with another description, its version true to it."""
    shutil.copytree(folder, target)
    bare = {**orjson.loads((target / MODEL_JSON).read_bytes()), **about}
    files = {path.name: path.read_bytes() for path in target.glob("trees.*")}
    (target / MODEL_JSON).write_bytes(orjson.dumps({**bare, "model_version": content_version(bare, files)}))
    return target


def looked(champions: Champions) -> bool:
    """As the watch does, until what changed has settled."""
    return any([champions.look(), champions.look()])


def test_a_new_champion_and_its_scores_take_over(home: Path, run_without_trees: Path) -> None:
    champions = Champions.open(Places(home))
    before = champions.desk
    assert not looked(champions)
    put(run_without_trees / "data/champion", home)
    put_store(run_without_trees / "data/serving.db", home)
    assert looked(champions)
    assert champions.desk.scorer.model_version != before.scorer.model_version
    assert champions.desk.has_own_scores
    assert champions.desk.inbox is before.inbox
    assert not looked(champions)


def test_what_is_still_being_written_is_left_alone(home: Path, run_without_trees: Path) -> None:
    champions = Champions.open(Places(home))
    put(run_without_trees / "data/champion", home)
    assert not champions.look()
    os.utime(home / "data/champion" / MODEL_JSON, (1, 1))
    assert not champions.look()
    assert champions.look()


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"golden": []}, "has no golden rows"),
        ({"calibration": {"intercept": 0.2, "slope": 0.9}}, "scores a golden row"),
        ({"left_out": ["orders_ever"]}, "does not compute, first 'orders_ever'"),
        ({"half_lives_days": "soon"}, "cannot be loaded|belongs"),
        ({"format": 99}, "this code reads"),
    ],
)
def test_a_bad_champion_is_refused_and_the_old_one_goes_on(
    home: Path, tmp_path: Path, fault: dict[str, object], told: str
) -> None:
    champions = Champions.open(Places(home))
    before = champions.desk
    put(changed(home / "data/champion", tmp_path / "new", **fault), home)
    assert not looked(champions)
    assert champions.desk is before
    with pytest.raises(ModelError, match=told):
        load_model(home / "data/champion")


def test_a_champion_cut_short_is_refused_until_it_is_whole(home: Path, run_without_trees: Path) -> None:
    champions = Champions.open(Places(home))
    whole = (run_without_trees / "data/champion" / MODEL_JSON).read_bytes()
    put(run_without_trees / "data/champion", home)
    (home / "data/champion" / MODEL_JSON).write_bytes(whole[: len(whole) // 2])
    assert not looked(champions)
    assert champions.refused is not None
    (home / "data/champion" / MODEL_JSON).write_bytes(whole)
    assert looked(champions)
    assert champions.refused is None


def test_a_champion_that_is_gone_changes_nothing(home: Path) -> None:
    champions = Champions.open(Places(home))
    before = champions.desk
    shutil.rmtree(home / "data/champion")
    assert not looked(champions)
    assert champions.desk is before


@pytest.mark.parametrize("damage", ["gone", "broken"])
def test_at_start_the_last_good_pair_steps_in(home: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    places = Places(home)
    version = open_desk(places).scorer.model_version
    keep(places, version)
    if damage == "gone":
        shutil.rmtree(places.champion)
        places.store.unlink()
    else:
        (places.champion / MODEL_JSON).write_text("{", encoding="utf-8")
        put_store(places.champion / MODEL_JSON, home)
    assert open_desk(places).scorer.model_version == version
    assert "starting with the last good model" in caplog.text
    assert "starting with the last good store" in caplog.text


def test_without_a_last_good_pair_a_missing_model_says_what_to_run(home: Path) -> None:
    shutil.rmtree(home / "data/champion")
    with pytest.raises(ModelError, match="run `dvc repro`"):
        open_desk(Places(home))


def test_under_load_no_request_fails_while_models_change(home: Path, run: Path, run_without_trees: Path) -> None:
    params = yaml.safe_load((home / "params.yaml").read_text(encoding="utf-8"))
    params["serve"]["poll_seconds"] = 0.2
    (home / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    (home / "data/external").mkdir()
    name = str(pd.read_parquet(run / "data/scores.parquet")["customer_id"].iloc[0])
    body = {"customers": [{"customer_id": name}]}
    port, stop = free_port(), threading.Event()
    statuses: list[int] = []

    def ask(client: httpx.Client) -> None:
        while not stop.is_set():
            statuses.append(client.post("/v1/score", json=body).status_code)

    with served(home, ["-m", "serving.run", "--port", str(port)], port) as client:
        asking = [threading.Thread(target=ask, args=[client]) for _ in range(LOAD_THREADS)]
        for thread in asking:
            thread.start()
        try:
            versions = [version_of(client, body)]
            versions.append(version_after(client, body, lambda: put(run_without_trees / "data/champion", home)))
            (home / "data/champion" / MODEL_JSON).write_text("{", encoding="utf-8")
            time.sleep(1)
            assert "rekindle_model_refused 1.0" in client.get("/metrics").text
            assert client.get("/readyz").status_code == 200
            versions.append(version_after(client, body, lambda: put(run / "data/champion", home)))
        finally:
            stop.set()
            for thread in asking:
                thread.join()
        event = {"event_id": "e", "customer_id": name, "kind": "session", "occurred_at": "2025-12-30T10:00:00Z"}
        assert client.post("/v1/events", json={"engagement": [event]}).json()["accepted"] == 1
        wait_for(lambda: mark_file(home).exists())
    assert versions[0] == versions[2] != versions[1]
    assert set(statuses) == {200}
    assert (last_good(Places(home)) / "champion" / MODEL_JSON).exists()


def version_after(client: httpx.Client, body: dict[str, object], change: Callable[[], None]) -> str:
    """The other model version that answers after a change."""
    before = version_of(client, body)
    change()
    wait_for(lambda: version_of(client, body) != before)
    return version_of(client, body)


def version_of(client: httpx.Client, body: dict[str, object]) -> str:
    return str(client.post("/v1/score", json=body).json()["model_version"])


def wait_for(condition: Callable[[], bool]) -> None:
    """Up to thirty seconds."""
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come about")
