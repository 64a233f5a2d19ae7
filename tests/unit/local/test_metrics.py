"""Metrics agree with scikit-learn, and with the plain table that the compiler reads."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

from mlc_compiler.metrics import BINARY, METRICS, MULTICLASS, metrics_of
from mlc_targets.local.gates.metrics import MEASURES, definition, statistic, why_undefined
from mlc_targets.local.gates.statistic import Sample, Statistic

THRESHOLD = 0.4


def a_binary_sample(rows: int = 3000, ties: int | None = None, seed: int = 0) -> Sample:
    random = np.random.default_rng(seed)
    x = random.normal(size=rows)
    y = (random.random(rows) < 1 / (1 + np.exp(1 - x))).astype(np.float64)
    scores = np.asarray(1 / (1 + np.exp(1 - x - random.normal(size=rows))), dtype=np.float64)
    if ties is not None:
        scores = np.asarray(np.round(scores * ties) / ties, dtype=np.float64)
    return Sample(y, scores, THRESHOLD, random.integers(0, 40, rows), 40)


def a_multiclass_sample(rows: int = 2000) -> Sample:
    random = np.random.default_rng(1)
    logits = random.normal(size=(rows, 4))
    y = (logits + random.gumbel(size=(rows, 4))).argmax(axis=1) * 1.0
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return Sample(y, scores, 0.5, random.integers(0, 30, rows), 30)


def a_numeric_sample(rows: int = 3000, offset: float = 0.0) -> Sample:
    random = np.random.default_rng(2)
    y = offset + random.gamma(2, 10, rows)
    return Sample(y, y + random.normal(0, 4, rows), 0.5, random.integers(0, 30, rows), 30)


def binary_oracles(y: Any, p: Any) -> dict[str, float]:
    guess = p >= THRESHOLD
    return {
        "accuracy": sk.accuracy_score(y, guess),
        "average_precision": sk.average_precision_score(y, p),
        "balanced_accuracy": sk.balanced_accuracy_score(y, guess),
        "brier": sk.brier_score_loss(y, p),
        "f1": sk.f1_score(y, guess),
        "false_positive_rate": 1 - sk.recall_score(y, guess, pos_label=0),
        "log_loss": sk.log_loss(y, np.stack([1 - p, p], axis=1)),
        "precision": sk.precision_score(y, guess),
        "recall": sk.recall_score(y, guess),
        "roc_auc": sk.roc_auc_score(y, p),
    }


def numeric_oracles(y: Any, p: Any) -> dict[str, float]:
    return {
        "bias": float(np.mean(p - y)),
        "mae": sk.mean_absolute_error(y, p),
        "mape": sk.mean_absolute_percentage_error(y, p),
        "median_absolute_error": sk.median_absolute_error(y, p),
        "r2": sk.r2_score(y, p),
        "rmse": sk.root_mean_squared_error(y, p),
        "wape": float(np.abs(p - y).sum() / np.abs(y).sum()),
        "smape": float(np.mean(2 * np.abs(p - y) / (np.abs(p) + np.abs(y)))),
    }


@pytest.mark.parametrize("ties", [None, 20, 1000])
def test_binary_metrics_agree_with_scikit_learn(ties: int | None) -> None:
    sample = a_binary_sample(ties=ties)
    for name, expected in binary_oracles(sample.y, sample.scores).items():
        assert statistic(BINARY, name, sample).value == pytest.approx(expected, abs=1e-12), name


def test_the_calibration_error_agrees_with_the_calibration_curve() -> None:
    sample = a_binary_sample()
    shares, means = calibration_curve(sample.y, sample.scores, n_bins=10)
    counts = np.histogram(sample.scores, bins=np.linspace(0, 1, 11))[0]
    expected = np.sum(counts * np.abs(shares - means)) / counts.sum()
    assert statistic(BINARY, "expected_calibration_error", sample).value == pytest.approx(expected, abs=1e-12)


def test_multiclass_metrics_agree_with_scikit_learn() -> None:
    sample = a_multiclass_sample()
    y, p = sample.y.astype(int), sample.scores
    expected = {
        "accuracy": sk.accuracy_score(y, p.argmax(axis=1)),
        "log_loss": sk.log_loss(y, p),
        "macro_f1": sk.f1_score(y, p.argmax(axis=1), average="macro"),
        "roc_auc_ovr": sk.roc_auc_score(y, p, multi_class="ovr"),
    }
    assert {name: statistic(MULTICLASS, name, sample).value for name in expected} == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_numeric_metrics_agree_with_scikit_learn(offset: float) -> None:
    sample = a_numeric_sample(offset=offset)
    for name, expected in numeric_oracles(sample.y, sample.scores).items():
        relative = 1e-9 if offset else 1e-12  # differences of numbers near a million keep ten digits
        assert statistic("regression", name, sample).value == pytest.approx(expected, rel=relative, abs=1e-12), name


def every_statistic() -> list[tuple[str, str, Statistic, Sample]]:
    samples = {BINARY: a_binary_sample(), MULTICLASS: a_multiclass_sample(), "regression": a_numeric_sample()}
    return [(t, n, statistic(t, n, s), s) for t, s in samples.items() for n in MEASURES[t]]


@pytest.mark.parametrize(("task", "name", "found", "sample"), every_statistic())
def test_a_value_without_a_block_is_near_the_value_of_the_remaining_rows(
    task: str, name: str, found: Statistic, sample: Sample
) -> None:
    """Only the metrics of order are approximate, by their cells: far below what a block changes."""
    left = found.without_each()
    spread = left.std()
    for block in (0, 7, 29):
        direct = statistic(task, name, sample.at(sample.codes != block)).value
        tolerance = 0.05 * spread if "roc_auc" in name or name == "average_precision" else 1e-9
        assert left[block] == pytest.approx(direct, abs=tolerance), name


def test_the_compilers_table_and_the_measures_are_the_same() -> None:
    for task, measures in MEASURES.items():
        assert [m.name for m in metrics_of(task)] == sorted(measures), task
    assert [m.name for m in METRICS] == sorted(m.name for m in METRICS)


@pytest.mark.parametrize(("task", "name", "found", "sample"), every_statistic())
def test_a_value_lies_in_the_range_that_the_table_says(task: str, name: str, found: Statistic, sample: Sample) -> None:
    metric = definition(task, name)
    assert metric.low is None or found.value >= metric.low
    assert metric.high is None or found.value <= metric.high


def test_better_scores_lie_where_the_table_says_better_is() -> None:
    """A model that knows the answer beats a noisy one in the declared direction, for every metric."""
    for task, name, found, sample in every_statistic():
        ideal = np.eye(4)[sample.y.astype(int)] if task == MULTICLASS else sample.y
        best = statistic(task, name, Sample(sample.y, ideal, sample.threshold, sample.codes, sample.count)).value
        better = definition(task, name).better
        assert (best > found.value) if better == "higher" else (abs(best) < abs(found.value)), name


def test_a_metric_of_another_task_is_refused() -> None:
    with pytest.raises(KeyError, match="regression has no metric roc_auc"):
        definition("regression", "roc_auc")


@pytest.mark.parametrize(
    ("name", "y", "scores", "words"),
    [
        ("roc_auc", [1, 1, 1], [0.1, 0.2, 0.9], "all 3 labels are 1"),
        ("precision", [0, 1, 1], [0.1, 0.2, 0.3], "no row reaches the threshold 0.4"),
        ("recall", [0, 0, 0], [0.1, 0.5, 0.3], "all 3 labels are 0"),
        ("average_precision", [0, 0, 0], [0.1, 0.5, 0.3], "all 3 labels are 0"),
        ("f1", [0, 0, 0], [0.1, 0.2, 0.3], "all 3 labels are 0"),
    ],
)
def test_an_undefined_metric_says_why_without_a_warning(
    name: str, y: list[float], scores: list[float], words: str
) -> None:
    sample = Sample(np.array(y, dtype=float), np.array(scores), THRESHOLD, np.arange(3), 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(statistic(BINARY, name, sample).value)
    assert words in why_undefined(name, sample)


@pytest.mark.parametrize(
    ("name", "y", "words"),
    [
        ("r2", [0.1, 0.1, 0.1], "equal"),
        ("mape", [0.0, 1.0, 2.0], "1 of 3 actual values are 0"),
        ("wape", [0.0, 0.0, 0.0], "all actual values are 0"),
    ],
)
def test_an_undefined_error_measure_says_why(name: str, y: list[float], words: str) -> None:
    sample = Sample(np.array(y), np.array([1.0, 2.0, 3.0]), 0.5, np.arange(3), 3)
    assert np.isnan(statistic("forecast", name, sample).value)
    assert words in why_undefined(name, sample)
