"""What the target writes: Rollout, AnalysisTemplate, Services and route of a model that a Rollout controls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mlc_compiler import conventions
from mlc_compiler.backend.artifacts import yaml_artifact
from mlc_compiler.backend.capability import Capability, too_old
from mlc_compiler.backend.network import http_route, service
from mlc_compiler.backend.target import Artifact, Target, Unsupported
from mlc_compiler.backend.workload import Tree
from mlc_compiler.ir import Model, Origin, ProjectRelease, Release, Rollout
from mlc_compiler.records import dataclass
from mlc_targets.argo_rollouts.analysis import analysis_template
from mlc_targets.argo_rollouts.capabilities import CAPABILITIES, ROWS
from mlc_targets.argo_rollouts.limits import check_model
from mlc_targets.argo_rollouts.options import NAME, Options, check_options, gateway, read_options
from mlc_targets.argo_rollouts.rollout import rollout_object

PARTNER = "kubernetes"

Objects = Iterator[tuple[str, Tree, Origin]]


@dataclass(frozen=True, slots=True)
class ArgoRolloutsTarget:
    """Rollouts of models whose controller is one; everything else of the model is the target kubernetes'."""

    name: str = NAME
    controllers: frozenset[str] = frozenset(("rollout",))

    def check(self, release: Release) -> Iterable[Unsupported]:
        yield from check_options(release.project)
        options = read_options(release.project)
        if not release.project.uses(PARTNER):
            yield Unsupported(
                release.project.options(NAME).origin,
                f"{NAME} writes rollouts and services; accounts, autoscaling and network policies are {PARTNER}'s",
                f"add the target {PARTNER} to mlc.yaml",
            )
        used = (ROWS["rollback-window"], *((ROWS["gateway-api"],) if options.routes else ()))
        yield from too_old(release.project, NAME, used)
        for model in release.models:
            if model.controller == "rollout":
                yield from check_model(release, model, options)

    def capabilities(self) -> tuple[Capability, ...]:
        """Return the table that the checks read."""
        return CAPABILITIES

    def emit_model(self, release: Release, model: Model) -> Iterable[Artifact]:
        if model.pin is None or model.controller != "rollout" or model.rollout is None:
            return
        folder = conventions.model_folder(release.environment.name, model.name)
        for file, tree, origin in _objects(release, model, model.rollout, read_options(release.project)):
            path = f"{folder}/{file}.yaml"
            yield yaml_artifact(path, tree, origin, environment=release.environment.name, model=model.name)

    def emit_environment(self, release: Release) -> Iterable[Artifact]:  # noqa: ARG002  all objects belong to a model
        return ()

    def emit_project(self, project: ProjectRelease) -> Iterable[Artifact]:  # noqa: ARG002  clusters are environments'
        return ()


TARGET: Target = ArgoRolloutsTarget()


def _objects(release: Release, model: Model, rollout: Rollout, options: Options) -> Objects:
    """Yield file names, objects and the documents they come from."""
    specified, judged = Origin(model.origin.document), Origin(rollout.origin.document)
    stable, canary = conventions.stable_service(model.name), conventions.canary_service(model.name)
    yield "rollout", rollout_object(release, model, rollout, options), judged
    if rollout.analysis:
        yield "analysis-template", analysis_template(release, model, rollout, options), judged
    yield "service", service(release, model, stable), specified
    if options.routes or rollout.strategy == "blue_green":
        yield "service-canary", service(release, model, canary), judged
    entrance = gateway(release, options)
    if entrance is not None:
        splits = options.routes and rollout.strategy == "canary"
        backends = ((stable, 100), (canary, 0)) if splits else ((stable, 100),)
        yield "http-route", http_route(release, model, entrance, backends), specified
