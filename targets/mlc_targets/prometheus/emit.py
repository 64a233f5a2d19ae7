"""What the target writes: rules and their tests of each model, the Alertmanager of each environment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlc_compiler import conventions
from mlc_compiler.backend.artifacts import yaml_artifact
from mlc_compiler.backend.capability import Capability
from mlc_compiler.backend.objectives import latency_objective
from mlc_compiler.backend.target import Artifact, Target, Unsupported
from mlc_compiler.backend.workload import Tree, metadata
from mlc_compiler.ir import Model, Origin, ProjectRelease, Release
from mlc_compiler.records import dataclass
from mlc_targets.prometheus.alertmanager import alertmanager_tree
from mlc_targets.prometheus.availability import availability_group, check_availability
from mlc_targets.prometheus.batch import batch_group
from mlc_targets.prometheus.capabilities import CAPABILITIES
from mlc_targets.prometheus.latency import check_latency, latency_group
from mlc_targets.prometheus.online import online_group
from mlc_targets.prometheus.options import NAME, Options, check_options, read_options
from mlc_targets.prometheus.predictions import predictions_group
from mlc_targets.prometheus.presence import presence_group
from mlc_targets.prometheus.rule_tests import tests_tree
from mlc_targets.prometheus.rules import Group, Scope, group_tree, scope_of
from mlc_targets.prometheus.signals import signals_group


@dataclass(frozen=True, slots=True)
class PrometheusTarget:
    """Rules, rule tests and alert routes; no workload."""

    name: str = NAME
    controllers: frozenset[str] = frozenset()
    impact: str = "monitor"

    def check(self, release: Release) -> Iterable[Unsupported]:
        yield from check_options(release.project)
        for model in release.models:
            yield from _check_model(model)

    def capabilities(self) -> tuple[Capability, ...]:
        """Return the table that the checks read."""
        return CAPABILITIES

    def emit_model(self, release: Release, model: Model) -> Iterable[Artifact]:
        if model.pin is None:
            return
        scope = scope_of(release, model, read_options(release.project))
        if found := groups(scope):
            yield from _artifacts(scope, found)

    def emit_environment(self, release: Release) -> Iterable[Artifact]:
        # Whether there are models or not: else the first to come and the last to go would meet in it.
        path = f"{conventions.monitoring_folder(release.environment.name)}/alertmanager.yml"
        tree = alertmanager_tree(release, read_options(release.project))
        yield yaml_artifact(path, tree, Origin(release.project.origin.document), release.environment.name)

    def emit_project(self, project: ProjectRelease) -> Iterable[Artifact]:  # noqa: ARG002  rules are environments'
        return ()


TARGET: Target = PrometheusTarget()


def groups(scope: Scope) -> tuple[Group, ...]:
    """Return the groups of rules that the model has."""
    found = [*_server_groups(scope)] if scope.model.serving.mode == "online" else [*_batch_groups(scope.options, scope)]
    if scope.model.monitor:
        found.append(signals_group(scope, scope.model.monitor))
    return tuple(group for group in found if group)


def _server_groups(scope: Scope) -> Iterator[Group | None]:
    yield presence_group(scope)
    if scope.series.named(conventions.METRIC_REQUESTS):
        yield availability_group(scope)
    if scope.series.named(conventions.METRIC_LATENCY):
        yield latency_group(scope)
    if scope.model.serving.runtime is None:
        yield predictions_group(scope)
        yield online_group(scope)


def _batch_groups(options: Options, scope: Scope) -> Iterator[Group | None]:
    if options.kube_state_metrics:
        yield batch_group(scope)


def _artifacts(scope: Scope, found: tuple[Group, ...]) -> Iterator[Artifact]:
    environment, model = scope.release.environment.name, scope.model.name
    folder, origin = conventions.monitoring_folder(environment), Origin(scope.model.origin.document)
    tree: Tree = {"groups": [group_tree(scope, group) for group in found]}
    yield yaml_artifact(f"{folder}/rules/{model}.yaml", tree, origin, environment, model)
    tests = tests_tree(scope, found, f"../rules/{model}.yaml")
    if tests["tests"]:
        yield yaml_artifact(f"{folder}/rule-tests/{model}.yaml", tests, origin, environment, model)
    if scope.options.objects == "prometheus-rule":
        rule: Tree = {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": metadata(scope.release, scope.model),
            "spec": tree,
        }
        path = f"{conventions.model_folder(environment, model)}/prometheus-rule.yaml"
        yield yaml_artifact(path, rule, origin, environment, model)


# --- what it cannot express ------------------------------------------------------------------------------------------
def _check_model(model: Model) -> Iterator[Unsupported]:
    if model.serving.mode == "batch":
        yield from _check_batch(model)
        return
    yield from check_availability(model)
    yield from check_latency(model)
    yield from _check_runtime(model)


def _check_batch(model: Model) -> Iterator[Unsupported]:
    monitor = model.monitor
    given = {"availability": monitor.availability, "latency_p99": monitor.latency_p99} if monitor else {}
    for field, value in given.items():
        if value is not None and monitor:
            yield Unsupported(
                Origin(monitor.origin.document, f"spec.slo.{field}"),
                f"`{model.name}` is a batch: it answers no requests whose {field} could be measured",
                f"leave `{field}` out; the option `kube_state_metrics` adds an alert on batches that fail",
            )


def _check_runtime(model: Model) -> Iterator[Unsupported]:
    """Yield objectives on what the model's own server exports under no name that is known."""
    runtime = model.serving.runtime
    if runtime is None:
        return
    wanted = {
        conventions.METRIC_REQUESTS: model.monitor.availability if model.monitor else None,
        conventions.METRIC_LATENCY: latency_objective(model)[0],
    }
    for metric, objective in wanted.items():
        if objective is not None and metric not in dict(runtime.metrics):
            yield Unsupported(
                model.serving.origin.at("runtime.metrics"),
                f"the objective reads `{metric}`, for which the runtime names no metric",
                f"write `metrics: {{{metric}: <the server's metric>}}`, or leave the objective out",
            )
