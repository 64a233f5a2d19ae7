"""Releases that the tests of the Kubernetes targets share: goldens, and what real consumers are fed."""

from __future__ import annotations

from builders import (
    a_batch_serving,
    a_dataset,
    a_feature_query,
    a_lookup,
    a_model,
    a_monitor,
    a_project,
    a_release,
    a_rollout,
    a_serving,
    a_signal,
    an_analysis,
    an_environment,
)
from mlc_compiler import ir
from mlc_compiler.backend.kustomization import kustomizations
from mlc_compiler.backend.target import Artifact, Target

ROUTED = {"kubernetes": {}, "argo-rollouts": {"traffic": "gateway-api"}}
GATEWAY = an_environment(gateway="gateways/public", host="models.acme.example")


def a_routed_release(*models: ir.Model, environment: ir.Environment = GATEWAY) -> ir.Release:
    return a_release(*models, project=a_project(targets=ROUTED), environment=environment)


def deployment() -> ir.Release:
    model = a_model(rollout=a_rollout("rolling", analysis=()), monitor=a_monitor(), labels=(("team", "ops"),))
    return a_release(model, environment=an_environment("staging", gateway="gateways/public"))


def single() -> ir.Release:
    project = a_project(targets={"kubernetes": {"client_namespaces": ("shop",), "pod_monitor": True}})
    return a_release(a_model(serving=a_serving(min_replicas=1, max_replicas=1)), project=project)


def batch() -> ir.Release:
    warehouse = ir.Source("sql", url="postgresql://warehouse.acme.example/flights", secret="warehouse/password")
    datasets = (a_dataset(source=warehouse), a_dataset("planes"))
    features = a_feature_query(datasets=("flights", "planes"))
    return a_release(a_model(serving=a_batch_serving(), features=features, datasets=datasets))


def runtime() -> ir.Release:
    serving = a_serving(
        runtime=ir.Runtime("nvcr.io/nvidia/tritonserver:25.05-py3", 8000, ()),
        resources=ir.Resources(4.0, 8 * 2**30, 1),
    )
    return a_release(a_model(serving=serving))


def lookups() -> ir.Release:
    options = {"storage_class": "efs", "snapshot_size": "5Gi"}
    project = a_project(targets={"kubernetes": options, "argo-rollouts": {"traffic": "gateway-api"}})
    model = a_model(
        features=a_feature_query([a_lookup()]),
        rollout=a_rollout(),
        monitor=a_monitor([a_signal(window=7200.0)]),
        serving=a_serving(log_requests=0.01),
    )
    return a_release(model, project=project, environment=GATEWAY)


def canary() -> ir.Release:
    analysis = (
        an_analysis(),
        an_analysis("latency_p99", max=0.05, interval=120.0),
        an_analysis("prediction_drift", max=0.2, interval=300.0, failure_limit=0),
        an_analysis("prediction_mean", min=0.1, max=0.4),
    )
    steps = ((5, 1810.0), (25, 3600.0, "approval"), (100, None))
    return a_routed_release(a_model(rollout=a_rollout(steps=steps, analysis=analysis, min_requests=100)))


def replicas() -> ir.Release:
    project = a_project(
        targets={"kubernetes": {}, "argo-rollouts": {"prometheus": "https://metrics.acme.example", "select": "version"}}
    )
    rollout = a_rollout(steps=((20, 1800.0), (50, 86_400.0), (100, None)), no_data="fail")
    serving = a_serving(min_replicas=10, max_replicas=10)
    return a_release(a_model(rollout=rollout, serving=serving), project=project)


def blue_green() -> ir.Release:
    rollout = a_rollout("blue_green", steps=((100, None, "approval"),), preview=900.0)
    return a_routed_release(a_model(rollout=rollout), environment=an_environment(gateway="public"))


KUBERNETES = {f.__name__.replace("_", "-"): f for f in (deployment, single, batch, runtime, lookups)}
ARGO_ROLLOUTS = {f.__name__.replace("_", "-"): f for f in (canary, replicas, blue_green)}
ALL = {**KUBERNETES, **ARGO_ROLLOUTS}


def emitted(release: ir.Release, *targets: Target) -> tuple[Artifact, ...]:
    """Return what the targets write of the release, with the kustomizations that the core adds."""
    found = [a for target in targets for model in release.models for a in target.emit_model(release, model)]
    return (*found, *kustomizations(release.environment, found))
