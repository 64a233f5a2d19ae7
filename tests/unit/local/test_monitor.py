"""The monitor's arithmetic: drift against profiles, what chance alone does, and performance before labels come."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon
from sklearn import metrics

from mlc_targets.local.monitor.distances import UndefinedError, by_chance, distance
from mlc_targets.local.monitor.estimate import expected
from mlc_targets.local.monitor.plan import DRIFTS, signals_of
from mlc_targets.local.monitor.profiles import CategoryProfile, NumberProfile, feature_profile, score_profile
from mlc_targets.local.package.columns import Array
from mlc_targets.local.package.manifest import ScoreReference
from mlc_targets.local.package.reference import feature_profiles, score_reference

NAN = float("nan")
ROWS = 20_000


def numbers(*values: float) -> Array:
    return np.array(values, dtype=np.float32)


def texts(**counts: int) -> Array:
    """A column with each category as often as said; `_` is the missing one."""
    found = np.empty(sum(counts.values()), dtype=object)
    found[:] = [name.strip("_") for name, count in counts.items() for _ in range(count)]
    return found


def number_profile(column: Array) -> NumberProfile:
    profile = feature_profile(feature_profiles({"x": column})["x"])  # type: ignore[arg-type]  # JSON, checked when read
    assert isinstance(profile, NumberProfile)
    return profile


def category_profile(column: Array) -> CategoryProfile:
    profile = feature_profile(feature_profiles({"x": column})["x"])  # type: ignore[arg-type]  # JSON, checked when read
    assert isinstance(profile, CategoryProfile)
    return profile


def normal(seed: int, rows: int = ROWS, shift: float = 0.0) -> Array:
    return (np.random.default_rng(seed).normal(shift, 1.0, rows)).astype(np.float32)


def skewed(seed: int, rows: int = ROWS, scale: float = 1.0) -> Array:
    return (scale * np.random.default_rng(seed).exponential(1.0, rows)).astype(np.float32)


# --- cells -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "column",
    [
        normal(1),
        skewed(2),
        numbers(*[0.0] * 70, *[1.0] * 30),
        numbers(*[3.0] * 50),
        numbers(*[0.0] * 90, *range(1, 11), NAN, math.inf),
        numbers(*(float(i % 7) for i in range(700))),
        numbers(NAN, NAN),
        numbers(),
        numbers(5.0),
    ],
    ids=["normal", "skewed", "boolean", "constant", "mostly-zero", "weekday", "all-missing", "empty", "one"],
)
def test_the_reference_counted_as_live_rows_is_the_reference(column: Array) -> None:
    profile = number_profile(column)
    assert profile.count(column).tolist() == profile.counts.tolist()
    assert profile.counts.sum() == len(column)


def test_a_boolean_has_a_cell_for_each_value() -> None:
    profile = number_profile(numbers(*[0.0] * 70, *[1.0] * 30))
    assert sorted(c for c in profile.counts if c) == [30, 70]
    assert distance("psi", profile, numbers(*[0.0] * 30, *[1.0] * 70)) > 0.5


def test_a_constant_that_changes_is_drift_in_either_direction() -> None:
    profile = number_profile(numbers(*[3.0] * 50))
    for changed in (2.0, 3.5, 1e30):
        assert distance("ks", profile, numbers(*[changed] * 50)) == 1.0
        assert distance("psi", profile, numbers(*[changed] * 50)) > 9


def test_a_rare_event_among_zeros_is_seen_becoming_common() -> None:
    rain = np.where(np.arange(1000) < 60, skewed(3, 1000), 0).astype(np.float32)
    profile = number_profile(rain)
    wet = np.where(np.arange(1000) < 600, skewed(4, 1000), 0).astype(np.float32)
    assert distance("ks", profile, wet) == pytest.approx(0.54, abs=0.01)


def test_an_unseen_category_counts_among_the_others() -> None:
    profile = category_profile(texts(UA=60, AA=30, _=10))
    assert profile.count(texts(UA=5, AA=3, _=1, XX=2)).tolist() == [1, 3, 5, 2]


def test_a_package_without_counts_at_edges_or_quantiles_is_still_read() -> None:
    old = {"kind": "number", "edges": [0.0, 1.0, 2.0, 3.0], "counts": [1, 1, 2], "missing": 1}
    profile = feature_profile(old)
    assert isinstance(profile, NumberProfile)
    assert profile.counts.tolist() == [1, 1, 1, 2]
    assert distance("wasserstein", profile, numbers(0.5, 1.5, 2.5, 2.5)) == 0.0


# --- distances -------------------------------------------------------------------------------------------------------
def test_the_stability_index_is_the_hand_computed_one() -> None:
    profile = category_profile(texts(a=50, b=50))
    by_hand = (0.25 - 0.5) * math.log(0.25 / 0.5) + (0.75 - 0.5) * math.log(0.75 / 0.5)
    assert by_hand == pytest.approx(0.274653, abs=1e-6)
    assert distance("psi", profile, texts(a=25, b=75)) == pytest.approx(by_hand, abs=1e-12)


def test_the_stability_index_takes_an_empty_cell_for_one_in_ten_thousand() -> None:
    profile = category_profile(texts(a=100))
    by_hand = (0.5 - 1) * math.log(0.5) + (0.5 - 1e-4) * math.log(0.5 / 1e-4)
    assert distance("psi", profile, texts(a=50, b=50)) == pytest.approx(by_hand, abs=1e-12)


def test_quantile_bins_give_the_hand_computed_index() -> None:
    profile = number_profile(np.arange(1000, dtype=np.float32))
    live = np.arange(500, 1000, dtype=np.float32)
    by_hand = 5 * (1e-4 - 0.1) * math.log(1e-4 / 0.1) + 5 * (0.2 - 0.1) * math.log(2)
    assert distance("psi", profile, live) == pytest.approx(by_hand, abs=1e-12)


def test_jensen_shannon_is_scipys_to_base_two() -> None:
    profile, live = number_profile(skewed(5)), skewed(6, 800, scale=1.3)
    theirs = jensenshannon(profile.counts, profile.count(live), base=2)
    assert distance("jensen_shannon", profile, live) == pytest.approx(theirs, abs=1e-12)
    assert distance("jensen_shannon", category_profile(texts(a=9)), texts(b=4)) == 1.0


def test_chi_square_is_cramers_v_of_samples_of_one_size() -> None:
    profile, live = category_profile(texts(a=50, b=30, c=20)), texts(a=20, b=30, c=50)
    table = np.array([profile.counts, profile.count(live)])[:, 1:-1]
    theirs = stats.contingency.association(table.astype(np.int64), method="cramer")
    assert distance("chi_square", profile, live) == pytest.approx(theirs, abs=1e-12)


def test_chi_square_does_not_depend_on_how_many_rows_the_reference_has() -> None:
    small, large = (category_profile(texts(a=50 * k, b=50 * k)) for k in (1, 4000))
    live = texts(a=10, b=90)
    assert distance("chi_square", small, live) == pytest.approx(distance("chi_square", large, live))
    assert distance("chi_square", large, texts(c=100)) == 1.0


@pytest.mark.parametrize(
    "live", [normal(7, 5000, 0.5), skewed(8, 5000), normal(9, 5000)], ids=["shift", "shape", "same"]
)
def test_binned_ks_is_at_most_the_exact_one_and_near_it(live: Array) -> None:
    reference = normal(10)
    exact = stats.ks_2samp(reference, live).statistic
    binned = distance("ks", number_profile(reference), live)
    assert exact - 0.03 <= binned <= exact + 1e-12


@pytest.mark.parametrize(
    ("reference", "live"),
    [
        (normal(11), normal(12, 3000, 0.4)),
        (skewed(13), skewed(14, 3000, 1.5)),
        (normal(15), normal(16, 3000)),
        (np.round(2 * normal(17)), np.round(2 * normal(18, 3000, 0.3))),
    ],
    ids=["shift", "tail", "same", "whole-numbers"],
)
def test_wasserstein_is_near_scipys_in_standard_deviations(reference: Array, live: Array) -> None:
    theirs = stats.wasserstein_distance(reference, live) / reference.std()
    assert distance("wasserstein", number_profile(reference), live) == pytest.approx(theirs, abs=0.04)


def test_of_categories_ks_is_the_largest_difference_and_wasserstein_the_total_variation() -> None:
    profile = category_profile(texts(a=50, b=25, c=25))
    live = texts(a=20, b=40, c=40)
    assert distance("ks", profile, live) == pytest.approx(0.30)
    assert distance("wasserstein", profile, live) == pytest.approx(0.30)


@pytest.mark.parametrize("method", DRIFTS)
def test_the_same_rows_are_at_distance_zero(method: str) -> None:
    assert distance(method, number_profile(normal(19)), normal(19)) == pytest.approx(0, abs=2e-3)
    assert distance(method, category_profile(texts(a=3, b=2)), texts(a=3, b=2)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("method", DRIFTS)
@pytest.mark.parametrize("extreme", [1e6, -3e38, math.inf])
def test_one_extreme_value_neither_hides_nor_makes_drift(method: str, extreme: float) -> None:
    profile = number_profile(skewed(20))
    for live, shifted in ((skewed(21, 2000), False), (skewed(22, 2000, 2.0), True)):
        plain = distance(method, profile, live)
        spoiled = distance(method, profile, np.append(live, np.float32(extreme)))
        assert abs(spoiled - plain) < 0.03
        assert (spoiled > 0.15) == shifted


@pytest.mark.parametrize("method", ["psi", "jensen_shannon", "chi_square", "ks"])
def test_values_that_go_missing_are_drift(method: str) -> None:
    profile = number_profile(normal(23))
    half = np.where(np.arange(1000) % 2, normal(24, 1000), NAN).astype(np.float32)
    assert distance(method, profile, half) > 0.4
    assert distance(method, profile, numbers(*[NAN] * 100)) > 0.9
    assert distance(method, category_profile(texts(a=90, _=10)), texts(a=10, _=90)) > 0.5


@pytest.mark.parametrize("method", ["psi", "jensen_shannon", "chi_square", "ks"])
def test_a_feature_that_had_no_value_and_gets_some_has_drifted(method: str) -> None:
    profile = number_profile(numbers(NAN, NAN, NAN))
    assert distance(method, profile, numbers(NAN, NAN)) == 0.0
    assert distance(method, profile, numbers(1.0, 2.0)) >= 1.0


@pytest.mark.parametrize("method", DRIFTS)
def test_nothing_to_compare_is_said_and_never_zero(method: str) -> None:
    with pytest.raises(UndefinedError, match="there are no rows"):
        distance(method, number_profile(normal(25)), numbers())
    with pytest.raises(UndefinedError, match="the reference has no rows"):
        distance(method, number_profile(numbers()), numbers(1.0))


def test_wasserstein_without_a_scale_or_a_value_is_undefined() -> None:
    with pytest.raises(UndefinedError, match="constant"):
        distance("wasserstein", number_profile(numbers(1, 1, 1)), numbers(2.0))
    with pytest.raises(UndefinedError, match="all values are missing"):
        distance("wasserstein", number_profile(numbers(1, 2, 3)), numbers(NAN))


def test_scores_are_compared_with_the_packaged_histogram() -> None:
    scores = np.random.default_rng(26).beta(2, 5, ROWS)
    profile = score_profile(score_reference(scores))
    assert profile is not None
    same, shifted = np.random.default_rng(27).beta(2, 5, 4000), np.random.default_rng(28).beta(4, 5, 4000)
    for method in DRIFTS:
        assert distance(method, profile, same) < 0.05
        assert distance(method, profile, shifted) > 0.3
    assert score_profile(ScoreReference()) is None


# --- chance ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("method", DRIFTS)
@pytest.mark.parametrize("rows", [12, 100, 500])
def test_windows_without_drift_exceed_what_chance_does_about_as_often_as_said(method: str, rows: int) -> None:
    profile = number_profile(normal(29, 10_000))
    windows = [normal(1000 + i, rows) for i in range(400)]
    beyond = sum(distance(method, profile, w) > by_chance(method, profile, w, 0.05) for w in windows)
    assert beyond <= 400 * 0.05 + 3 * math.sqrt(400 * 0.05 * 0.95)


@pytest.mark.parametrize("method", DRIFTS)
def test_categories_too_many_for_the_rows_are_no_drift_beyond_chance(method: str) -> None:
    random = np.random.default_rng(33)

    def column(rows: int) -> Array:
        return random.integers(0, 90, rows).astype(str).astype(object)

    profile = category_profile(column(20_000))
    windows = [column(100) for _ in range(100)]
    assert sum(distance(method, profile, w) > by_chance(method, profile, w, 0.01) for w in windows) <= 4


def test_chance_of_categories_bounds_the_stability_index_too() -> None:
    random = np.random.default_rng(30)

    def column(rows: int) -> Array:
        return texts(**dict(sorted(Counter(random.choice(list("abcdef"), rows).tolist()).items())))

    profile = category_profile(column(10_000))
    windows = [column(200) for _ in range(300)]
    beyond = sum(distance("psi", profile, w) > by_chance("psi", profile, w, 0.05) for w in windows)
    assert 2 <= beyond <= 27


# --- performance before labels ---------------------------------------------------------------------------------------
BINARY: dict[str, Callable[[Any, Any, float], float]] = {
    "accuracy": lambda y, p, t: metrics.accuracy_score(y, p >= t),
    "average_precision": lambda y, p, _: metrics.average_precision_score(y, p),
    "balanced_accuracy": lambda y, p, t: metrics.balanced_accuracy_score(y, p >= t),
    "brier": lambda y, p, _: metrics.brier_score_loss(y, p),
    "f1": lambda y, p, t: metrics.f1_score(y, p >= t),
    "false_positive_rate": lambda y, p, t: ((p >= t) & (y == 0)).sum() / (y == 0).sum(),
    "log_loss": lambda y, p, _: metrics.log_loss(y, p),
    "precision": lambda y, p, t: metrics.precision_score(y, p >= t),
    "recall": lambda y, p, t: metrics.recall_score(y, p >= t),
    "roc_auc": lambda y, p, _: metrics.roc_auc_score(y, p),
}


@pytest.mark.parametrize("metric", sorted(BINARY))
def test_of_calibrated_scores_the_estimate_is_what_labels_say_later(metric: str) -> None:
    random = np.random.default_rng(31)
    p = random.beta(1.5, 3.0, 60_000)
    y = (random.random(len(p)) < p).astype(int)
    assert expected("binary_classification", metric, p, 0.35) == pytest.approx(BINARY[metric](y, p, 0.35), abs=0.01)


def test_of_several_classes_it_is_too() -> None:
    random = np.random.default_rng(32)
    p = random.dirichlet([2.0, 1.0, 0.6], 60_000)
    y = (p.cumsum(axis=1) < random.random((len(p), 1))).sum(axis=1)
    realised = {
        "accuracy": metrics.accuracy_score(y, p.argmax(axis=1)),
        "log_loss": metrics.log_loss(y, p),
        "macro_f1": metrics.f1_score(y, p.argmax(axis=1), average="macro"),
        "roc_auc_ovr": metrics.roc_auc_score(y, p, multi_class="ovr"),
    }
    for metric, value in realised.items():
        assert expected("multiclass_classification", metric, p, 0.5) == pytest.approx(value, abs=0.01), metric


@pytest.mark.parametrize(
    ("task", "metric", "scores", "words"),
    [
        ("binary_classification", "accuracy", [], "no rows"),
        ("binary_classification", "accuracy", [0.5, NAN], "null or infinite"),
        ("binary_classification", "precision", [0.1, 0.2], "0 / 0"),
        ("binary_classification", "roc_auc", [1.0, 1.0], "0 / 0"),
        ("binary_classification", "expected_calibration_error", [0.5], "always be 0"),
        ("regression", "rmse", [1.0], "no probabilities"),
    ],
)
def test_what_cannot_be_estimated_says_why(task: str, metric: str, scores: list[float], words: str) -> None:
    with pytest.raises(UndefinedError, match=words):
        expected(task, metric, np.array(scores), 0.5)


# --- the plan --------------------------------------------------------------------------------------------------------
SIGNAL: dict[str, object] = {
    "name": "x", "type": "feature_drift", "method": "psi", "metric": None, "features": [], "min": None, "max": 0.2,
    "window": 60, "severity": "ticket",
}  # fmt: skip


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "not a list"),
        ({}, "not a list"),
        ([1], "not a signal"),
        ([{"name": "x"}], "not a signal"),
        ([{**SIGNAL, "type": "drift"}], "none of feature_drift"),
        ([{**SIGNAL, "method": "cbpe"}], "cbpe can't compute feature_drift"),
        ([{**SIGNAL, "window": 0}], "a window of 0 s"),
    ],
)
def test_what_is_no_list_of_signals_is_refused(given: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        signals_of(json.dumps(given))


def test_signals_are_read_as_they_were_written() -> None:
    [signal] = signals_of(json.dumps([SIGNAL]))
    assert (signal.name, signal.method, signal.max, signal.window) == ("x", "psi", 0.2, 60.0)
