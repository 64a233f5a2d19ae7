"""One feature alone: the area under its ROC curve, as scikit-learn has it, and when it is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from builders import a_feature, a_feature_query, a_model
from mlc_targets.local.train.rows import Rows
from mlc_targets.local.train.telling import area_alone, telling_features

GENERATOR = np.random.default_rng(7)


def rows_of(y: np.ndarray, **columns: np.ndarray) -> Rows:
    none = np.zeros(len(y), dtype="datetime64[us]")
    return Rows(columns, y, np.ones(len(y), dtype=np.int8), none, (False, True))


@pytest.mark.parametrize("digits", [0, 1, 6])
def test_the_area_is_that_of_scikit_learn(digits: int) -> None:
    y = GENERATOR.integers(0, 2, 2000)
    scores = np.round(y + GENERATOR.normal(0, 1, 2000), digits)
    expected = roc_auc_score(y, scores)
    assert area_alone(scores.astype(np.float32), y) == pytest.approx(expected, abs=1e-6)
    assert area_alone(-scores.astype(np.float32), y) == pytest.approx(expected, abs=1e-6), "either direction"


def test_texts_that_name_the_outcome_are_found_and_rare_ones_are_not() -> None:
    y = GENERATOR.integers(0, 2, 2000)
    told = np.where(y == 1, "refunded", "kept").astype(object)
    rare = np.array([f"customer {i}" for i in range(2000)], dtype=object)
    assert area_alone(told, y) == 1.0
    assert area_alone(rare, y) == pytest.approx(0.5, abs=0.05)


def test_nulls_constants_infinities_and_one_class_are_no_trouble() -> None:
    y = GENERATOR.integers(0, 2, 500)
    assert area_alone(np.full(500, np.nan, dtype=np.float32), y) == 0.5
    assert area_alone(np.zeros(500, dtype=np.float32), y) == 0.5
    assert area_alone(np.array([np.inf, -np.inf] * 250, dtype=np.float32), np.array([1, 0] * 250)) == 1.0
    assert area_alone(np.arange(500, dtype=np.float32), np.zeros(500, dtype=np.int64)) == 0.5
    missing_when_late = np.where(y == 1, np.nan, 1.0).astype(np.float32)
    assert area_alone(missing_when_late, y) == 1.0


def test_a_feature_that_is_the_outcome_is_told_and_a_good_one_is_not() -> None:
    y = GENERATOR.integers(0, 2, 2000)
    features = (a_feature("good", kind="number", type="float64"), a_feature("outcome", kind="number", type="float64"))
    model = replace(a_model(), features=replace(a_feature_query(), features=features))
    good = (y + GENERATOR.normal(0, 1, 2000)).astype(np.float32)
    found = list(telling_features(model, rows_of(y, good=good, outcome=y.astype(np.float32))))
    assert [(f.code, f.message.split("`")[1]) for f in found] == [("MLC381", "outcome")]
    few = rows_of(y[:60], good=good[:60], outcome=y[:60].astype(np.float32))
    assert list(telling_features(model, few)) == []
    assert list(telling_features(replace(model, task="regression"), rows_of(y, good=good, outcome=good))) == []
