"""Every field of rollouts, serving, monitors and environments changes what is made, or is told; none is dropped.

The tutorial project is compiled with one field changed, for all targets. A field that only a run or a promotion reads
names the module that does.
"""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from mlc_compiler.backend.registry import installed
from mlc_compiler.diagnostics import Sink
from mlc_compiler.frontend.lock_reading import parse_lock
from mlc_compiler.frontend.workspace import SpecFile
from mlc_compiler.frontend.yaml_source import load
from mlc_compiler.middle.pins import Pins
from mlc_compiler.pipeline import Inputs, compile_project, emit, load_project
from mlc_compiler.spec.documentation import fields
from mlc_compiler.spec.environment import Environment
from mlc_compiler.spec.model import Serving
from mlc_compiler.spec.monitor import Monitor
from mlc_compiler.spec.rollout import Rollout

ROOT = Path(__file__).parents[3]
FLIGHTS = ROOT / "examples/flights"
Values = Mapping[str, Any]

BLUE_GREEN: Values = {"strategy": "blue_green", "steps": [], "preview": "30m"}
ROLLING: Values = {"strategy": "rolling", "steps": [], "analysis": [], "no_data": ...}
BATCH: Values = {
    "serving": {"mode": "batch", "schedule": "0 5 * * *", "input": "flights", "output": {"dataset": "scored"}},
    "/rollout": None,
    "/slo": None,
}
NO_ANALYSIS: Values = {"analysis": [], "no_data": ...}
RUNTIME: Values = {
    "serving.runtime": {
        "image": "acme/triton:24.01",
        "metrics": {
            "mlc_requests_total": "nv_requests",
            "mlc_request_duration_seconds": "nv_seconds",
            "mlc_prediction_drift": "nv_drift",
            "mlc_prediction_value": "nv_value",
        },
    }
}

