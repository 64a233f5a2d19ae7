"""False aborts and misses against simulated rollouts: requests at random, windows, and Argo's way of counting."""

from __future__ import annotations

import math

import numpy as np
import pytest

from builders import an_analysis
from mlc_compiler.analysis.decisions import Trial, aborts, any_abort, solve
from mlc_compiler.analysis.mean_power import abort_chance, outside, widest
from mlc_compiler.analysis.measurements import PREVIEW_SECONDS, measurements, window
from mlc_compiler.analysis.trials import Watch
from mlc_compiler.diagnostics import Finding
from mlc_compiler.spec.model import Replicas, Serving
from mlc_compiler.spec.rollout import Analysis, Rollout
from mlc_targets.argo_rollouts import analysis as argo
from mlc_targets.argo_rollouts import queries, rollout
from mlc_targets.local.serve.drift import FEWEST, stability_index
from mlc_targets.local.serve.options import ServeOptions
from specs_on_disk import codes, compiled

REPETITIONS = 10_000
POINT = 0.01


def a_watch(
    requests_per_second: float = 20,
    steps: tuple[tuple[float, str], ...] = ((5, "10m"),),
    no_data: str = "hold",
    **analysis: object,
) -> Watch:
    found = {"metric": "error_rate", "max": "1%", "baseline": "0.5%", **analysis}
    held = [{"weight": weight, "hold": hold} for weight, hold in steps]
    spec = Rollout.model_validate({
        "model": "late",
        "no_data": no_data,
        "traffic": {"requests_per_second": requests_per_second},
        "steps": [*held, {"weight": 100}],
        "analysis": [found],
    })  # fmt: skip
    return Watch(spec, spec.analysis[0], Serving(replicas=Replicas(min=1, max=1)), reference=50_000.0)


def predicted(watch: Watch) -> tuple[float, float]:
    """Return P(false abort) and P(miss)."""
    trials = tuple(watch.trials())
    limit = watch.analysis.failure_limit
    healthy = any_abort([(t.count, t.healthy or 0.0) for t in trials], limit)
    harmful = any_abort([(t.count, t.harmful) for t in trials], limit)
    assert healthy.exact
    assert harmful.exact
    return healthy.low, 1 - harmful.low


def simulated(watch: Watch, share: float, seed: int = 1) -> float:
    """Return the share of rollouts that are aborted of a version whose requests fail with that probability."""
    random = np.random.default_rng(seed)
    going = np.ones(REPETITIONS, dtype=bool)
    for look in watch.looks:
        failed = random.poisson(look.requests * share, (REPETITIONS, look.count))
        total = failed + random.poisson(look.requests * (1 - share), (REPETITIONS, look.count))
        measured = total >= watch.least
        fails = measured & (failed > watch.bound * total)
        if watch.rollout.no_data == "fail":
            fails |= ~measured
        going &= fails.sum(axis=1) <= watch.analysis.failure_limit  # each step counts anew
    return float(1 - going.mean())


CASES = [
    *({"requests_per_second": rate, "failure_limit": limit} for rate in (2, 20, 200) for limit in (0, 3)),
    {"requests_per_second": 200, "steps": ((5, "30m"), (25, "1h")), "failure_limit": 3},
    {"requests_per_second": 35, "steps": ((1, "20m"), (10, "20m"), (50, "5m")), "failure_limit": 1},
    {"requests_per_second": 3, "no_data": "fail", "failure_limit": 2},
    {"requests_per_second": 20, "baseline": "0.9%", "max": "1%", "interval": "5m", "failure_limit": 1},
    {"requests_per_second": 500, "baseline": "0.1%", "max": "0.2%", "harmful": "0.25%", "failure_limit": 2},
    {"requests_per_second": 20, "metric": "latency_p95", "max": "50ms", "baseline": "40ms", "failure_limit": 4},
    {"requests_per_second": 50, "metric": "latency_p99", "max": "50ms", "baseline": "40ms", "failure_limit": 2},
    {"requests_per_second": 5000, "baseline": "0.98%", "max": "1%", "harmful": "1.01%", "failure_limit": 5},
]


