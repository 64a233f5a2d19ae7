"""Alerts that chance, labels or traffic would raise, beyond the golden cases."""

from __future__ import annotations

import numpy as np
import pytest

from mlc_compiler.analysis.alerts import FAST_BURN, FAST_WINDOW
from mlc_compiler.analysis.labels import cadence
from mlc_compiler.diagnostics import Finding
from mlc_compiler.middle.statistics import statistics_digest
from mlc_targets.local.monitor.readings import FALSE_ALARMS
from mlc_targets.prometheus.availability import BURNS
from specs_on_disk import a_lock, a_model_of, codes, compiled

FOLD = {"rows": 10_000, "positives": 2000, "days": 60}


def told(monitor: str, per_day: float = 5000.0, late: float = 3600.0, **files: str) -> list[Finding]:
    texts = {f"specs/{name}.yaml": text for name, text in files.items()}
    texts["specs/monitor.yaml"] = f"kind: Monitor\nmetadata: {{name: late}}\nspec: {{model: late, {monitor}}}\n"
    entry = {
        "of": statistics_digest(a_model_of(), "UTC"),
        "rows": 100_000,
        "mature": 100_000,
        "per_day": per_day,
        "label_delay": {"p50": late / 2, "p95": late},
        "folds": dict.fromkeys(("train", "validation", "test"), FOLD),
        "groups": {},
    }
    found = compiled(texts, lock=a_lock(models={"late": entry}))[1]
    return [f for f in found if f.code.startswith("MLC7")]


@pytest.mark.parametrize(
    ("monitor", "per_day", "expected"),
    [
        ("signals: [{name: a, type: feature_drift}]", 5000, []),
        ("signals: [{name: a, type: feature_drift}]", 100, ["MLC708"]),
        ("signals: [{name: a, type: feature_drift}], alert_budget: {per_week: 0.2}", 100, ["MLC708", "MLC709"]),
        ("signals: [{name: a, type: feature_drift, window: 7d}]", 100, []),
        ("signals: [{name: a, type: feature_drift, max: 0.6}]", 100, []),
        ("signals: [{name: a, type: prediction_drift, max: 0.05}]", 300, ["MLC708", "MLC709"]),
        ("signals: [{name: a, type: feature_drift, method: ks, max: 0.001}]", 5000, ["MLC708", "MLC709"]),
        ("signals: [{name: a, type: data_quality}]", 5, []),
        ("signals: [{name: a, type: performance, metric: roc_auc, min: 0.6, window: 1d}]", 5, ["MLC708"]),
        ("signals: [{name: a, type: feature_drift}]", 0, []),
        ("signals: [{name: a, type: feature_drift, window: 1ms}]", 5000, ["MLC707", "MLC708", "MLC709"]),
        ("signals: [{name: a, type: feature_drift, window: 5000w}]", 1e12, []),
    ],
)
def test_what_is_said_of_a_signal(monitor: str, per_day: float, expected: list[str]) -> None:
    assert codes(told(monitor, per_day)) == expected


def test_the_expected_alarms_are_those_of_simulated_weeks() -> None:
    """Four features without drift, 150 rows a day, psi above 0.2: out of bounds, or unknown, as the job decides."""
    (finding,) = (f for f in told("signals: [{name: a, type: feature_drift}], alert_budget: {per_week: 0.01}", 150.0)
                  if f.code == "MLC709")  # fmt: skip
    said = float(finding.message.split(" raises ")[1].split(" alerts")[0])
    assert said == pytest.approx(_alarms_a_week(150, 10_000, 4, 0.2), abs=0.08)


def _alarms_a_week(rows: int, reference: int, features: int, bound: float) -> float:
    random, weeks = np.random.default_rng(9), 3000
    shares = np.full(10, 0.1)
    kept = np.maximum(random.multinomial(reference, shares, (weeks * 7, features)) / reference, 1e-4)
    live = np.maximum(random.multinomial(rows, shares, (weeks * 7, features)) / rows, 1e-4)
    index = np.sum((live - kept) * np.log(live / kept), axis=2)
    chance = np.quantile(index, 1 - FALSE_ALARMS / features)
    told = (index > max(bound, chance)).sum(axis=1)
    unknown = ((index > bound) & (index <= chance)).any(axis=1)
    return float((told + unknown).sum() / weeks)


def test_the_bound_in_the_help_is_quiet() -> None:
    noisy = told("signals: [{name: a, type: feature_drift, max: 0.1}], alert_budget: {per_week: 1}", 150.0)
    help = next(f.help for f in noisy if f.code == "MLC709")
    most = help.split("`max: ")[1].split("`")[0]
    assert told(f"signals: [{{name: a, type: feature_drift, max: {most}}}], alert_budget: {{per_week: 1}}", 150.0) == []


@pytest.mark.parametrize(
    ("monitor", "late", "expected"),
    [
        ("label_delay: 1h", 3600.0, []),
        ("label_delay: 59m", 3600.0, ["MLC710"]),
        ("retrain: {on: [a], cooldown: 1d}", 3600.0, []),
        ("retrain: {on: [a], cooldown: 1h}", 3600.0, ["MLC711"]),
        ("retrain: {schedule: '0 4 * * *'}", 3600.0, []),
        ("retrain: {schedule: '0 */2 * * *'}", 3600.0, ["MLC711"]),
        ("retrain: {schedule: '0 4 * * 1'}", 8 * 86_400.0, ["MLC711", "MLC714"]),
    ],
)
def test_what_labels_allow(monitor: str, late: float, expected: list[str]) -> None:
    signal = "signals: [{name: a, type: performance, metric: roc_auc, min: 0.6, window: 7d}]"
    assert codes(told(f"{signal}, {monitor}", late=late)) == expected


@pytest.mark.parametrize(
    ("schedule", "days"),
    [
        ("0 4 * * 1", 7),
        ("0 4 * * *", 1),
        ("0 4 * * mon-fri", None),
        ("*/10 * * * *", 10 / 1440),
        ("0 0,12 * * *", 0.5),
        ("0 0 1-10 * *", 3),
        ("0 0 1 1 *", 360),
    ],
)
def test_the_pace_of_a_schedule(schedule: str, days: float | None) -> None:
    assert cadence(schedule) > 0
    if days is not None:
        assert cadence(schedule) / 86_400 == pytest.approx(days)


TRAFFIC = "kind: Rollout\nmetadata: {name: late}\nspec: {model: late, strategy: rolling, traffic: {requests_per_second: %s}}\n"  # noqa: E501


@pytest.mark.parametrize(
    ("rate", "available", "expected"),
    [("200", "99.9%", []), ("0.01", "99.9%", ["MLC713"]), ("0.05", "99.9%", ["MLC709"]), ("1e12", "99.999%", [])],
)
def test_an_objective_needs_traffic(rate: str, available: str, expected: list[str]) -> None:
    found = told(f"slo: {{availability: {available}}}, alert_budget: {{per_week: 0.1}}", rollout=TRAFFIC % rate)
    assert [c for c in codes(found) if c != "MLC709" or "MLC709" in expected] == expected


def test_the_first_page_is_the_one_that_is_emitted() -> None:
    assert (BURNS[0].factor, BURNS[0].long) == (FAST_BURN, FAST_WINDOW)
