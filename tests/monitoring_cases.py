"""Releases that the tests of the monitoring targets share: goldens, and what real consumers are fed."""

from __future__ import annotations

from builders import (
    a_batch_serving,
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
from mlc_compiler import conventions, ir

SIGNALS = (
    a_signal("inputs"),
    a_signal("outputs", type="prediction_drift", method="jensen_shannon", max=0.1),
    a_signal("live-auc", type="performance", method="metric", metric="roc_auc", min=0.68, max=None, severity="page"),
    a_signal("bias", type="performance", method="metric", metric="bias", min=-0.1, max=0.1, window=7 * 86_400.0),
    a_signal("estimated-auc", type="estimated_performance", method="cbpe", metric="roc_auc", min=0.68, max=None),
    a_signal("nulls", type="data_quality", method="missing_rate", features=("carrier",), max=0.02),
)


def full() -> ir.Release:
    """A model with everything that can be watched."""
    drift = an_analysis("prediction_drift", max=0.2, interval=300.0)
    model = a_model(
        features=a_feature_query([a_lookup()]),
        monitor=a_monitor(SIGNALS),
        rollout=a_rollout(analysis=(an_analysis(), an_analysis("latency_p99", max=0.05), drift)),
        serving=a_serving(runtime=None),
    )
    return a_release(model, project=a_project(runbooks="https://runbooks.acme.example/mlc/"))


def plain() -> ir.Release:
    """A model without Monitor and without promises."""
    return a_release(a_model(serving=a_serving(latency_p99=None)), environment=an_environment("staging"))


def tuned() -> ir.Release:
    """Options other than the default ones, an owner with a webhook, a low objective."""
    options: dict[str, ir.Frozen] = {
        "namespace_label": "kubernetes_namespace",
        "pod_label": "kubernetes_pod_name",
        "scrape_interval": "1m",
        "max_lookup_misses": 0.9,
        "objects": "prometheus-rule",
        "owner_webhooks": (("risk {{team}}", (("secret", "alerting/risk"),)),),
    }
    model = a_model(
        owner="risk {{team}}",
        features=a_feature_query([a_lookup()]),
        monitor=a_monitor([], availability=0.9, latency_p99=0.03),
    )
    dashboards: dict[str, ir.Frozen] = {"namespace_label": "kubernetes_namespace"}
    targets = {"kubernetes": {}, "prometheus": options, "grafana": dashboards}
    return a_release(model, project=a_project(targets=targets, alert_webhook=None))


def batch() -> ir.Release:
    targets: dict[str, dict[str, ir.Frozen]] = {"prometheus": {"kube_state_metrics": True}, "grafana": {}}
    monitor = a_monitor(SIGNALS[:2], availability=None, latency_p99=None)
    return a_release(a_model(serving=a_batch_serving(), monitor=monitor), project=a_project(targets=targets))


def runtime() -> ir.Release:
    """Another server, with its own names for what it counts."""
    names = (
        (conventions.METRIC_LATENCY, "vendor_latency_seconds"),
        (conventions.METRIC_REQUESTS, "vendor_requests_total"),
    )
    serving = a_serving(runtime=ir.Runtime("vendor/server:1", 9000, names))
    return a_release(a_model(serving=serving, monitor=a_monitor(SIGNALS[:1]), rollout=a_rollout()))


def regression() -> ir.Release:
    model = a_model(
        "demand",
        task="regression",
        decision=None,
        monitor=a_monitor([a_signal("outputs", type="prediction_drift", method="psi", max=0.15)], availability=None),
    )
    return a_release(model)


ALL = {case.__name__: case for case in (full, plain, tuned, batch, runtime, regression)}
