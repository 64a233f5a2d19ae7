"""Checks that exclude, repeat or overtake one another, and those that nothing can pass."""

from __future__ import annotations

import pytest

from mlc_compiler.analysis.gate_logic import LEAST_CONFIDENCE
from specs_on_disk import changed, codes, compiled


def found_for(*checks: str, model: str = "late", task: str = "", decision: str = "") -> list[str]:
    lines = "".join(f"\n    - {check}" for check in checks)
    text = f"kind: Gate\nmetadata: {{name: release}}\nspec:\n  model: {model}\n  checks:{lines}\n"
    files = {"specs/gate.yaml": text}
    if decision:
        files |= changed("specs/model.yaml", "  estimator", f"  decision: {{{decision}}}\n  estimator")
    if task:
        spec = changed("specs/model.yaml", "binary_classification", task)["specs/model.yaml"]
        files["specs/model.yaml"] = spec.replace("delay > 15", "delay").replace("LogisticRegression", "Ridge")
    return codes(compiled(files)[1])


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        (("{metric: roc_auc, min: 0.7}", "{metric: roc_auc, min: 0.6}"), ["MLC517"]),
        (("{metric: roc_auc, min: 0.6}", "{metric: roc_auc, min: 0.7}"), ["MLC517"]),
        (("{metric: roc_auc, min: 0.7}", "{metric: roc_auc, min: 0.7}"), ["MLC517"]),
        (("{metric: roc_auc, min: 0.7}", "{metric: roc_auc, min: 0.6, report_only: true}"), []),
        (("{metric: roc_auc, min: 0.7}", "{metric: roc_auc, min: 0.6, confidence: 99%}"), []),
        (("{metric: roc_auc, min: 0.7, confidence: 99%}", "{metric: roc_auc, min: 0.6}"), ["MLC517"]),
        (("{metric: roc_auc, min: 0.7}", "{metric: roc_auc, min: 0.6, slices: [carrier]}"), []),
        (("{metric: roc_auc, min: 0.7}", "{metric: brier, max: 0.2}"), []),
        (
            ("{metric: roc_auc, versus: champion, margin: 0.01}", "{metric: roc_auc, versus: champion, margin: 0.02}"),
            ["MLC517", "MLC522"],
        ),
        (("{latency: p99, max: 20ms}", "{latency: p99, max: 30ms}"), ["MLC517"]),
        (("{latency: p99, max: 20ms}", "{latency: p95, max: 30ms}"), []),
        (("{parity: onnx, max_difference: 1e-5}", "{parity: onnx, max_difference: 1e-4}"), []),
        (
            (
                "{fairness: equal_opportunity, group: carrier, min: 0.8}",
                "{fairness: disparate_impact, group: carrier, min: 0.8}",
            ),
            [],
        ),
    ],
)
def test_a_check_that_another_one_implies_is_told(checks: tuple[str, ...], expected: list[str]) -> None:
    assert found_for(*checks) == expected


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        (("{metric: rmse, max: 5}", "{metric: mae, max: 6}"), ["MLC517"]),
        (("{metric: mae, max: 6}", "{metric: rmse, max: 5}"), ["MLC517"]),
        (("{metric: rmse, max: 5}", "{metric: mae, max: 4}"), []),
        (("{metric: mae, max: 3}", "{metric: bias, max: 4}"), ["MLC517"]),
        (("{metric: rmse, max: 3}", "{metric: bias, max: 4}"), ["MLC517"]),
        (("{metric: bias, min: 1}", "{metric: bias, max: -1}"), ["MLC524"]),
        (("{metric: bias, min: -1}", "{metric: bias, max: 1}"), []),
    ],
)
def test_bounds_of_errors_are_compared_with_each_other(checks: tuple[str, ...], expected: list[str]) -> None:
    assert found_for(*checks, task="regression") == expected


def test_a_floor_for_many_models_may_be_overtaken() -> None:
    assert found_for("{metric: roc_auc, min: 0.7}", "{metric: roc_auc, min: 0.6}", model="'*'") == []


@pytest.mark.parametrize(
    ("decision", "check", "expected"),
    [
        ("max_false_positive_rate: 20%", "{metric: false_positive_rate, max: 0.1}", ["MLC516"]),
        ("max_false_positive_rate: 20%", "{metric: false_positive_rate, max: 0.25}", []),
        ("min_recall: 80%", "{metric: recall, min: 0.9}", ["MLC516"]),
        ("min_recall: 80%", "{metric: recall, min: 0.7}", []),
        ("min_precision: 50%", "{metric: precision, min: 0.6}", ["MLC516"]),
        ("threshold: 0.4", "{metric: precision, min: 0.6}", []),
        ("min_recall: 80%", "{metric: recall, min: 0.9, slices: [carrier]}", []),
    ],
)
def test_a_gate_asks_for_no_more_than_the_threshold_is_for(decision: str, check: str, expected: list[str]) -> None:
    assert found_for(check, decision=decision) == expected


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ("{metric: roc_auc, min: 0.7, expect: 0.69}", ["MLC525"]),
        ("{metric: brier, max: 0.2, expect: 0.21}", ["MLC525"]),
        ("{metric: brier, max: 0.2, expect: 0.19}", []),
        ("{latency: p99, max: 20ms, expect: 0.01}", ["MLC506"]),
        ("{latency: p99, max: 20ms, confidence: 99.999%}", ["MLC515"]),
        ("{latency: p50, max: 20ms, confidence: 99.999%}", []),
        (f"{{metric: roc_auc, min: 0.7, confidence: {LEAST_CONFIDENCE}}}", []),
        ("{metric: roc_auc, min: 0.7, confidence: 0.79}", ["MLC514"]),
        ("{latency: p99, max: 20ms, confidence: 0.5}", []),
    ],
)
def test_what_a_check_says_of_itself_holds_together(check: str, expected: list[str]) -> None:
    assert found_for(check) == expected