@pytest.mark.parametrize("case", CASES, ids=[str(n) for n in range(len(CASES))])
def test_predictions_agree_with_simulated_rollouts(case: dict[str, object]) -> None:
    watch = a_watch(**case)  # type: ignore[arg-type]  # a table of keyword arguments
    false_abort, miss = predicted(watch)
    assert watch.healthy is not None
    assert false_abort == pytest.approx(simulated(watch, watch.healthy), abs=POINT)
    assert miss == pytest.approx(1 - simulated(watch, watch.harmful), abs=POINT)


def test_the_figures_of_the_literature_hold() -> None:
    """5 % of 20 requests a second, ten minutes, 0.5 % errors against a bound of 1 %: 95 % sent back, or 25 %."""
    assert predicted(a_watch(20))[0] == pytest.approx(0.95, abs=0.005)
    assert predicted(a_watch(20, failure_limit=3))[0] == pytest.approx(0.25, abs=0.005)
    assert predicted(a_watch(2))[0] == pytest.approx(0.26, abs=0.005)
    assert predicted(a_watch(200, failure_limit=3)) == pytest.approx((0.002, 0.0), abs=0.005)


# --- drift -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("bound", "limit"), [(0.02, 0), (0.014, 3), (0.01, 5)])
def test_drift_of_independent_windows_agrees_with_the_servers_index(bound: float, limit: int) -> None:
    watch = a_watch(400, metric="prediction_drift", max=bound, baseline=None, failure_limit=limit)
    random = np.random.default_rng(2)
    reference = np.full(10, 5000.0)
    rounds = 6_000
    windows = random.multinomial(1000, np.full(10, 0.1), (rounds, 10)).astype(float)
    assert indices(reference, windows[:2, 0]) == pytest.approx([stability_index(reference, w) for w in windows[:2, 0]])
    fails = indices(reference, windows) > bound
    assert watch.overlap == 1
    assert predicted(watch)[0] == pytest.approx(float((fails.sum(axis=1) > limit).mean()), abs=2 * POINT)


def indices(reference: np.ndarray, live: np.ndarray) -> np.ndarray:
    """The server's index of many windows at once."""
    p = (reference + 0.5) / (reference.sum() + 5)
    q = (live + 0.5) / (live.sum(axis=-1, keepdims=True) + 5)
    return np.asarray(((q - p) * np.log(q / p)).sum(axis=-1))


# --- means -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("interval", "limit"), [("1m", 0), ("1m", 2), ("5m", 0)])
@pytest.mark.parametrize("labels", [None, 12.0])
def test_means_leave_their_bounds_as_often_as_predicted(interval: str, limit: int, labels: float | None) -> None:
    """Predictions that spread as widely as can be: yes and no, or as normal labels do."""
    mean = 0.2 if labels is None else 100.0
    bounds = {"min": 0.14, "max": 0.25} if labels is None else {"min": 98.0, "max": 103.0}
    found = {"baseline": mean, "harmful": mean * 1.2, "interval": interval, "failure_limit": limit, **bounds}
    watch = a_watch(60, metric="prediction_mean", **found)  # type: ignore[arg-type]  # a table of keyword arguments
    for true in (mean, mean * 1.2):
        chance, simulated = abort_chance(watch, true, labels), means_out_of_bounds(watch, true, labels)
        assert chance.exact
        assert chance.low == pytest.approx(simulated, abs=POINT + 0.005)


def means_out_of_bounds(watch: Watch, mean: float, labels: float | None) -> float:
    random, (look,) = np.random.default_rng(5), watch.looks
    counts = random.poisson(look.requests, (REPETITIONS, look.count)).clip(1)
    if labels is None:
        shown = random.binomial(counts, mean) / counts
    else:
        shown = mean + random.normal(0, 1, counts.shape) * labels / np.sqrt(counts)
    analysis = watch.analysis
    out = (shown > (analysis.max or math.inf)) | (shown < (analysis.min or -math.inf))
    return float((out.sum(axis=1) > analysis.failure_limit).mean())


def test_predictions_spread_no_more_than_labels_do() -> None:
    assert widest(0.2, None) == pytest.approx(0.4)
    assert widest(1.5, None) == widest(-0.1, None) == 0.0
    assert widest(100.0, 12.0) == 12.0
    assert outside(100.0, 5.0, 0.0, 4.0, 6.0) == 0.0
    assert outside(100.0, 7.0, 0.0, 4.0, 6.0) == 1.0
    assert outside(100.0, 5.0, 1.0, None, None) == 0.0


