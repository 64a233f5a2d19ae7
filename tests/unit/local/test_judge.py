"""Verdicts: what passes, what fails, what can't be decided, and what the reason says."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mlc_compiler.ir import Gate, GateCheck, Origin
from mlc_compiler.metrics import BINARY
from mlc_targets.local.gates import Evaluation, Verdict, blocking, judge


def an_evaluation(days: int = 55, rows: int = 200, seed: int = 0, **fields: Any) -> Evaluation:
    random = np.random.default_rng(seed)
    day = np.repeat(np.arange(days), rows)
    x, level = random.normal(size=len(day)), random.normal(0, 0.4, days)[day]
    y = (random.random(len(day)) < 1 / (1 + np.exp(1.2 - x - level))) * 1
    carrier = random.choice(np.array(["UA", "DL", "HA"]), len(day), p=[0.6, 0.38, 0.02])
    evaluation = Evaluation(
        BINARY, "test", y, 1 / (1 + np.exp(1.2 - x - 0.3 * level)),
        baseline_scores=1 / (1 + np.exp(1.2 - x - random.normal(0, 1.5, len(day)))),
        blocks=day, block_unit="days", slices={"carrier": carrier}, threshold=0.35,
        latencies=random.gamma(4, 2e-5, 2000), parity_difference=6e-7,
    )  # fmt: skip
    return replace(evaluation, **fields)


def a_check(name: str = "roc_auc", kind: Any = "metric", **fields: Any) -> GateCheck:
    return GateCheck(kind, name, origin=Origin("Gate/release", "spec.checks.0"), **fields)


def verdict(check: GateCheck, evaluation: Evaluation | None = None, split: Any = "test") -> Verdict:
    evaluation = evaluation or an_evaluation()
    return judge((Gate("release", split, (check,)),), {"test": evaluation}, 7)[0]


# --- thresholds ------------------------------------------------------------------------------------------------------
def test_a_check_passes_when_the_careful_bound_clears_it() -> None:
    found = verdict(a_check(min=0.65))
    assert found.status == "passed"
    assert found.low is not None
    assert found.low >= 0.65
    shown = f"roc_auc {found.value:.3f} [{found.low:.3f}, {found.high:.3f}] (95 %, 55 days)"
    assert found.reason == f"{shown}; lower bound {found.low:.3f} >= 0.65"


def test_a_value_that_clears_it_by_less_than_its_uncertainty_is_undecided_and_says_what_would_decide() -> None:
    value = verdict(a_check(min=0.5)).value or 0.0
    found = verdict(a_check(min=round(value - 0.005, 3)))
    assert found.status == "undecided"
    assert "days would decide it" in found.reason
    assert blocking([found])


def test_a_value_that_misses_it_by_less_than_its_uncertainty_is_undecided_and_says_so() -> None:
    value = verdict(a_check(min=0.5)).value or 0.0
    found = verdict(a_check(min=round(value + 0.005, 3)))
    assert found.status == "undecided"
    assert found.reason.endswith("the value itself misses it")


def test_a_check_fails_when_the_whole_interval_misses_it() -> None:
    found = verdict(a_check(min=0.9))
    assert found.status == "failed"
    assert "even the upper bound" in found.reason
    assert verdict(a_check("brier", max=0.01)).status == "failed"


def test_an_upper_limit_is_compared_with_the_upper_bound() -> None:
    found = verdict(a_check("brier", max=0.25))
    assert found.status == "passed"
    assert f"upper bound {found.high:.3f} <= 0.25" in found.reason


def test_two_limits_must_both_be_cleared() -> None:
    random = np.random.default_rng(0)
    errors = random.normal(0, 1, 4000)
    evaluation = Evaluation("regression", "test", np.zeros(4000), errors)
    assert verdict(a_check("bias", min=-0.1, max=0.1), evaluation).status == "passed"
    assert verdict(a_check("bias", min=-0.1, max=-0.08), evaluation).status == "failed"


def test_a_bound_a_hair_off_the_limit_is_written_so_that_it_shows() -> None:
    low = verdict(a_check(min=0.5)).low or 0.0
    found = verdict(a_check(min=low + 1e-7))
    assert found.status == "undecided"
    shown = found.reason.split("lower bound ")[1].split(" ")[0]
    assert float(shown) < low + 1e-7
    assert found.reason.split(" < ")[1].startswith(f"{low + 1e-7:.9f}")


# --- other models ----------------------------------------------------------------------------------------------------
def test_a_better_model_is_no_worse_than_its_baseline_whatever_the_direction() -> None:
    area, brier = verdict(a_check(versus="baseline")), verdict(a_check("brier", versus="baseline"))
    assert (area.status, brier.status) == ("passed", "passed")
    assert area.low is not None
    assert brier.high is not None
    assert area.low > 0 > brier.high
    assert "baseline 0." in area.reason
    assert brier.bound == "difference <= 0"


def test_a_worse_model_fails_against_its_baseline() -> None:
    good = an_evaluation()
    assert good.baseline_scores is not None
    swapped = replace(good, scores=good.baseline_scores, baseline_scores=good.scores)
    assert verdict(a_check(versus="baseline", margin=0.005), swapped).status == "failed"
    assert verdict(a_check(versus="baseline", margin=0.5), swapped).status == "passed"


def test_the_same_model_is_not_inferior_to_itself() -> None:
    evaluation = an_evaluation()
    same = replace(evaluation, champion_scores=evaluation.scores, champion_threshold=0.35)
    for name in ("roc_auc", "brier", "recall"):
        found = verdict(a_check(name, versus="champion"), same)
        assert (found.status, found.value, found.low, found.high) == ("passed", 0, 0, 0), name


def test_without_a_champion_a_champion_check_is_not_applicable_and_does_not_block() -> None:
    found = verdict(a_check(versus="champion", margin=0.005))
    assert (found.status, found.reason) == ("not_applicable", "there is no champion to compare with")
    assert not blocking([found])


def test_without_a_baseline_a_baseline_check_is_undecided() -> None:
    found = verdict(a_check(versus="baseline"), an_evaluation(baseline_scores=None))
    assert (found.status, found.reason) == ("undecided", "there is no baseline to score")


def test_bias_is_compared_by_its_distance_from_zero() -> None:
    actual = np.random.default_rng(0).normal(0, 1, 3000)
    evaluation = Evaluation("forecast", "test", np.zeros(3000), actual + 0.1, baseline_scores=actual - 2.0)
    found = verdict(a_check("bias", versus="baseline"), evaluation)
    assert found.status == "passed"
    assert found.value == pytest.approx(0.1 - 2.0, abs=0.1)


# --- slices ----------------------------------------------------------------------------------------------------------
def test_every_slice_is_judged_and_the_small_ones_are_reported() -> None:
    found = verdict(a_check(min=0.65, slices=("carrier",), min_rows=500))
    assert found.status == "passed"
    assert [(g.title, g.status) for g in found.groups] == [
        ("carrier = DL", "passed"),
        ("carrier = HA", "reported"),
        ("carrier = UA", "passed"),
    ]
    assert found.reason.startswith("2 groups: 2 passed, 1 under 500 rows not judged; narrowest: carrier = ")


def test_one_bad_slice_fails_the_check() -> None:
    evaluation = an_evaluation()
    bad = np.where(evaluation.slices["carrier"] == "DL", 1 - evaluation.scores, evaluation.scores)
    found = verdict(a_check(min=0.65, slices=("carrier",), min_rows=500), replace(evaluation, scores=bad))
    assert found.status == "failed"
    assert "1 passed, 1 failed" in found.reason
    assert "narrowest: carrier = DL" in found.reason


def test_slices_that_are_all_too_small_are_undecided() -> None:
    found = verdict(a_check(min=0.65, slices=("carrier",), min_rows=10**6))
    assert (found.status, found.reason) == ("undecided", "none of 3 groups has 1,000,000 rows")


def test_a_null_slice_has_a_name() -> None:
    evaluation = an_evaluation(slices={"carrier": np.array([""] * 11_000)})
    assert verdict(a_check(min=0.6, slices=("carrier",)), evaluation).groups[0].title == "carrier = (missing)"


def test_a_slice_column_that_was_not_kept_is_undecided() -> None:
    found = verdict(a_check(min=0.65, slices=("tail",)))
    assert (found.status, found.reason) == ("undecided", "no values of tail were kept beside the rows")


# --- latency, parity, reports ----------------------------------------------------------------------------------------
def test_a_latency_passes_by_the_upper_bound_of_its_quantile() -> None:
    found = verdict(a_check("p99", "latency", max=0.02))
    assert found.status == "passed"
    assert found.value is not None
    assert found.high is not None
    assert found.value < found.high < 0.02
    assert "(95 %, 2,000 timings)" in found.reason


def test_too_few_timings_are_undecided() -> None:
    found = verdict(a_check("p99", "latency", max=0.02), an_evaluation(latencies=np.full(50, 1e-3)))
    assert found.status == "undecided"
    assert "368 can" in found.reason
    assert verdict(a_check("p99", "latency", max=0.02), an_evaluation(latencies=None)).status == "undecided"


@pytest.mark.parametrize(
    ("difference", "status"), [(6e-7, "passed"), (1e-3, "failed"), (None, "undecided"), (math.nan, "undecided")]
)
def test_parity_compares_the_largest_difference(difference: float | None, status: str) -> None:
    found = verdict(a_check("onnx", "parity", max=1e-5), an_evaluation(parity_difference=difference))
    assert found.status == status


def test_a_report_only_check_never_blocks_and_says_what_it_would_have_been() -> None:
    found = verdict(a_check(min=0.99, report_only=True))
    assert (found.status, found.would_be) == ("reported", "failed")
    assert not blocking([found])


# --- bad input -------------------------------------------------------------------------------------------------------
CHECKS = (
    a_check(min=0.7),
    a_check("brier", max=0.2),
    a_check(versus="baseline"),
    a_check(versus="champion"),
    a_check(min=0.6, slices=("carrier",), min_rows=10),
    a_check("equal_opportunity", "fairness", min=0.8, group="carrier"),
    a_check("equalized_odds", "fairness", min=0.8, group="nothing"),
    a_check("p99", "latency", max=0.02),
    a_check("onnx", "parity", max=1e-5),
)
BAD: dict[str, dict[str, Any]] = {
    "empty": {"y_true": np.zeros(0), "scores": np.zeros(0), "blocks": None, "slices": {"carrier": np.zeros(0, str)}},
    "null scores": {"scores": np.full(11_000, np.nan)},
    "infinite baseline": {"baseline_scores": np.full(11_000, np.inf)},
    "one class": {"y_true": np.zeros(11_000)},
    "constant scores": {"scores": np.full(11_000, 0.5)},
    "one day": {"blocks": np.zeros(11_000, dtype=int)},
    "null timings": {"latencies": np.array([np.nan, 1.0])},
    "champion of other length": {"champion_scores": np.zeros(7)},
}


@pytest.mark.parametrize("case", sorted(BAD))
def test_bad_input_gives_verdicts_with_reasons_and_plain_json(case: str) -> None:
    found = judge((Gate("release", "test", CHECKS),), {"test": an_evaluation(**BAD[case])}, 0)
    assert len(found) == len(CHECKS)
    assert all(v.reason for v in found)
    assert "NaN" not in json.dumps([v.to_json() for v in found], allow_nan=False)


def test_a_split_that_was_not_evaluated_is_undecided() -> None:
    found = verdict(a_check(min=0.7), split="validation")
    assert (found.status, found.reason) == ("undecided", "the split validation was not evaluated")


def test_fairness_of_a_regression_is_undecided() -> None:
    evaluation = Evaluation("regression", "test", np.zeros(9), np.ones(9), slices={"carrier": np.array(["a"] * 9)})
    found = verdict(a_check("equal_opportunity", "fairness", min=0.8, group="carrier"), evaluation)
    assert found.status == "undecided"


def test_verdicts_keep_the_order_and_the_origin_of_their_checks() -> None:
    found = judge((Gate("release", "test", CHECKS),), {"test": an_evaluation()}, 0)
    assert [v.title for v in found] == [c.title for c in CHECKS]
    assert found[0].origin == Origin("Gate/release", "spec.checks.0")


def test_judging_twice_gives_the_same_verdicts() -> None:
    gates = (Gate("release", "test", CHECKS),)
    first, second = (judge(gates, {"test": an_evaluation()}, 3) for _ in range(2))
    assert first == second


def test_judging_real_sizes_takes_seconds_at_most() -> None:
    """50,000 rows, 55 days: the work is a few passes over the rows; counted in resampled cells, not timed."""
    found = verdict(a_check(min=0.5, slices=("carrier",)), an_evaluation(rows=900))
    assert found.rows == 49_500


@pytest.mark.slow
def test_a_model_exactly_at_the_limit_passes_as_rarely_as_the_confidence_says() -> None:
    """The gate's false-positive rate under day-correlated rows: 2.5 % nominal, one-sided."""
    truth = verdict(a_check(min=0.1), an_evaluation(4000, 60, 10**6)).value or 0.0
    sims = 600
    passed = sum(verdict(a_check(min=truth), an_evaluation(55, 60, seed)).status == "passed" for seed in range(sims))
    assert passed / sims <= 0.025 + 3 * math.sqrt(0.025 * 0.975 / sims)
