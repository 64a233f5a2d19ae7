"""What the target writes: a dashboard of each model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from mlc_compiler import conventions
from mlc_compiler.backend.artifacts import json_artifact, yaml_artifact
from mlc_compiler.backend.capability import Capability
from mlc_compiler.backend.emitter import json_text
from mlc_compiler.backend.series import Series
from mlc_compiler.backend.target import Artifact, Target, Unsupported
from mlc_compiler.backend.workload import Tree, metadata
from mlc_compiler.ir import Model, Origin, ProjectRelease, Release
from mlc_compiler.records import dataclass
from mlc_targets.grafana.capabilities import CAPABILITIES
from mlc_targets.grafana.options import NAME, check_options, read_options
from mlc_targets.grafana.panels import DATASOURCE, SCHEMA_VERSION, Row, laid_out
from mlc_targets.grafana.rows import View, rows

SIDECAR_LABEL = "grafana_dashboard"  # what Grafana's chart looks for on ConfigMaps


@dataclass(frozen=True, slots=True)
class GrafanaTarget:
    """Dashboards; no workload."""

    name: str = NAME
    controllers: frozenset[str] = frozenset()
    impact: str = "monitor"

    def check(self, release: Release) -> Iterable[Unsupported]:
        return check_options(release.project)

    def capabilities(self) -> tuple[Capability, ...]:
        """Return the table that the checks read."""
        return CAPABILITIES

    def emit_model(self, release: Release, model: Model) -> Iterable[Artifact]:
        options = read_options(release.project)
        found = rows(View(model, Series(release, model, options.namespace_label, options.pod_label)))
        if model.pin is None or not found:
            return
        environment, origin = release.environment.name, Origin(model.origin.document)
        tree = dashboard(release, model, found)
        path = f"{conventions.monitoring_folder(environment)}/dashboards/{model.name}.json"
        yield json_artifact(path, tree, origin, environment, model.name)
        if options.objects == "config-map":
            path = f"{conventions.model_folder(environment, model.name)}/dashboard.yaml"
            yield yaml_artifact(path, _config_map(release, model, tree), origin, environment, model.name)

    def emit_environment(self, release: Release) -> Iterable[Artifact]:  # noqa: ARG002  dashboards are models'
        return ()

    def emit_project(self, project: ProjectRelease) -> Iterable[Artifact]:  # noqa: ARG002  dashboards are models'
        return ()


TARGET: Target = GrafanaTarget()


def dashboard(release: Release, model: Model, found: tuple[Row, ...]) -> Tree:
    """Return the dashboard of these rows."""
    environment = release.environment.name
    return {
        "uid": dashboard_uid(release.project.name, environment, model.name),
        "title": f"{model.name} in {environment}",
        "description": model.description or f"The model {model.name} of {release.project.name}.",
        "tags": ["mlc", release.project.name, environment],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "",
        "templating": {"list": [_datasource_variable()]},
        "annotations": {"list": []},
        "links": [],
        "panels": laid_out(found),
    }


def dashboard_uid(project: str, environment: str, model: str) -> str:
    """Return the identity of a dashboard: links to it outlive every change but of these three names.

    >>> dashboard_uid("flight-delays", "prod", "late-arrival")
    'mlc-ce6934cca5c6e116'
    """
    # Grafana takes 40 characters at most, so names can't stand in it.
    return f"mlc-{hashlib.sha256(f'{project}/{environment}/{model}'.encode()).hexdigest()[:16]}"


def _datasource_variable() -> Tree:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": DATASOURCE["type"],
        "current": {},
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "options": [],
        "refresh": 1,
        "regex": "",
    }


def _config_map(release: Release, model: Model, tree: Tree) -> Tree:
    own = metadata(release, model, f"{model.name}-dashboard", "dashboard")
    labels = own["labels"]
    if isinstance(labels, dict):
        own["labels"] = {**labels, SIDECAR_LABEL: "1"}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": own,
        "data": {f"{model.name}.json": json_text(tree)[0]},
    }