def test_a_server_without_a_hundred_scores_has_no_drift() -> None:
    watch = a_watch(10, metric="prediction_drift", max=0.2)
    assert watch.silent(watch.looks[0]) > 0.99
    assert (FEWEST, ServeOptions().drift_window) == (100, 1000)


# --- what overlaps ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("interval", "limit"), [(15, 0), (15, 3), (20, 2), (30, 5)])
@pytest.mark.parametrize("share", [0.002, 0.005, 0.02])
def test_bounds_hold_where_measurements_overlap(interval: int, limit: int, share: float) -> None:
    watch = a_watch(20, interval=f"{interval}s", failure_limit=limit)
    look, several = watch.looks[0], 60 // interval
    random = np.random.default_rng(4)
    pieces = (REPETITIONS, look.count + several - 1)
    failed = random.poisson(interval * share, pieces)  # one request of the new version a second
    total = failed + random.poisson(interval * (1 - share), pieces)
    kernel = np.lib.stride_tricks.sliding_window_view
    fails = kernel(failed, several, axis=1).sum(-1) > 0.01 * kernel(total, several, axis=1).sum(-1)
    found = float((fails.sum(axis=1) > limit).mean())
    chance = aborts(look.count, watch.fails(look, share), limit, watch.overlap)
    assert watch.overlap == several
    assert chance.low - POINT <= found <= chance.high + POINT


# --- the emitted analysis --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("interval", [1.0, 15.0, 45.0, 60.0, 90.0, 300.0])
@pytest.mark.parametrize("hold", [60.0, 100.0, 600.0, 1799.0, 3600.0])
def test_measurements_are_those_that_are_emitted(interval: float, hold: float) -> None:
    ours = Analysis.model_validate({"metric": "error_rate", "max": 0.01, "interval": f"{interval:g}s"})
    theirs = an_analysis(interval=interval)
    assert window(ours) == queries.window(theirs)
    if hold >= window(ours):
        assert measurements(ours, hold) == argo.measurements(theirs, hold)
    assert rollout.PREVIEW_SECONDS == PREVIEW_SECONDS


# --- what would be better --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("case", CASES[:6], ids=["0", "1", "2", "3", "4", "5"])
def test_what_the_help_says_decides_well_and_is_the_least_that_does(case: dict[str, object]) -> None:
    watch = a_watch(**case)  # type: ignore[arg-type]  # a table of keyword arguments
    found = solve(tuple(watch.trials()), 600.0)
    assert found is not None
    count = math.floor(10 * found.longer + 1e-9)
    rate = watch.rollout.traffic.requests_per_second if watch.rollout.traffic else 0
    better = a_watch(rate, ((5, f"{count}m"),), failure_limit=found.failure_limit)
    assert predicted(better) == pytest.approx((found.false_abort, found.miss))
    assert found.false_abort <= 0.05
    assert found.miss <= 0.20
    if found.failure_limit:
        limit = found.failure_limit - 1
        assert predicted(a_watch(rate, ((5, f"{count}m"),), failure_limit=limit))[0] > 0.05


def test_versions_that_cannot_be_told_apart_have_no_solution() -> None:
    assert solve((Trial(10, 0.5, 0.5),), 600.0) is None
    assert solve((Trial(10, 0.0, 1e-12),), 600.0) is None


# --- findings --------------------------------------------------------------------------------------------------------
def told(rollout: str, monitor: str = "") -> list[Finding]:
    files = {"specs/rollout.yaml": f"kind: Rollout\nmetadata: {{name: late}}\nspec: {{model: late, {rollout}}}\n"}
    if monitor:
        files["specs/monitor.yaml"] = f"kind: Monitor\nmetadata: {{name: late}}\nspec: {{model: late, {monitor}}}\n"
    return compiled(files)[1]


STEPS = "steps: [{weight: 5, hold: 10m}, {weight: 100}]"


