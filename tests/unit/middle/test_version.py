"""A version is the digest of what a model is trained from: it moves with that, and with nothing else."""

from __future__ import annotations

import pytest

from specs_on_disk import DIGEST, a_lock, a_model_of, changed

LOGISTIC = "class: sklearn.linear_model.LogisticRegression"
BASE = a_model_of()


def added(line: str) -> dict[str, str]:
    """Return the base model's file with a line added to its spec."""
    return changed("specs/model.yaml", LOGISTIC + "}\n", LOGISTIC + f"}}\n  {line}\n")


@pytest.mark.parametrize(
    "files",
    [
        changed("specs/model.yaml", LOGISTIC, LOGISTIC + ", params: {C: 2}"),
        changed("specs/model.yaml", "sklearn.linear_model.LogisticRegression", "sklearn.tree.DecisionTreeClassifier"),
        changed("specs/model.yaml", "delay > 15", "delay > 30"),
        changed("specs/model.yaml", "[departures.*]", "[departures.carrier, departures.distance]"),
        added("seed: 8"),
        added("split: {train: 60%, validation: 20%, test: 20%}"),
        added("split: {gap: 1d}"),
        added("preprocessing: {numeric: {impute: mean}}"),
        added("search: {space: {C: {uniform: [1, 2]}}}"),
        added("decision: {threshold: 0.4}"),
        added("package: {format: skops}"),
        added("train: {requirements: [numpy==2.0]}"),
        added("train: {refit: all}"),
        added('where: "distance > 100"'),
        changed("specs/features.yaml", "window: 24h", "window: 48h"),
        changed("specs/features.yaml", "{expr: distance}", '{expr: "distance / 2"}'),
        changed("specs/features.yaml", "  features:", "  online: {refresh: 30m}\n  features:"),
        changed("specs/data.yaml", "event_time: departure", "event_time: departure\n  delay: 1h"),
        changed("specs/data.yaml", "delay: {type: float64, known_at: arrival}", "delay: {type: float64}"),
    ],
)
def test_what_is_trained_on_moves_the_version(files: dict[str, str]) -> None:
    assert a_model_of(files).version != BASE.version


@pytest.mark.parametrize(
    "files",
    [
        added("serving: {replicas: {min: 2, max: 5}, latency_p99: 50ms}"),
        added("card: {intended_use: tests, risk: high}"),
        added("train: {timeout: 3h, resources: {cpu: 4}}"),
        added("baseline: {class: sklearn.linear_model.LogisticRegression}"),
        changed("specs/model.yaml", "{name: late}", "{name: late, owner: others, description: d, labels: {a: b}}"),
        changed("specs/model.yaml", "[departures.*]", "[departures.carrier, departures.distance, departures.*]"),
        changed("specs/features.yaml", '"avg(delay)"', '"AVG( delay )"'),
        changed("specs/features.yaml", "{expr: carrier}", "{expr: carrier, description: two letters}"),
        changed("specs/gate.yaml", "min: 0.7", "min: 0.8"),
        changed("specs/rollout.yaml", "strategy: rolling", "strategy: rolling\n  traffic: {requests_per_second: 10}"),
        changed("specs/monitor.yaml", "feature_drift", "prediction_drift"),
        changed("specs/environments.yaml", "ml-prod", "ml-production"),
        changed("specs/data.yaml", "event_time: departure", "event_time: departure\n  license: CC0-1.0"),
        changed("mlc.yaml", "owner: ops", "owner: others"),
    ],
)  # fmt: skip
def test_nothing_else_moves_it(files: dict[str, str]) -> None:
    assert a_model_of(files).version == BASE.version


def test_new_data_moves_it_and_data_that_is_not_read_does_not() -> None:
    entry = dict(a_lock().datasets["flights"])
    other = {**entry, "digest": DIGEST.replace("d", "e")}
    for name, moves in (("flights", True), ("planes", True), ("extra", False)):
        lock = a_lock(datasets={**a_lock().datasets, name: other})
        assert (a_model_of(lock=lock).version != BASE.version) is moves, name
