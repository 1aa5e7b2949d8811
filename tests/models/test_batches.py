"""Trees fitted from batches are the trees fitted in memory; whoever shares trees shares the new ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xgboost as xgb

from models.batches import Batch, Batches, Pages, refitted, trees_from_disk
from models.boosting import THREADS, booster_of
from models.formulas import Formula, parts
from models.history import History
from models.plain import described, texts
from models.training import Trained
from tests.models.conftest import BOOSTING


@pytest.fixture(scope="module")
def allowed(labelled: History) -> History:
    return labelled.at(labelled.closed_by(labelled.moments()[-1]))


def batches_of(history: History, size: int) -> Batches:
    def batches(names: list[str]) -> Iterator[Batch]:
        for first in range(0, len(history), size):
            rows = slice(first, first + size)
            yield Batch(history.features[names].to_numpy(np.float64)[rows], history.churned[rows])

    return batches


def trees_part(trained: Trained) -> Formula:
    return next(part for part in parts(trained.candidate.formula_) if part["kind"] == "trees")


def test_trees_from_disk_are_byte_for_byte_those_of_the_same_batches_in_memory(
    trained: dict[str, Trained], allowed: History, tmp_path: Path
) -> None:
    batches, trees = batches_of(allowed, 700), trees_part(trained["xgboost_btyd"])
    in_memory = booster_of(xgb.QuantileDMatrix(Pages(batches, trees, None), nthread=THREADS), BOOSTING, 7)
    assert trees_from_disk(batches, BOOSTING, 7, tmp_path)(trees).save_raw() == in_memory.save_raw()
    assert not list(tmp_path.iterdir())  # the pages are gone


@pytest.mark.parametrize("name", ["xgboost", "xgboost_btyd", "xgboost_fading", "blend"])
def test_scores_equal_those_of_the_fit_in_memory(name: str, trained: dict[str, Trained], allowed: History) -> None:
    again = refitted({name: trained[name]}, trees_from_disk(batches_of(allowed, 700), BOOSTING, 7), 1, 0.5)[name]
    old, new = (one.churn_probability(allowed.features) for one in (trained[name], again))
    # Bins come from a sketch of each batch, so a boundary may lie one row elsewhere.
    np.testing.assert_allclose(new, old, atol=0.02)
    assert np.abs(new - old).mean() < 0.002


def test_other_rows_give_other_trees(trained: dict[str, Trained], allowed: History) -> None:
    half = allowed.where(np.arange(len(allowed)) % 2 == 0)
    again = refitted({"xgboost": trained["xgboost"]}, trees_from_disk(batches_of(half, 700), BOOSTING, 7), 1, 0.5)
    old, new = (one.churn_probability(allowed.features) for one in (trained["xgboost"], again["xgboost"]))
    assert np.abs(new - old).mean() > 0.005


def test_models_with_the_same_trees_are_fitted_once_and_those_without_are_left_alone(
    trained: dict[str, Trained], allowed: History
) -> None:
    fits: list[Formula] = []
    fit = trees_from_disk(batches_of(allowed, 2000), BOOSTING, 7)

    def counted(trees: Formula) -> xgb.Booster:
        fits.append(trees)
        return fit(trees)

    again = refitted(trained, counted, 123_456, 0.25)
    assert len(fits) == 3  # on the churn rate, on BG/NBD, on fading interest
    assert again["blend"].candidate.booster_ is again["xgboost"].candidate.booster_
    assert again["xgboost_btyd"].candidate.booster_ is not again["xgboost"].candidate.booster_
    assert again["logistic"] is trained["logistic"]


def test_a_refitted_model_says_what_it_learned_from_and_the_old_one_is_untouched(
    trained: dict[str, Trained], allowed: History
) -> None:
    before = trained["xgboost"].candidate.booster_
    again = refitted(trained, trees_from_disk(batches_of(allowed, 2000), BOOSTING, 7), 123_456, 0.25)["xgboost"]
    assert (again.rows, again.churn_rate) == (123_456, 0.25)
    assert again.notes[-1] == (
        f"trees learned from all 123,456 rows, the rest from the {len(allowed):,} of a sample of customers"
    )
    assert trained["xgboost"].candidate.booster_ is before is not again.candidate.booster_


def test_the_columns_asked_for_are_those_of_the_trees_and_of_their_base(
    trained: dict[str, Trained], allowed: History
) -> None:
    trees, asked = trees_part(trained["xgboost_btyd"]), []

    def batches(names: list[str]) -> Iterator[Batch]:
        asked.append(names)
        return batches_of(allowed, 2000)(names)

    trees_from_disk(batches, BOOSTING, 7)(trees)
    wanted = {*texts(trees["columns"]), *texts(described(trees["base"])["columns"])}
    assert {tuple(names) for names in asked} == {tuple(sorted(wanted))}


def test_what_goes_wrong_while_reading_is_raised_as_it_is(trained: dict[str, Trained]) -> None:
    def batches(names: list[str]) -> Iterator[Batch]:
        raise OSError(f"disk with {len(names)} columns gone")
        yield

    with pytest.raises(OSError, match="columns gone"):
        trees_from_disk(batches, BOOSTING, 7)(trees_part(trained["xgboost"]))
