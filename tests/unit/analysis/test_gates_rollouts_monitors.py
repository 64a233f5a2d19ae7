"""Gates, rollouts and monitors that could not decide anything, beyond the golden cases."""

from __future__ import annotations

import pytest

from specs_on_disk import changed, codes, compiled


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ("{metric: roc_auc, min: 0.7, versus: champion}", ["MLC513", "MLC522"]),
        ("{metric: log_loss, max: 3}", []),
        ("{metric: log_loss, min: 3}", ["MLC502"]),
        ("{metric: brier, max: 1}", ["MLC503"]),
        ("{metric: brier, max: 0.99}", []),
        ("{metric: roc_auc, min: 1.01}", ["MLC503"]),
        ("{metric: log_loss, max: -1}", ["MLC503"]),
        ("{metric: nothing, min: 1}", ["MLC402"]),
        ("{metric: roc_auc}", ["MLC501"]),
        ("{metric: roc_auc, report_only: true}", []),
        ("{fairness: equal_opportunity, group: carrier, min: 0.8}", []),
        ("{fairness: equal_opportunity, min: 0.8}", ["MLC102"]),
        ("{fairness: equal_opportunity, group: carrier}", ["MLC501"]),
        ("{fairness: equal_opportunity, group: nothing, min: 0.8}", ["MLC505"]),
        ("{latency: p99, max: 20ms}", []),
        ("{latency: p99, min: 1}", ["MLC506"]),
        ("{latency: p99, max: 20ms, slices: [carrier]}", ["MLC506"]),
        ("{parity: onnx, max_difference: 1e-5}", []),
        ("{parity: onnx, max_difference: 1e-5, versus: baseline}", ["MLC504", "MLC506"]),
        ("{metric: roc_auc, min: 0.7, slices: [carrier, distance]}", []),
        ("{metric: roc_auc, min: 0.7, slices: [carrier, built]}", ["MLC505"]),
        ("{metric: roc_auc, min: 0.7, slices: [x, y]}", ["MLC505", "MLC505"]),
    ],
)
def test_gate_checks(check: str, expected: list[str]) -> None:
    _, findings = compiled(changed("specs/gate.yaml", "{metric: roc_auc, min: 0.7}", check))
    assert codes(findings) == expected


ERRORS = "{metric: error_rate, max: 1%}"
LAST = "{weight: 100}"


@pytest.mark.parametrize(
    ("steps", "analysis", "expected"),
    [
        (f"{{weight: 5, hold: 30m}}, {LAST}", ERRORS, []),
        (f"{{weight: 5%, approval: true}}, {LAST}", ERRORS, ["MLC641"]),
        (f"{{weight: 5, hold: 30m}}, {{weight: 5, hold: 30m}}, {LAST}", ERRORS, ["MLC601"]),
        ("{weight: 50, hold: 1h}, {weight: 20, hold: 1h}", ERRORS, ["MLC601", "MLC602"]),
        (f"{{weight: 5}}, {{weight: 25}}, {LAST}", ERRORS, ["MLC603", "MLC603"]),
        (LAST, ERRORS, []),
        ("", ERRORS, ["MLC606"]),
        (f"{{weight: 5, hold: 3m}}, {LAST}", "{metric: error_rate, max: 1%, interval: 1m, failure_limit: 2}", []),
        (
            f"{{weight: 5, hold: 2m}}, {LAST}",
            "{metric: error_rate, max: 1%, interval: 1m, failure_limit: 2}",
            ["MLC605"],
        ),
        (f"{{weight: 5, hold: 30s}}, {LAST}", ERRORS, ["MLC605"]),
        (f"{{weight: 5, hold: 30m}}, {LAST}", "{metric: error_rate, baseline: 1%}", ["MLC604"]),
        (f"{{weight: 101, hold: 30m}}, {LAST}", ERRORS, ["MLC105"]),
    ],
)
def test_steps_of_a_canary(steps: str, analysis: str, expected: list[str]) -> None:
    spec = f"{{model: late, strategy: canary, steps: [{steps}], analysis: [{analysis}]}}"
    _, findings = compiled({"specs/rollout.yaml": f"kind: Rollout\nmetadata: {{name: late}}\nspec: {spec}\n"})
    assert codes(findings) == expected


def test_a_shadow_says_how_much_it_mirrors() -> None:
    text = "kind: Rollout\nmetadata: {name: late}\nspec: {model: late, strategy: shadow%s}\n"
    assert codes(compiled({"specs/rollout.yaml": text % ""})[1]) == ["MLC606"]
    assert codes(compiled({"specs/rollout.yaml": text % ", mirror: 10%"})[1]) == []


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        ("{name: a, type: feature_drift}", []),
        ("{name: a, type: feature_drift, method: ks, features: [carrier]}", []),
        ("{name: a, type: feature_drift, features: [nothing, carrier]}", ["MLC704"]),
        ("{name: a, type: prediction_drift, method: cbpe}", ["MLC702"]),
        ("{name: a, type: performance, metric: roc_auc, min: 0.6}", []),
        ("{name: a, type: performance, metric: roc_auc}", ["MLC701"]),
        ("{name: a, type: performance, min: 0.6}", ["MLC102"]),
        ("{name: a, type: performance, metric: mae, max: 3}", ["MLC703"]),
        ("{name: a, type: performance, metric: roc_auc, min: 0.6, method: psi}", ["MLC702"]),
        ("{name: a, type: estimated_performance, metric: roc_auc, min: 0.6, method: cbpe}", []),
        ("{name: a, type: data_quality}", []),
        ("{name: a, type: data_quality}, {name: a, type: feature_drift}", ["MLC705"]),
    ],
)
def test_signals_can_be_computed_and_can_alert(signal: str, expected: list[str]) -> None:
    text = f"kind: Monitor\nmetadata: {{name: late}}\nspec: {{model: late, signals: [{signal}]}}\n"
    _, findings = compiled({"specs/monitor.yaml": text})
    assert codes(findings) == expected
