"""Overrides set fields outside the version for one environment, and are checked as if they stood in the spec."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mlc_compiler import ir
from mlc_compiler.diagnostics import Finding, Place
from mlc_compiler.middle.overrides import field_paths
from mlc_compiler.spec.model import Model
from specs_on_disk import changed, codes, compiled

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
    assert codes(findings) == []
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
        ("Model", {"serving.replicas.min": "two"}, ["MLC103"]),
        ("Model", {"serving.resources.cpu": "2 cores"}, ["MLC105"]),
        ("Model", {"serving.replicas.max": 1}, ["MLC908"]),
        ("Model", {"": 1}, ["MLC907"]),
        ("Model", {"serving..min": 1}, ["MLC907"]),
        ("Rollout", {"model": "other"}, []),
        ("Rollout", {"steps.0.weight": 3}, ["MLC907"]),
        ("Monitor", {"nothing": 3, "also": 4}, ["MLC907", "MLC907"]),
    ],
)
def test_what_may_not_be_set_is_told_at_the_override(kind: str, values: dict[str, Any], expected: list[str]) -> None:
    _, findings = overridden(kind, values)
    assert codes(findings) == expected
    for finding in (f for f in findings if f.code in expected):
        assert isinstance(finding.at, Place)
        assert finding.at.path[:4] == ("spec", "overrides", 0, "set")


def test_paths_of_fields_are_those_of_the_language() -> None:
    paths = set(field_paths(Model))
    assert {"serving.replicas.min", "estimator.class", "split", "card.risk"} <= paths
    assert not any("class_" in path for path in paths)
