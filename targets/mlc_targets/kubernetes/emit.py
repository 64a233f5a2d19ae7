"""What the target writes: the objects of a model, each in a file, and what it can't express."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlc_compiler import conventions
from mlc_compiler.backend.artifacts import yaml_artifact
from mlc_compiler.backend.capability import Capability, too_old
from mlc_compiler.backend.network import http_route, service
from mlc_compiler.backend.target import Artifact, Sourced, Target, Unsupported
from mlc_compiler.backend.workload import Tree
from mlc_compiler.ir import Model, Origin, ProjectRelease, Release
from mlc_compiler.records import dataclass
from mlc_targets.kubernetes import jobs, policies, server
from mlc_targets.kubernetes.capabilities import CAPABILITIES, ROWS
from mlc_targets.kubernetes.options import NAME, Options, check_options, read_options
from mlc_targets.kubernetes.schedule import cron_every

LONGEST_CRON_JOB = 52  # Kubernetes appends 11 characters to name each run


@dataclass(frozen=True, slots=True)
class KubernetesTarget:
    """Rendered manifests, one object a file, of every pinned model."""

    name: str = NAME
    controllers: frozenset[str] = frozenset(("cron_job", "deployment"))

    def check(self, release: Release) -> Iterable[Unsupported]:
        yield from check_options(release.project)
        yield from too_old(release.project, NAME, _used(release))
        for model in release.models:
            yield from _check_model(model)

    def capabilities(self) -> tuple[Capability, ...]:
        """Return the table that the checks read."""
        return CAPABILITIES

    def emit_model(self, release: Release, model: Model) -> Iterable[Artifact]:
        if model.pin is None:
            return
        folder = conventions.model_folder(release.environment.name, model.name)
        origin = Origin(model.origin.document)
        for file, tree in _objects(release, model, read_options(release.project)):
            path = f"{folder}/{file}.yaml"
            yield yaml_artifact(path, tree, origin, environment=release.environment.name, model=model.name)

    def emit_environment(self, release: Release) -> Iterable[Artifact]:  # noqa: ARG002  all objects belong to a model
        return ()

    def emit_project(self, project: ProjectRelease) -> Iterable[Artifact]:  # noqa: ARG002  clusters are environments'
        return ()


TARGET: Target = KubernetesTarget()


def _objects(release: Release, model: Model, options: Options) -> Iterator[tuple[str, Tree]]:
    yield "service-account", server.service_account(release, model)
    if model.controller == "cron_job":
        yield "cron-job", jobs.batch_job(release, model, options)
    else:
        yield from _server_objects(release, model, options)
    if model.features.lookups and model.controller != "cron_job":
        yield "online-claim", jobs.online_claim(release, model, options)
        pod = jobs.online_pod(model, options)
        yield "online-job", jobs.first_online_job(release, model, pod)
        yield "online-cron-job", jobs.online_job(release, model, pod)
    if jobs.computes_signals(model):
        yield "monitor-cron-job", jobs.monitor_job(release, model, options)
    if _has_jobs(model):
        yield "jobs-network-policy", policies.jobs_policy(release, model, options)


def _server_objects(release: Release, model: Model, options: Options) -> Iterator[tuple[str, Tree]]:
    if model.controller == "deployment":
        yield "deployment", server.deployment(release, model)
        yield "service", service(release, model, conventions.stable_service(model.name))
        if gateway := release.environment.gateway:
            origin = Origin(release.environment.origin.document, "spec.ingress.gateway")
            backends = ((conventions.stable_service(model.name), 1),)
            yield "http-route", http_route(release, model, Sourced(gateway, origin), backends)
    if server.scales(model):
        yield "horizontal-pod-autoscaler", server.autoscaler(release, model)
    if model.serving.min_replicas > 1:
        yield "pod-disruption-budget", server.disruption_budget(release, model)
    if options.pod_monitor:
        yield "pod-monitor", server.pod_monitor(release, model)
    yield "network-policy", policies.server_policy(release, model, options)


def _has_jobs(model: Model) -> bool:
    return model.controller == "cron_job" or bool(model.features.lookups) or jobs.computes_signals(model)


# --- what it cannot express ------------------------------------------------------------------------------------------
def _used(release: Release) -> Iterator[Capability]:
    """Yield the rows of what is emitted for a release, for its cluster to be new enough."""
    models = [model for model in release.models if model.controller != "cron_job"]
    if any(_has_jobs(model) for model in release.models):
        yield ROWS["cron-time-zone"]
    if any(server.scales(model) for model in models):
        yield ROWS["autoscaler"]
    if any(model.serving.min_replicas > 1 for model in models):
        yield ROWS["disruption-budget"]
    if read_options(release.project).snapshot_access == "ReadWriteOncePod":
        yield ROWS["read-write-once-pod"]


def _check_model(model: Model) -> Iterator[Unsupported]:
    yield from _check_name(model)
    yield from _check_strategy(model)
    if model.controller != "cron_job":
        yield from _check_server(model)


def _check_name(model: Model) -> Iterator[Unsupported]:
    suffixes = {"-online": bool(model.features.lookups), "-monitor": jobs.computes_signals(model), "": _has_jobs(model)}
    longest = max((len(suffix) for suffix, used in suffixes.items() if used), default=None)
    if longest is not None and len(model.name) + longest > LONGEST_CRON_JOB:
        yield Unsupported(
            Origin(model.origin.document, "metadata.name"),
            f"`{model.name}` has {len(model.name)} characters; with the suffix of its jobs ({longest}) it is "
            f"longer than the {LONGEST_CRON_JOB} that Kubernetes allows a CronJob",
            f"choose a name of at most {LONGEST_CRON_JOB - longest} characters",
            ROWS["cron-job-name"].source,
        )


def _check_strategy(model: Model) -> Iterator[Unsupported]:
    rollout = model.rollout
    if rollout and rollout.strategy != "rolling" and model.controller == "deployment":
        yield Unsupported(
            Origin(rollout.origin.document, "spec.strategy"),
            f"a Deployment replaces its pods without weights or analysis; it can't run a {rollout.strategy} rollout",
            ROWS["progressive"].alternative,
            ROWS["progressive"].source,
        )


def _check_server(model: Model) -> Iterator[Unsupported]:
    if model.serving.min_replicas == 0:
        yield Unsupported(
            model.serving.origin.at("replicas.min"),
            ROWS["scale-to-zero"].detail,
            ROWS["scale-to-zero"].alternative,
            ROWS["scale-to-zero"].source,
        )
    if model.features.lookups and cron_every(model.features.refresh) is None:
        yield Unsupported(
            jobs.refresh_origin(model),
            f"a CronJob starts at most once a minute, and the snapshot is to be rewritten every "
            f"{conventions.duration_text(model.features.refresh)}",
            ROWS["cron-job"].alternative,
            ROWS["cron-job"].source,
        )
