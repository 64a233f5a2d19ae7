"""Standard errors of metrics agree with simulated folds, and rows that vary together count for less."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import f1_score, log_loss, r2_score

from mlc_compiler.analysis.standard_errors import (
    UNPREDICTED,
    Rows,
    block_degrees,
    design_effect,
    effect_of,
    skewness,
    standard_error,
)
from mlc_compiler.metrics import METRICS, metric

DRAWS = 3_000
SHARES = np.array([0.5, 0.3, 0.2])
Random = np.random.Generator


def _error(name: str, value: float, rows: Rows) -> float:
    found = standard_error(name, value, rows)
    assert found is not None
    return found


@pytest.mark.parametrize("size", [0.5, 2.0, 8.0])
def test_the_log_loss_of_calibrated_scores_has_this_error_and_skewness(size: float) -> None:
    random = np.random.default_rng(1)
    scores = random.beta(0.25 * size, 0.75 * size, 400_000)
    true = np.where(random.random(len(scores)) < scores, scores, 1 - scores)
    losses = -np.log(np.maximum(true, 1e-300))
    rows = Rows(1_000, 250, 1_000, "rows")
    assert _error("log_loss", losses.mean(), rows) == pytest.approx(losses.std() / math.sqrt(1_000), rel=0.01)
    assert skewness("log_loss", losses.mean(), rows)[1] == pytest.approx(float(stats.skew(losses)), rel=0.05)


def test_the_log_loss_of_several_classes_has_this_error() -> None:
    random = np.random.default_rng(2)
    scores = random.dirichlet(3 * SHARES, 200_000)
    labels = (random.random((len(scores), 1)) > scores.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    losses = -np.log(scores[np.arange(len(scores)), labels])
    assert losses.mean() == pytest.approx(log_loss(labels, scores), abs=1e-9)
    rows = Rows(500, None, 500, "rows", classes=(250, 150, 100))
    assert _error("log_loss", losses.mean(), rows) == pytest.approx(losses.std() / math.sqrt(500), rel=0.01)


def test_one_answer_for_all_has_the_log_loss_of_its_labels() -> None:
    rows = Rows(1_000, 250, 1_000, "rows")
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    spread = math.sqrt(0.25 * 0.75) * math.log(3)
    assert _error("log_loss", 1.1 * entropy, rows) == pytest.approx(spread / math.sqrt(1_000), rel=1e-6)


def test_macro_f1_has_the_error_of_its_confusion_matrix() -> None:
    random, recall, count = np.random.default_rng(3), 0.7, 800
    odds = np.where(np.eye(3, dtype=bool), 0.0, SHARES)
    chances = recall * np.eye(3) + (1 - recall) * odds / odds.sum(axis=1, keepdims=True)
    values = []
    for _ in range(DRAWS // 3):
        labels = random.choice(3, count, p=SHARES)
        guesses = (random.random((count, 1)) > chances.cumsum(axis=1)[labels]).sum(axis=1).clip(0, 2)
        values.append(f1_score(labels, guesses, average="macro"))
    rows = Rows(count, None, count, "rows", classes=(400, 240, 160))
    assert _error("macro_f1", float(np.mean(values)), rows) == pytest.approx(np.std(values), rel=0.08)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_explained_variance_has_the_error_of_olkin_and_finn(share: float) -> None:
    random = np.random.default_rng(4)
    values = []
    for _ in range(DRAWS):
        scores = random.normal(0, math.sqrt(share), 300)
        values.append(r2_score(scores + random.normal(0, math.sqrt(1 - share), 300), scores))
    assert _error("r2", share, Rows(300, None, 300, "rows", 1.0)) == pytest.approx(np.std(values), rel=0.05)


def test_wape_has_the_error_of_a_ratio_of_means() -> None:
    random = np.random.default_rng(5)
    labels = random.normal(50, 20, (DRAWS, 300))
    sizes = np.abs(random.normal(0, 5 * math.sqrt(math.pi / 2), labels.shape))
    values = sizes.sum(axis=1) / np.abs(labels).sum(axis=1)
    assert _error("wape", 0.1, Rows(300, None, 300, "rows", 20.0, 50.0)) == pytest.approx(values.std(), rel=0.05)
    assert standard_error("wape", 0.1, Rows(300, None, 300, "rows", 20.0, 5.0)) is None


@pytest.mark.parametrize("icc", [0.0, 0.05, 0.3])
def test_a_share_of_rows_that_come_in_days_has_the_error_of_its_days(icc: float) -> None:
    random, days, a_day, value = np.random.default_rng(6), 40, 25, 0.8
    chances = random.beta(value * (1 / icc - 1), (1 - value) * (1 / icc - 1), (DRAWS, days)) if icc else value
    shown = random.binomial(a_day, chances, (DRAWS, days)).mean(axis=1) / a_day
    rows = Rows(days * a_day, 500, days, "days", icc=icc)
    assert _error("accuracy", value, rows) == pytest.approx(shown.std(), rel=0.05)


def test_a_share_of_one_class_has_the_error_of_the_days_that_the_class_prefers() -> None:
    random, days, a_day, value, icc = np.random.default_rng(7), 60, 30, 0.7, 0.1
    size = 1 / icc - 1
    positives = random.binomial(a_day, random.beta(0.25 * size, 0.75 * size, (DRAWS, days)))
    hits = random.binomial(positives, random.beta(value * size, (1 - value) * size, (DRAWS, days)))
    shown = hits.sum(axis=1) / positives.sum(axis=1)
    rows = Rows(days * a_day, days * a_day // 4, days, "days", icc=icc)
    assert _error("recall", value, rows) == pytest.approx(shown.std(), rel=0.06)
    uneven = 1 + (positives.std(axis=1) / positives.mean(axis=1)).mean() ** 2
    assert (days - 1) / block_degrees("recall", rows, days) >= uneven * 0.9


def test_rows_that_stand_for_themselves_have_no_design_effect() -> None:
    for rows in (Rows(100, 20, 100, "rows", icc=0.5), Rows(100, 20, 50, "days"), Rows(100, 20, 50, "days", icc=0.0)):
        assert design_effect("roc_auc", rows) == effect_of(100, rows) == 1.0
    assert effect_of(100, Rows(100, 20, 20, "days", icc=0.5)) == 3.0
    assert effect_of(50, Rows(100, 20, 100, "days", icc=0.5)) == 1.0


def test_every_metric_is_predicted_or_has_a_reason_not_to_be() -> None:
    binary, classes = Rows(900, 300, 900, "rows"), Rows(900, None, 900, "rows", classes=(300, 600))
    numbers = Rows(900, None, 900, "rows", 2.0, 10.0)
    for found in METRICS:
        errors = [standard_error(found.name, 0.15, rows) for rows in (binary, classes, numbers)]
        assert (found.name in UNPREDICTED) == (not any(errors)), found.name
    assert all(metric(name) for name in UNPREDICTED)


def test_the_documentation_says_of_which_metrics_nothing_is_predicted() -> None:
    text = (Path(__file__).parents[3] / "docs/gates.md").read_text("utf-8")
    assert [n for n, why in UNPREDICTED.items() if f"| {n} | {why} |" not in text] == []


@pytest.mark.parametrize("rows", [
    Rows(0, 0, 0, "days", icc=0.5), Rows(1, 1, 1, "days", icc=1.0), Rows(5, 0, 5, "days", icc=1.0),
    Rows(5, None, 2, "days", 0.0, 0.0, 0.3), Rows(5, None, 2, "days", classes=(5,)), Rows(3, None, 3, "rows"),
])  # fmt: skip
def test_too_few_rows_are_no_error(rows: Rows) -> None:
    for found in METRICS:
        for value in (1e-12, 0.3, 0.999999, 1.0, 1e6):
            error = standard_error(found.name, value, rows) if value <= 1 or found.high is None else None
            assert error is None or error >= 0
            assert block_degrees(found.name, rows, rows.units) >= 1