# Field -> what it stands among, and the values that it takes; `...` removes a field.
ROLLOUT: Mapping[str, list[tuple[Values, list[Any]]]] = {
    "model": [({}, ["other"])],
    "strategy": [({}, ["blue_green", "shadow", "ab_test", "bandit", "rolling"]), (ROLLING, ["canary"])],
    "traffic.requests_per_second": [({}, [100])],
    "steps.0.weight": [({}, [6])],
    "steps.0.hold": [({}, ["40m"])],
    "steps.0.approval": [({}, [True])],
    "analysis.0.metric": [
        ({}, ["latency_p50", "latency_p95", "latency_p99", "prediction_drift", "prediction_mean"]),
        ({"analysis.0.metric": "prediction_mean"}, ["error_rate"]),
    ],
    "analysis.0.max": [({}, [0.02])],
    "analysis.0.min": [({}, [0.0001])],
    "analysis.0.baseline": [({}, [0.02])],
    "analysis.0.harmful": [({}, [0.009])],
    "analysis.0.interval": [({}, ["3m"])],
    "analysis.0.failure_limit": [({}, [2])],
    "analysis.0.method": [({}, ["sequential"]), ({"analysis.0.method": "sequential"}, ["threshold"])],
    "no_data": [({}, ["fail"]), ({"no_data": "fail"}, ["hold"]), (NO_ANALYSIS, ["fail"]), (ROLLING, ["fail"])],
    "min_requests": [({}, [100]), (NO_ANALYSIS, [100]), (ROLLING, [100])],
    "rollback.automatic": [({}, [False]), (NO_ANALYSIS, [False])],
    "rollback.within": [({}, ["1m"])],
    "rollback.keep": [({}, [5]), (ROLLING, [5])],
    "mirror": [({}, [0.1]), (BLUE_GREEN, [0.1]), (ROLLING, [0.1])],
    "preview": [({}, ["10m"]), (BLUE_GREEN, ["40m"]), (ROLLING, ["10m"])],
    "steps": [(ROLLING, [[{"weight": 100}]]), (BLUE_GREEN, [[{"weight": 5, "hold": "30m"}, {"weight": 100}]])],
    "analysis": [(ROLLING, [[{"metric": "error_rate", "max": 0.1}]])],
}
SERVING: Mapping[str, list[tuple[Values, list[Any]]]] = {
    "mode": [({}, ["batch"]), (BATCH, ["online"])],
    "replicas.min": [({}, [3]), (BATCH, [3])],
    "replicas.max": [({}, [11])],
    "target_cpu": [({}, [60]), ({"serving.replicas": {"min": 11, "max": 11}}, [60]), (BATCH, [60])],
    "resources.cpu": [({}, ["700m"]), (BATCH, ["700m"])],
    "resources.memory": [({}, ["1Gi"])],
    "resources.gpu": [({}, [1])],
    "latency_p99": [({"/slo": None}, ["60ms"]), (BATCH, ["60ms"])],
    "max_batch": [({}, [10]), (RUNTIME, [10])],
    "schedule": [({}, ["0 5 * * *"]), (BATCH, ["0 6 * * *"])],
    "input": [({}, ["flights"]), (BATCH, ["weather"])],
    "output": [({}, [{"dataset": "scored"}])],
    "output.dataset": [(BATCH, ["other"])],
    "output.path": [(BATCH, ["data/elsewhere"])],
    "output.write": [
        (BATCH, ["append", "replace"]),
        ({**BATCH, "serving.output.write": "append"}, ["replace_partition"]),
    ],
    "output.partition_by": [(BATCH, [["origin"]])],
    "runtime.image": [(RUNTIME, ["acme/triton:25.01"])],
    "runtime.port": [(RUNTIME, [9000])],
    "runtime.metrics": [(RUNTIME, [{}, {"mlc_request_total": "misspelt"}])],
    "log_classification": [
        ({"serving.log_requests": 0.1}, ["public", "pseudonymous", "confidential", "pii", "special"]),
        ({"serving.log_requests": 0.1, "serving.log_classification": "public"}, ["internal"]),
    ],
    "log_requests": [({}, [0.1]), (RUNTIME, [0.1]), (BATCH, [0.1])],
}
_DRIFT = ["jensen_shannon", "ks", "wasserstein", "chi_square", "cbpe"]
MONITOR: Mapping[str, list[tuple[Values, list[Any]]]] = {
    "model": [({}, ["other"])],
    "reference.split": [({}, ["validation", "test"]), ({"reference.split": "test"}, ["train"])],
    "label_delay": [({}, ["3d"])],
    "signals.0.name": [({}, ["renamed"])],
    "signals.0.type": [
        ({}, ["prediction_drift", "data_quality", "performance", "estimated_performance"]),
        ({"signals.0": {"name": "inputs", "type": "data_quality"}}, ["feature_drift"]),
    ],
    "signals.0.method": [({}, _DRIFT), ({"signals.0.method": "ks"}, ["psi"])],
    "signals.0.metric": [({}, ["roc_auc"])],
    "signals.0.features": [({}, [["carrier"]])],
    "signals.0.min": [({}, [0.3])],
    "signals.0.max": [({}, [0.35])],
    "signals.0.window": [({}, ["2d"])],
    "signals.0.severity": [({}, ["page"]), ({"signals.0.severity": "page"}, ["ticket"])],
    "signals.1.method": [({}, ["psi", "ks", "wasserstein", "chi_square", "cbpe"])],
    "signals.1.metric": [({}, ["roc_auc"])],
    "signals.1.features": [({}, [["carrier"]])],
    "signals.1.min": [({}, [0.1])],
    "signals.1.max": [({}, [0.35])],
    "signals.2.method": [({}, ["psi"])],
    "signals.2.metric": [({}, ["brier"])],
    "signals.2.features": [({}, [["carrier"]])],
    "signals.2.min": [({}, [0.7])],
    "signals.2.max": [({}, [0.9])],
    "signals.3.metric": [({}, ["brier"])],
    "signals.3.features": [({}, [["carrier"]])],
    "slo.availability": [({}, [0.99])],
    "slo.latency_p99": [({}, ["70ms"])],
    "retrain.schedule": [({}, ["0 5 * * 1"])],
}
ENVIRONMENT: Mapping[str, list[tuple[Values, list[Any]]]] = {
    "tracks": [({}, [...])],
    "promoted_from": [({}, ["staging"])],
    "namespace": [({}, ["elsewhere"])],
    "models": [({}, [["nothing-*"]])],
    "requires.soak": [({}, ["2h"])],
    "requires.approvals": [({}, [[{"team": "ops", "count": 1}]])],
    "freezes": [({}, [[{"from": "2026-12-20", "until": "2027-01-02", "reason": "year's end"}]])],
    "overrides": [({}, [[]])],
    "patches": [({}, [[{"target": {"kind": "Rollout", "name": "late-arrival"}, "patch": {"spec": {"paused": True}}}]])],
    "ingress.gateway": [({}, ["a/b", ...])],
    "ingress.host": [({}, ["x.acme.example"]), ({"ingress": {}}, ["x.acme.example"])],
}

# What no artifact shows: the field, and the module that reads it in a run or a promotion.
ELSEWHERE: Mapping[str, tuple[str, str]] = {
    "Monitor.alert_budget.per_week": ("compiler/mlc_compiler/analysis/alerts.py", "per_week"),
    "Monitor.retrain.on": ("targets/mlc_targets/github_actions/templates/due.sh", "$retrain.on"),
    "Monitor.retrain.cooldown": ("targets/mlc_targets/github_actions/templates/due.sh", "$retrain.cooldown"),
    "Environment.requires.gates": ("compiler/mlc_compiler/gitops/requirements.py", "gates"),
    "Environment.requires.signed": ("compiler/mlc_compiler/gitops/requirements.py", "signed"),
    "Environment.freezes.from": ("compiler/mlc_compiler/gitops/requirements.py", "since"),
    "Environment.freezes.until": ("compiler/mlc_compiler/gitops/requirements.py", "until"),
    "Environment.freezes.reason": ("compiler/mlc_compiler/gitops/requirements.py", "reason"),
}
TABLES = {"Rollout": ROLLOUT, "Serving": SERVING, "Monitor": MONITOR, "Environment": ENVIRONMENT}
MODELS: Mapping[str, type[BaseModel]] = {
    "Rollout": Rollout,
    "Serving": Serving,
    "Monitor": Monitor,
    "Environment": Environment,
}