@pytest.mark.parametrize(
    ("traffic", "analysis", "expected"),
    [
        ("200", "{metric: error_rate, baseline: 0.1%, max: 1%, failure_limit: 3}", []),
        ("20", "{metric: error_rate, baseline: 0.5%, max: 1%, failure_limit: 3}", ["MLC610"]),
        ("20", "{metric: error_rate, max: 1%, failure_limit: 3}", []),
        ("20", "{metric: error_rate, max: 1%, failure_limit: 3, method: sequential}", ["MLC619"]),
        ("20", "{metric: prediction_mean, max: 0.9, failure_limit: 3}", ["MLC619"]),
        ("20", "{metric: prediction_mean, max: 0.9, baseline: 0.2, failure_limit: 3}", []),
        ("20", "{metric: prediction_mean, max: 0.22, baseline: 0.2, failure_limit: 3}", ["MLC619"]),
        ("20", "{metric: prediction_mean, max: 0.22, harmful: 0.23, failure_limit: 7}", ["MLC619"]),
        ("8", "{metric: prediction_mean, max: 0.9, baseline: 0.2, failure_limit: 3}", ["MLC619"]),
        ("200", "{metric: error_rate, baseline: 0.1%, min: 0%, max: 1%, failure_limit: 3}", []),
        ("200", "{metric: prediction_drift, max: 0.2, failure_limit: 2}", []),
        ("1e12", "{metric: error_rate, baseline: 0.99%, max: 1%, failure_limit: 3}", []),
        ("1e-9", "{metric: error_rate, baseline: 0.99%, max: 1%, failure_limit: 3}", ["MLC612"]),
    ],
)
def test_what_is_said_of_an_analysis(traffic: str, analysis: str, expected: list[str]) -> None:
    found = told(f"strategy: canary, traffic: {{requests_per_second: {traffic}}}, {STEPS}, analysis: [{analysis}]")
    assert sorted({f.code for f in found if f.code.startswith("MLC61") and f.code != "MLC613"}) == expected


def test_the_arithmetic_stands_in_the_message() -> None:
    found = told(
        f"traffic: {{requests_per_second: 20}}, {STEPS}, analysis: [{{metric: error_rate, baseline: 0.5%, max: 1%}}]"
    )
    (finding,) = (f for f in found if f.code == "MLC610")
    assert finding.message == (
        "20 requests/s x 5 % x 1m = 60 requests a measurement; a healthy version (0.5 % errors) shows more than 1 % in "
        "26 % of them; 10 measurements, failure_limit 0: 95 % of healthy versions are sent back"
    )
    assert finding.help.startswith("use `failure_limit: 5`")


def test_blue_green_is_measured_after_the_switch() -> None:
    spec = "strategy: blue_green, traffic: {requests_per_second: 1}, analysis: [{metric: error_rate, baseline: 0.5%, max: 1%}]"  # noqa: E501
    (finding,) = (f for f in told(spec) if f.code == "MLC610")
    assert "1 requests/s x 100 % x 1m = 60 requests a measurement" in finding.message


def test_the_objective_says_what_is_healthy_where_no_baseline_does() -> None:
    spec = f"traffic: {{requests_per_second: 20}}, {STEPS}, analysis: [{{metric: error_rate, max: 1%}}]"
    assert "MLC610" in codes(told(spec, "slo: {availability: 99.5%}"))
    assert "MLC610" not in codes(told(spec))


def test_a_pattern_of_looks_without_a_sequential_method_is_refused() -> None:
    spec = (
        "strategy: ab_test, steps: [{weight: 50, hold: %s}, {weight: 100}], analysis: [{metric: error_rate, max: 1%%}]"
    )
    (finding,) = (f for f in told(spec % "100m") if f.code == "MLC614")
    assert "100 times" in finding.message
    assert "37 %" in finding.message
    assert "MLC614" not in codes(told(spec % "1m"))
    assert "MLC614" not in codes(told((spec % "100m").replace("1%}", "1%, method: sequential}")))


def test_the_table_of_peeking_agrees_with_simulation() -> None:
    looks, wrong = 50, 0.32
    random = np.random.default_rng(11)
    sums = np.cumsum(random.normal(size=(REPETITIONS, looks)), axis=1) / np.sqrt(np.arange(1, looks + 1))
    assert (np.abs(sums) > 1.959964).any(axis=1).mean() == pytest.approx(wrong, abs=0.015)
