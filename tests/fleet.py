"""A project of several models for tests: some share a dataset, some a gate; two environments, one with overrides."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from pathlib import Path

from mlc_compiler import __version__
from mlc_compiler.cli.console import Console
from mlc_compiler.cli.project import Emission, open_project
from mlc_compiler.codec import digest
from mlc_compiler.evidence import gates_digest
from mlc_compiler.frontend.lock import LockFile, lock_text
from mlc_compiler.gitops.release import Released, make_release
from mlc_compiler.middle.lower import lower_model
from mlc_compiler.middle.statistics import statistics_digest

PROJECT = """\
apiVersion: mlc/v1
kind: Project
metadata: {name: fleet, owner: platform}
spec:
  image_registry: registry.example.com/fleet
  targets:
    {kubernetes: {}, argo-rollouts: {traffic: gateway-api}, docker: {}, github-actions: {}, prometheus: {},
     model-card: {}}
"""
ENVIRONMENTS = """\
kind: Environment
metadata: {name: staging}
spec: {tracks: main, namespace: ml-staging, ingress: {gateway: infra/public, host: staging.example.com}}
---
kind: Environment
metadata: {name: prod}
spec:
  promoted_from: staging
  namespace: ml
  ingress: {gateway: infra/public, host: example.com}
  requires: {gates: [everywhere]}
  overrides:
    - {kind: Model, name: "score-[0-2]", set: {serving.replicas.min: 3}}
  patches:
    - {target: {kind: Rollout, name: score-0}, patch: {spec: {revisionHistoryLimit: 4}}}
---
kind: Policy
metadata: {name: house}
spec:
  rules:
    - id: described
      for: Model
      require: has(model.metadata.description)
      enforcement: advisory
      message: say what the model is for
"""
GATE = """\
kind: Gate
metadata: {name: everywhere}
spec: {model: "score-*", checks: [{metric: roc_auc, min: 0.6}]}
"""
DATASET = """\
kind: Dataset
metadata: {{name: {name}}}
spec:
  source: {{format: parquet, path: data/{name}.parquet}}
  primary_key: [event_id]
  event_time: happened_at
  columns:
    event_id: {{type: int64, required: true, unique: true}}
    happened_at: {{type: timestamp, required: true}}
    account: {{type: string, required: true}}
    amount: {{type: float64, minimum: 0}}
    country: {{type: string}}
    settled_at: {{type: timestamp, known_at: settled_at}}
    disputed: {{type: bool, known_at: settled_at}}
  checks:
    - {{row_count: {{min: 1000}}}}
"""
MODEL = """\
kind: FeatureView
metadata: {{name: payments-{i}}}
spec:
  from: {dataset}
  predict_at: happened_at
  request: [account, amount, country, happened_at]
  features:
    amount: {{expr: amount}}
    hour: {{expr: "hour(happened_at)"}}
    large: {{expr: "amount > 100"}}
    spent_1d: {{aggregate: "sum(amount)", by: [account], window: 1d}}
---
kind: Model
metadata: {{name: score-{i}, description: Scores payments.}}
spec:
  task: binary_classification
  features: [payments-{i}.*]
  label: {{expr: disputed, known_at: settled_at}}
  split: {{strategy: time, train: 70%, validation: 15%, test: 15%, gap: 1d}}
  estimator: {{class: sklearn.ensemble.HistGradientBoostingClassifier, params: {{max_iter: 200}}}}
  baseline: {{class: sklearn.linear_model.LogisticRegression}}
  serving: {{mode: online, replicas: {{min: 2, max: 10}}, resources: {{cpu: 500m, memory: 512Mi}}, latency_p99: 50ms}}
---
kind: Gate
metadata: {{name: release-{i}}}
spec:
  model: score-{i}
  checks:
    - {{metric: roc_auc, min: 0.70}}
---
kind: Rollout
metadata: {{name: score-{i}}}
spec:
  model: score-{i}
  strategy: canary
  traffic: {{requests_per_second: 200}}
  steps: [{{weight: 5, hold: 30m}}, {{weight: 25, hold: 1h}}, {{weight: 100}}]
  analysis:
    - {{metric: error_rate, max: 1%, interval: 1m, failure_limit: 3}}
---
kind: Monitor
metadata: {{name: score-{i}}}
spec:
  model: score-{i}
  signals:
    - {{name: inputs, type: feature_drift, method: psi, window: 1d}}
  slo: {{availability: 99.9%, latency_p99: 50ms}}
"""


def a_fleet(root: Path, models: int = 12) -> Path:
    """Write the project; the first half of the models is pinned in staging, the first quarter in prod too."""
    (root / "specs").mkdir(parents=True)
    (root / "mlc.yaml").write_text(PROJECT)
    (root / "specs" / "environments.yaml").write_text(ENVIRONMENTS)
    (root / "specs" / "everywhere.yaml").write_text(GATE)
    (root / "specs" / "shared.yaml").write_text(DATASET.format(name="shared"))
    for i in range(models):
        shares, dataset = i < 3, "shared" if i < 3 else f"events-{i}"
        text = MODEL.format(i=i, dataset=dataset)
        (root / "specs" / f"score-{i}.yaml").write_text(
            text if shares else f"{DATASET.format(name=dataset)}---\n{text}"
        )
    names = ["shared", *(f"events-{i}" for i in range(3, models))]
    entries = {name: {"digest": digest(name), "rows": 100_000, "columns": {}} for name in names}
    lock = LockFile(mlc=__version__, datasets=entries)
    (root / "mlc.lock").write_text(lock_text(lock))
    (root / "mlc.lock").write_text(lock_text(replace(lock, models=statistics(root))))
    for i in range(models // 2):
        release(root, f"score-{i}", "staging")
    for i in range(models // 4):
        release(root, f"score-{i}", "prod")
    return root


def statistics(root: Path) -> dict[str, dict[str, object]]:
    """Return what the lock would hold of the models' rows, had their data been measured."""
    opened = open_project(root, Console("text", False, True, False, False), emission=Emission.NOTHING)
    assert opened is not None
    timezone = opened.project.spec.timezone
    fold = {"rows": 20_000, "days": 60, "positives": 1_200}
    counted = {
        "rows": 100_000, "mature": 98_000, "per_day": 300.0, "label_delay": {"p50": 3600, "p95": 86_400},
        "folds": {"train": {**fold, "rows": 58_000}, "validation": fold, "test": fold}, "groups": {},
    }  # fmt: skip
    return {n: {"of": statistics_digest(m, timezone), **counted} for n, m in opened.compilation.models.items()}


def release(root: Path, model: str, environment: str) -> None:
    """Pin what the specs say of a model, as `mlc release` would after a run that passed."""
    opened = open_project(root, Console("text", False, True, False, False), emission=Emission.NOTHING)
    assert opened is not None
    where = next(r.environment for r in opened.releases.releases if r.environment.name == environment)
    resolved = opened.compilation.models[model]
    evidence = {
        "version": resolved.version,
        "artifact": digest(model),
        "gates_digest": gates_digest(lower_model(resolved, frozenset(), None).gates),
        "passed": True,
        "verdicts": [{"gate": g.name, "status": "passed", "reason": ""} for g in resolved.gates],
    }
    where = dataclasses.replace(where, tracks="main", promoted_from=None)
    made = make_release(opened.releases.project, where, resolved, evidence, None)
    assert isinstance(made, Released), made
    for path, text in made.files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
