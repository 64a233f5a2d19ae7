"""Objects of a model that answers requests: workload, accounts, scaling, disruption."""

from __future__ import annotations

from mlc_compiler import conventions
from mlc_compiler.backend.target import Sourced
from mlc_compiler.backend.workload import Tree, metadata, server_pod, workload_metadata
from mlc_compiler.ir import Model, Origin, Release

REVISIONS = 3  # as many former versions as a rollout keeps by default
PROGRESS_SECONDS = 600
READY_SECONDS = 10  # a pod that dies right after its first answer is not yet a success

_SCALED_BY = {"deployment": ("apps/v1", "Deployment"), "rollout": ("argoproj.io/v1alpha1", "Rollout")}


def deployment(release: Release, model: Model) -> Tree:
    """Return the Deployment; under an autoscaler it states no replicas, so that applying it resets nothing."""
    spec: Tree = {} if scales(model) else {"replicas": _replicas(model, "min")}
    spec |= {
        "minReadySeconds": READY_SECONDS,
        "progressDeadlineSeconds": PROGRESS_SECONDS,
        "revisionHistoryLimit": _revisions(model),
        "selector": {"matchLabels": conventions.selector_labels(release.project.name, model.name)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
        "template": server_pod(release, model),
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": workload_metadata(release, model), "spec": spec}


def service_account(release: Release, model: Model) -> Tree:
    """Return the account that the model's pods run as; it carries no token."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": metadata(release, model),
        "automountServiceAccountToken": False,
    }


def autoscaler(release: Release, model: Model) -> Tree:
    """Return the HorizontalPodAutoscaler of whichever object controls the model's pods."""
    api, kind = _SCALED_BY[model.controller]
    target = Sourced(model.serving.target_cpu, model.serving.origin.at("target_cpu"))
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata(release, model),
        "spec": {
            "scaleTargetRef": {"apiVersion": api, "kind": kind, "name": model.name},
            "minReplicas": _replicas(model, "min"),
            "maxReplicas": _replicas(model, "max"),
            "metrics": [
                {
                    "type": "Resource",
                    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": target}},
                }
            ],
        },
    }


def disruption_budget(release: Release, model: Model) -> Tree:
    """Return the PodDisruptionBudget: nodes are drained one server at a time."""
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": metadata(release, model),
        "spec": {
            "maxUnavailable": 1,
            "selector": {"matchLabels": conventions.selector_labels(release.project.name, model.name)},
        },
    }


def pod_monitor(release: Release, model: Model) -> Tree:
    """Return the PodMonitor that makes the Prometheus operator scrape the servers."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": metadata(release, model),
        "spec": {
            "selector": {"matchLabels": conventions.selector_labels(release.project.name, model.name)},
            "podMetricsEndpoints": [
                {
                    "port": conventions.SERVE_PORT_NAME,
                    "path": conventions.METRICS_PATH,
                    "interval": f"{conventions.SCRAPE_INTERVAL_SECONDS}s",
                }
            ],
        },
    }


def scales(model: Model) -> bool:
    """Tell whether an autoscaler sets the number of replicas."""
    return model.serving.max_replicas > model.serving.min_replicas


def _replicas(model: Model, which: str) -> Sourced:
    count = model.serving.min_replicas if which == "min" else model.serving.max_replicas
    return Sourced(count, model.serving.origin.at(f"replicas.{which}"))


def _revisions(model: Model) -> object:
    rollout = model.rollout
    return Sourced(rollout.keep, _rollout_field(rollout.origin, "rollback.keep")) if rollout else REVISIONS


def _rollout_field(origin: Origin, field: str) -> Origin:
    return Origin(origin.document, f"spec.{field}")
