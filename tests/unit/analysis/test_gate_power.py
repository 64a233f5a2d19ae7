"""Whether gates can decide: probabilities agree with simulations of the judge's rule, and findings say the numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from mlc_compiler.analysis.judging import (
    bound_of,
    degrees,
    half_width,
    least_successes,
    paired_pass_probability,
    pass_probability,
    rows_needed,
    surely_passes,
    value_needed,
)
from mlc_compiler.analysis.standard_errors import Rows, standard_error
from mlc_compiler.metrics import metric
from mlc_targets.local.gates.intervals import wilson
from specs_on_disk import a_lock, changed, codes, compiled, statistics

REPETITIONS = 10_000
POINT = 0.01 + 2 * math.sqrt(0.25 / REPETITIONS)  # one point, and what the simulation itself may be off by


def passes(name: str, limit: float, value: float, rows: Rows, confidence: float = 0.95) -> float:
    found = metric(name)
    assert found is not None
    chance = pass_probability(bound_of(found, limit, confidence, found.better == "higher"), value, rows)
    assert chance is not None
    return chance


# --- agreement with the judge's rule ---------------------------------------------------------------------------------
def _areas(area: float, days: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The area under the curve, and without each day, of one positive and three negatives a day: [R], [R, days]."""
    generator = np.random.default_rng(seed)
    shift = math.sqrt(2) * stats.norm.ppf(area)
    shown, without = [], []
    for _ in range(20):
        positive = generator.normal(shift, 1, (REPETITIONS // 20, days, 1))
        negative = generator.normal(0, 1, (REPETITIONS // 20, days, 3))
        above = (positive[:, :, None, :, None] > negative[:, None, :, None, :]).sum(axis=(3, 4))  # [R, day, day]
        total = above.sum(axis=(1, 2))
        own = np.diagonal(above, axis1=1, axis2=2)
        left = total[:, None] - above.sum(axis=2) - above.sum(axis=1) + own
        shown.append(total / (3 * days * days))
        without.append(left / (3 * (days - 1) ** 2))
    return np.concatenate(shown), np.concatenate(without)


def _logit(p: np.ndarray | float) -> np.ndarray:
    return np.asarray(np.log(p / (1 - np.asarray(p))))


@pytest.mark.parametrize("value", [0.65, 0.72, 0.78])
def test_an_area_passes_as_often_as_the_jackknife_lets_it(value: float) -> None:
    days, limit = 60, 0.65
    shown, without = _areas(value, days, seed=round(100 * value))
    logits = _logit(without)
    spread = np.sqrt((days - 1) / days * ((logits - logits.mean(axis=1, keepdims=True)) ** 2).sum(axis=1))
    low = _logit(shown) - stats.t.ppf(0.975, days - 1) * spread
    simulated = float((low >= _logit(limit)).mean())
    assert passes("roc_auc", limit, value, Rows(4 * days, days, days, "days")) == pytest.approx(simulated, abs=POINT)


@pytest.mark.parametrize("value", [0.8, 0.82, 0.85])
@pytest.mark.parametrize("count", [60, 500])
def test_a_share_of_independent_rows_passes_as_often_as_wilson_lets_it(value: float, count: int) -> None:
    right = np.random.default_rng(count).binomial(count, value, REPETITIONS)
    simulated = np.mean([wilson(k, count, 0.95).low >= 0.8 for k in right])
    assert passes("accuracy", 0.8, value, Rows(count, count // 2, count, "rows")) == pytest.approx(simulated, abs=POINT)


@pytest.mark.parametrize(("value", "limit"), [(2.0, 2.2), (2.2, 2.2), (2.0, 2.4)])
@pytest.mark.parametrize("name", ["mae", "rmse"])
def test_an_error_passes_as_often_as_the_jackknife_lets_it(name: str, value: float, limit: float) -> None:
    days, scale = 60, value * (math.sqrt(math.pi / 2) if name == "mae" else 1.0)
    errors = np.random.default_rng(3).normal(0, scale, (REPETITIONS, days, 5))
    daily = (np.abs(errors) if name == "mae" else errors**2).mean(axis=2)
    means = (daily.sum(axis=1, keepdims=True) - daily) / (days - 1)
    without, shown = (np.sqrt(means), np.sqrt(daily.mean(axis=1))) if name == "rmse" else (means, daily.mean(axis=1))
    spread = np.sqrt((days - 1) / days * ((without - without.mean(axis=1, keepdims=True)) ** 2).sum(axis=1))
    simulated = float((shown + stats.t.ppf(0.975, days - 1) * spread <= limit).mean())
    rows = Rows(300, None, days, "days", 5.0)
    assert passes(name, limit, value, rows) == pytest.approx(simulated, abs=POINT)


@pytest.mark.parametrize("value", [0.15, 0.16])
def test_a_brier_score_of_calibrated_scores_passes_as_often_as_the_jackknife_lets_it(value: float) -> None:
    days, a_day, mean = 50, 20, 0.25
    size = mean * (1 - mean) / (mean * (1 - mean) - value) - 1
    generator = np.random.default_rng(4)
    scores = generator.beta(mean * size, (1 - mean) * size, (REPETITIONS, days * a_day))
    squares = (scores - (generator.random(scores.shape) < scores)) ** 2
    daily = squares.reshape(REPETITIONS, days, a_day).mean(axis=2)
    half = stats.t.ppf(0.975, days - 1) * daily.std(axis=1, ddof=1) / math.sqrt(days)
    simulated = float((daily.mean(axis=1) + half <= 0.16).mean())
    rows = Rows(days * a_day, days * a_day // 4, days, "days")
    assert passes("brier", 0.16, value, rows) == pytest.approx(simulated, abs=POINT)


@pytest.mark.parametrize("margin", [0.01, 0.03])
def test_a_model_as_good_as_the_champion_passes_as_often_as_the_paired_interval_lets_it(margin: float) -> None:
    days, rows = 40, Rows(4_000, 800, 40, "days")
    error = (standard_error("roc_auc", 0.8, rows) or 0) * math.sqrt(2 * 0.1)
    daily = np.random.default_rng(5).normal(0, error * math.sqrt(days), (REPETITIONS, days))
    half = stats.t.ppf(0.975, days - 1) * daily.std(axis=1, ddof=1) / math.sqrt(days)
    simulated = float((daily.mean(axis=1) - half >= -margin).mean())
    found = metric("roc_auc")
    assert found is not None
    bound = bound_of(found, margin, 0.95, True)
    assert paired_pass_probability(bound, 0.8, rows, 0.9) == pytest.approx(simulated, abs=POINT)


# --- numbers ---------------------------------------------------------------------------------------------------------
def test_a_model_at_its_bound_passes_in_the_tail_whatever_the_rows() -> None:
    for rows in (200, 2_000, 200_000):
        assert passes("roc_auc", 0.7, 0.7, Rows(rows, rows // 5, 60, "days")) == pytest.approx(0.025, abs=0.01)


def test_more_rows_and_a_lower_bound_let_a_good_model_pass_more_often() -> None:
    by_rows = [passes("roc_auc", 0.7, 0.75, Rows(n, n // 5, 60, "days")) for n in (100, 400, 1_600, 6_400)]
    by_limit = [passes("roc_auc", limit, 0.75, Rows(800, 160, 60, "days")) for limit in (0.74, 0.7, 0.65, 0.5)]
    assert by_rows == sorted(by_rows)
    assert by_limit == sorted(by_limit)


def test_an_area_has_the_error_of_its_normal_scores() -> None:
    generator = np.random.default_rng(7)
    shift = math.sqrt(2) * stats.norm.ppf(0.85)
    above = generator.normal(shift, 1, (4_000, 50, 1)) > generator.normal(0, 1, (4_000, 1, 200))
    simulated = above.mean(axis=(1, 2)).std()
    assert standard_error("roc_auc", 0.85, Rows(250, 50, 250, "rows")) == pytest.approx(simulated, rel=0.05)


def test_the_least_successes_are_wilsons() -> None:
    for count in (1, 7, 60, 400):
        for limit in (0.01, 0.5, 0.8, 0.99):
            clear = [k for k in range(count + 1) if wilson(k, count, 0.95).low >= limit]
            assert least_successes(limit, count, 0.95) == (clear[0] if clear else count + 1)
    assert (least_successes(0.0, 5, 0.95), least_successes(1.0, 5, 0.95)) == (0, 6)


def test_the_rows_needed_are_enough_and_hardly_more() -> None:
    found, rows = metric("roc_auc"), Rows(500, 100, 50, "days")
    assert found is not None
    bound = bound_of(found, 0.7, 0.95, True)
    needed = rows_needed(bound, 0.75, rows, 0.8)
    assert needed is not None
    assert passes("roc_auc", 0.7, 0.75, needed) >= 0.8 > passes("roc_auc", 0.7, 0.75, needed.scaled(0.95))
    assert rows_needed(bound, 0.7, rows, 0.8) is None
    least = value_needed(bound, 1.0, rows, 0.8)
    assert least is not None
    assert passes("roc_auc", 0.7, least, rows) >= 0.8 > passes("roc_auc", 0.7, least - 0.005, rows)


def test_what_surely_passes_does() -> None:
    found = metric("roc_auc")
    assert found is not None
    for limit in (0.5, 0.7, 0.9):
        for value in (limit + 0.02, (limit + 1) / 2, 0.99):
            for rows in (Rows(60, 12, 20, "days"), Rows(900, 90, 60, "days"), Rows(9_000, 90, 9_000, "rows")):
                bound = bound_of(found, limit, 0.95, True)
                if surely_passes(bound, value, rows):
                    assert (pass_probability(bound, value, rows) or 0) > 0.95


@pytest.mark.parametrize("name", ["roc_auc", "average_precision", "brier", "f1", "accuracy", "recall", "precision"])
@pytest.mark.parametrize(
    "rows", [Rows(0, 0, 0, "days"), Rows(5, 0, 1, "days"), Rows(5, 5, 5, "rows"), Rows(1, 1, 1, "rows")]
)
def test_too_few_rows_are_no_error(name: str, rows: Rows) -> None:
    found = metric(name)
    assert found is not None
    for limit in (0.0, 0.5, 1.0):
        for value in (0.0, 0.5, 0.9, 1.0):
            chance = pass_probability(bound_of(found, limit, 0.95, found.better == "higher"), value, rows)
            assert chance is None or 0 <= chance <= 1


def test_row_counts_do_not_tell_of_every_metric() -> None:
    assert standard_error("mape", 0.5, Rows(100, None, 100, "rows")) is None
    assert degrees("roc_auc", Rows(100, 10, 100, "rows")) == 9
    found = metric("mae")
    assert found is not None
    half = half_width(bound_of(found, 2.0, 0.95, False), 1.0, Rows(100, None, 100, "rows"))
    assert half == pytest.approx(0.15, abs=0.01)


# --- findings --------------------------------------------------------------------------------------------------------
LARGE, SMALL = {"rows": 9_000, "positives": 1_800, "days": 100}, {"rows": 60, "positives": 9, "days": 40}
GROUPS = {"carrier": {"AA": LARGE, "UA": SMALL}}


def found_for(check: str, entry: dict[str, object] | None = None, split: str = "") -> list[str]:
    gate = changed("specs/gate.yaml", "{metric: roc_auc, min: 0.7}", check)
    model = changed("specs/model.yaml", "  estimator", f"  split: {{{split}}}\n  estimator") if split else {}
    monitor = {"specs/monitor.yaml": ""}
    counted = a_lock(models={"late": entry or statistics(groups=GROUPS)})
    return codes(compiled({**gate, **model, **monitor}, lock=counted)[1])


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ("{metric: roc_auc, min: 0.7}", []),
        ("{metric: roc_auc, min: 0.7, expect: 0.75}", []),
        ("{metric: roc_auc, min: 0.74, expect: 0.75}", ["MLC507"]),
        ("{metric: roc_auc, min: 0.74, expect: 0.75, report_only: true}", []),
        ("{metric: log_loss, max: 0.4}", []),
        ("{metric: roc_auc, versus: champion, margin: 0.001}", ["MLC513", "MLC522"]),
        ("{metric: roc_auc, min: 0.7, slices: [carrier], min_rows: 500}", []),
        ("{metric: roc_auc, min: 0.7, slices: [carrier], min_rows: 30}", ["MLC509"]),
        ("{metric: roc_auc, min: 0.7, slices: [carrier], min_rows: 9001}", ["MLC512"]),
        ("{fairness: equal_opportunity, group: carrier, min: 0.5, min_rows: 10}", ["MLC510"]),
        ("{fairness: equal_opportunity, group: carrier, min: 0.01, min_rows: 10}", []),
        ("{fairness: equal_opportunity, group: carrier, min: 0.8, min_rows: 500}", ["MLC512"]),
        ("{fairness: disparate_impact, group: carrier, report_only: true}", []),
        ("{metric: accuracy, min: 0.85}", []),
        ("{metric: accuracy, min: 0.75}", ["MLC518"]),
        ("{metric: brier, max: 0.2}", ["MLC518"]),
        ("{metric: roc_auc, min: 0.4}", ["MLC518"]),
        ("{metric: average_precision, min: 0.1}", ["MLC518"]),
        ("{metric: f1, min: 0.3}", ["MLC518"]),
    ],
)
def test_a_check_is_judged_by_the_rows_that_it_will_see(check: str, expected: list[str]) -> None:
    assert found_for(check) == expected


def test_a_fold_of_one_class_or_of_a_few_days_decides_nothing() -> None:
    assert found_for("{metric: roc_auc, min: 0.7}", statistics(positives=0)) == ["MLC511"]
    assert found_for("{metric: roc_auc, min: 0.7}", statistics(days=4)) == ["MLC511"]
    assert "MLC511" not in found_for("{metric: accuracy, min: 0.9}", statistics(days=4), "strategy: random")
    few = {"carrier": {**GROUPS["carrier"], "OO": {"rows": 4, "positives": 1, "days": 4}}}
    assert found_for("{metric: roc_auc, min: 0.7, slices: [carrier]}", statistics(groups=few)) == ["MLC511"]


def test_no_figure_is_said_where_days_are_too_few_or_too_uneven_to_give_one() -> None:
    check = "{metric: recall, min: 0.86, expect: 0.9}"
    gate = changed("specs/gate.yaml", "{metric: roc_auc, min: 0.7}", check)

    def said(entry: dict[str, object]) -> str:
        findings = compiled({**gate, "specs/monitor.yaml": ""}, lock=a_lock(models={"late": entry}))[1]
        return next(f"{f.message} {f.note}" for f in findings if f.code == "MLC507")

    rough = said(statistics(rows=2_000, positives=500, days=20, icc=0.15))
    assert "more than 20 % of the time" in rough
    assert "one at the bound passes" not in rough
    assert "more than" not in said(statistics(rows=2_000, positives=500, days=100, icc=0.05))


def test_nothing_is_said_without_counts_or_with_counts_of_other_rows() -> None:
    gate = changed("specs/gate.yaml", "{metric: roc_auc, min: 0.7}", "{metric: roc_auc, min: 0.74, expect: 0.75}")
    assert codes(compiled(gate)[1]) == []
    stale = {"of": "sha256:0", **statistics(rows=100, positives=20)}
    assert codes(compiled(gate, lock=a_lock(models={"late": stale}))[1]) == ["MLC930"]


def test_a_gate_of_many_models_may_be_a_low_floor() -> None:
    spec = "spec: {model: '*', checks: [{metric: brier, max: 0.3}]}"
    gate = {"specs/gate.yaml": f"kind: Gate\nmetadata: {{name: floor}}\n{spec}\n"}
    assert codes(compiled({**gate, "specs/monitor.yaml": ""}, lock=a_lock(models={"late": statistics()}))[1]) == []


def test_a_constant_forecast_clears_no_bound_below_its_spread() -> None:
    model = changed("specs/model.yaml", "binary_classification", "regression")["specs/model.yaml"]
    model = model.replace("delay > 15", "delay").replace("LogisticRegression", "Ridge")
    entry = statistics(positives=None, mean=10.0, std=40.0)
    for check, expected in (("{metric: rmse, max: 41}", ["MLC518"]), ("{metric: rmse, max: 30}", [])):
        gate = changed("specs/gate.yaml", "{metric: roc_auc, min: 0.7}", check)
        files = {**gate, "specs/model.yaml": model, "specs/monitor.yaml": ""}
        assert codes(compiled(files, lock=a_lock(models={"late": entry}))[1]) == expected