@functools.cache
def _documents() -> tuple[str, ...]:
    paths = [FLIGHTS / "mlc.yaml", *sorted((FLIGHTS / "specs").glob("*.yaml"))]
    found = [d.value for path in paths for d in load(path.name, path.read_bytes(), Sink())]
    return tuple(json.dumps(document) for document in found)


def _changed(kind: str, *changes: Values) -> list[Any]:
    """Return the documents with fields of one kind changed; `/rollout` drops a document, `/slo` the monitor's."""
    documents = [json.loads(text) for text in _documents()]
    spec = next(d for d in documents if d["kind"] == ("Model" if kind == "Serving" else kind))["spec"]
    for change in changes:
        for path, value in change.items():
            if path == "/rollout":
                documents = [d for d in documents if d["kind"] != "Rollout"]
                for environment in (d for d in documents if d["kind"] == "Environment"):
                    environment["spec"].pop("overrides", None)
                    environment["spec"].pop("patches", None)
            elif path == "/slo":
                next(d for d in documents if d["kind"] == "Monitor")["spec"].pop("slo")
            else:
                _set(spec, path.split("."), value)
    return documents


def _set(value: Any, path: list[str], new: Any) -> None:
    *way, last = (int(step) if step.isdigit() else step for step in path)
    for step in way:
        value = value.setdefault(step, {}) if isinstance(value, dict) else value[step]
    if new is ...:
        value.pop(last, None)
    else:
        value[last] = copy.deepcopy(new)


@functools.lru_cache(maxsize=64)
def _made(texts: tuple[str, ...]) -> tuple[dict[str, str], frozenset[tuple[str, str]]]:
    """Return the artifacts beside the documentation, which does nothing, and the findings."""
    first, rest = texts[0], "\n---\n".join(texts[1:])
    sink = Sink()
    project = load_project((SpecFile("mlc.yaml", first.encode()), SpecFile("specs/all.yaml", rest.encode())), sink)
    targets = installed().chosen(json.loads(first)["spec"]["targets"])
    inputs = Inputs(_lock(), Pins({}, {}), {}, targets, True)
    compilation = compile_project(project, inputs, sink) if project else None
    made = emit(compilation, targets, sink) if compilation else ()
    artifacts = {a.path: a.text for a in made if not a.path.startswith("docs/")}
    return artifacts, frozenset((f.code, f.message) for f in sink)


@functools.cache
def _lock() -> Any:
    return parse_lock((FLIGHTS / "mlc.lock").read_text("utf-8"), Sink())


def _cases() -> Iterator[Any]:
    for kind, table in TABLES.items():
        for field, entries in table.items():
            for number, (base, values) in enumerate(entries):
                for value in values:
                    shown = "removed" if value is ... else str(value)[:24]
                    yield pytest.param(kind, field, base, value, id=f"{kind}.{field}-{number}-{shown}")


@pytest.mark.parametrize(("kind", "field", "base", "value"), list(_cases()))
def test_a_field_changes_what_is_made_or_is_told(kind: str, field: str, base: Values, value: Any) -> None:
    path = f"serving.{field}" if kind == "Serving" else field
    before = tuple(json.dumps(d) for d in _changed(kind, base))
    after = tuple(json.dumps(d) for d in _changed(kind, base, {path: value}))
    assert before != after, "the case changes nothing"
    assert _made(before) != _made(after)


def test_every_field_has_a_case() -> None:
    named = {f"{kind}.{_plain(field)}" for kind, table in TABLES.items() for field in table} | set(ELSEWHERE)
    missing = [
        path
        for kind, model in MODELS.items()
        for path in _leaves(kind, model)
        if not any(path == name or path.startswith(f"{name}.") for name in named)
    ]
    assert missing == []


def test_every_value_of_an_enumeration_has_a_case() -> None:
    for kind, model in MODELS.items():
        for path, allowed in _enumerations(kind, model):
            used = [
                {str(v) for _, values in entries for v in values}
                for field, entries in TABLES[kind].items()
                if f"{kind}.{_plain(field)}" == path
            ]
            if used:
                assert allowed <= set.union(*used), path


@pytest.mark.parametrize("field", sorted(ELSEWHERE))
def test_what_no_artifact_shows_is_read_by_the_module_that_is_named(field: str) -> None:
    module, word = ELSEWHERE[field]
    assert word in (ROOT / module).read_text("utf-8")


def _plain(field: str) -> str:
    return ".".join(step for step in field.split(".") if not step.isdigit())


def _leaves(path: str, model: type[BaseModel]) -> Iterator[str]:
    for field in fields(model):
        inner = f"{path}.{field.name}"
        if field.model is None:
            yield inner
        else:
            yield from _leaves(inner, field.model)


def _enumerations(path: str, model: type[BaseModel]) -> Iterator[tuple[str, set[str]]]:
    for field in fields(model):
        inner = f"{path}.{field.name}"
        if field.model is not None:
            yield from _enumerations(inner, field.model)
        elif " | " in field.type and " or " not in field.type:
            yield inner, set(field.type.split(" | "))
