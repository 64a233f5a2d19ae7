"""What Prometheus and Alertmanager can express of monitors and objectives, with the page that says so."""

from __future__ import annotations

from types import MappingProxyType

from mlc_compiler.backend.capability import Capability

_DOCS = "https://prometheus.io/docs"

CAPABILITIES: tuple[Capability, ...] = (
    Capability(
        "availability", ("Monitor.slo.availability",), "limited",
        "burn rates need an error budget, here of half the requests at most: objectives from 50 % to below 100 %",
        "https://sre.google/workbook/alerting-on-slos/", alternative="use 99.9%",
    ),
    Capability(
        "latency", ("Monitor.slo.latency_p99", "Rollout.analysis.max"), "limited",
        "a quantile of a histogram is never above its last finite bucket",
        f"{_DOCS}/prometheus/latest/querying/functions/#histogram_quantile",
        alternative="use a bound within the buckets",
    ),
    Capability(
        "rule-objects", ("objects",), "yes", "rules as PrometheusRule objects need the Prometheus Operator",
        "https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.PrometheusRule",
        mode="objects: prometheus-rule",
    ),
    Capability(
        "signals", ("Monitor.signals",), "yes",
        "a monitor job pushes its values to a Pushgateway, and alerts compare them with their bounds",
        f"{_DOCS}/practices/pushing/",
    ),
)  # fmt: skip

ROWS = MappingProxyType({row.name: row for row in CAPABILITIES})
