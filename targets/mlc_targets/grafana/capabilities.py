"""What Grafana shows of a model, with the page that says so."""

from __future__ import annotations

from mlc_compiler.backend.capability import Capability

CAPABILITIES: tuple[Capability, ...] = (
    Capability(
        "config-map", ("objects",), "yes", "dashboards as ConfigMaps need the sidecar of Grafana's chart",
        "https://github.com/grafana-community/helm-charts/tree/main/charts/grafana#sidecar-for-dashboards",
        mode="objects: config-map",
    ),
    Capability(
        "dashboards", ("Monitor", "Rollout"), "yes", "a dashboard in JSON for each model, to be provisioned from files",
        "https://grafana.com/docs/grafana/latest/administration/provisioning/#dashboards",
    ),
)  # fmt: skip
