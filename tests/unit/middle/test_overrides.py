"""Overrides set fields outside the version for one environment, and are checked as if they stood in the spec."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mlc_compiler import ir
from mlc_compiler.diagnostics import Finding, Place
from mlc_compiler.middle.overrides import field_paths
from mlc_compiler.spec.model import Model
from specs_on_disk import BASE, changed, codes, compiled


def told(findings: list[Finding]) -> list[str]:
    """Return the codes that are about overrides; what other analyses say of the values stands in their tests."""
    return [code for code in codes(findings) if code.startswith(("MLC1", "MLC90", "MLC97"))]


CANARY = "kind: Rollout\nmetadata: {name: late}\nspec: {model: late, steps: [{weight: 5, hold: 1h}, {weight: 100}]}\n"


def overridden(kind: str, values: dict[str, Any], name: str = "late") -> tuple[ir.Model | None, list[Finding]]:
    """Return the model as prod has it."""
    entry = f"overrides: [{{kind: {kind}, name: {name!r}, set: {json.dumps(values)}}}]"
    files = changed("specs/environments.yaml", "namespace: ml-prod", f"namespace: ml-prod, {entry}")
    compilation, findings = compiled({**files, "specs/rollout.yaml": CANARY})
    if compilation is None:
        return None, findings
    prod = next(r for r in compilation.releases.releases if r.environment.name == "prod")
    staging = next(r for r in compilation.releases.releases if r.environment.name == "staging")
    assert staging.models[0].serving.max_replicas == 1, "an override reaches its environment only"
    return prod.models[0], findings


def test_a_field_is_set_in_its_environment_only() -> None:
    model, findings = overridden("Model", {"serving.replicas.min": 2, "serving.replicas.max": 9, "card.risk": "high"})
    assert told(findings) == []
    assert model is not None
    assert (model.serving.min_replicas, model.serving.max_replicas, model.card.risk) == (2, 9, "high")


def test_whole_mappings_patterns_rollouts_and_monitors_can_be_set() -> None:
    model, _ = overridden("Model", {"serving.replicas": {"min": 3, "max": 3}}, name="l*")
    assert model is not None
    assert model.serving.min_replicas == 3
    model, _ = overridden("Rollout", {"steps": [{"weight": 10, "hold": "2h"}, {"weight": 100}]})
    assert model is not None
    assert model.rollout is not None
    assert [step.weight for step in model.rollout.steps] == [10, 100]
    model, _ = overridden("Monitor", {"alert_budget.per_week": 5})
    assert model is not None
    assert model.monitor is not None
    assert model.monitor.alerts_per_week == 5


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("Model", {"serving.replcas.min": 2}, ["MLC907"]),
        ("Model", {"seed": 2}, ["MLC907"]),
        ("Model", {"estimator.params": {}}, ["MLC907"]),
        ("Model", {"serving": {"mode": "batch", "nothing": 1}}, ["MLC101"]),
        ("Model", {"serving.replicas.min": "two"}, ["MLC970"]),
        ("Model", {"serving.resources.cpu": "2 cores"}, ["MLC970"]),
        ("Model", {"serving.replicas.max": 1}, ["MLC908"]),
        ("Model", {"card.limitations": "few"}, ["MLC970"]),
        ("Model", {"card.risk": "grave"}, ["MLC970"]),
        ("Rollout", {"rollback.within": 5}, ["MLC970"]),
        ("Monitor", {"slo.availability": "often"}, ["MLC970"]),
        ("Model", {"": 1}, ["MLC907"]),
        ("Model", {"serving..min": 1}, ["MLC907"]),
        ("Rollout", {"model": "other"}, []),
        ("Rollout", {"steps.0.weight": 3}, ["MLC907"]),
        ("Monitor", {"nothing": 3, "also": 4}, ["MLC907", "MLC907"]),
    ],
)
def test_what_may_not_be_set_is_told_at_the_override(kind: str, values: dict[str, Any], expected: list[str]) -> None:
    _, findings = overridden(kind, values)
    assert told(findings) == expected
    for finding in (f for f in findings if f.code in expected):
        assert isinstance(finding.at, Place)
        assert finding.at.path[:4] == ("spec", "overrides", 0, "set")


def test_another_type_is_told_with_the_type_that_the_field_takes() -> None:
    _, findings = overridden("Model", {"serving.replicas.min": "two"})
    found = next(f for f in findings if f.code == "MLC970")
    assert found.message == (
        "the override of `serving.replicas.min` has another type than the field: "
        "`min` is the text `two`, but a whole number is wanted"
    )


@pytest.mark.parametrize(
    ("overrides", "models", "expected"),
    [
        ("{kind: Model, name: late, set: {card.risk: high}}", '["l*"]', []),
        ("{kind: Model, name: 'l*', set: {serving.replicas.max: 1}}", '["*"]', []),  # others may differ
        ("{kind: Model, name: late, set: {card.risk: high}}", '["other"]', ["MLC971"]),
        ("{kind: Rollout, name: late, set: {no_data: fail}}", '["other"]', ["MLC971"]),
        (
            "{kind: Model, name: late, set: {card.risk: high}}, {kind: Model, name: late, set: {card.risk: limited}}",
            '["*"]',
            ["MLC971"],
        ),
        (
            "{kind: Model, name: late, set: {card.risk: high}}, {kind: Model, name: '*', set: {card.risk: limited}}",
            '["*"]',
            ["MLC971"],
        ),
        (
            "{kind: Model, name: '*', set: {card.risk: high}}, {kind: Model, name: late, set: {card.risk: limited}}",
            '["*"]',
            [],
        ),
    ],
)
def test_an_override_that_reaches_nothing_is_told(overrides: str, models: str, expected: list[str]) -> None:
    other = (BASE / "specs/model.yaml").read_text("utf-8").replace("{name: late}", "{name: other}")
    files = changed(
        "specs/environments.yaml",
        "namespace: ml-prod",
        f"namespace: ml-prod, models: {models}, overrides: [{overrides}]",
    )
    _, findings = compiled({**files, "specs/rollout.yaml": CANARY, "specs/other.yaml": other})
    assert told(findings) == expected


def test_paths_of_fields_are_those_of_the_language() -> None:
    paths = set(field_paths(Model))
    assert {"serving.replicas.min", "estimator.class", "split", "card.risk"} <= paths
    assert not any("class_" in path for path in paths)
