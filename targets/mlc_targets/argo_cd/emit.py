"""What the target writes: the Application of each environment that has something to run."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass

from mlc_compiler import conventions
from mlc_compiler.backend.artifacts import yaml_artifact
from mlc_compiler.backend.target import Artifact, Sourced, Target, Unsupported
from mlc_compiler.backend.workload import Tree
from mlc_compiler.ir import Model, Origin, ProjectRelease, Release
from mlc_targets.argo_cd.options import NAME, Options, check_options, read_options

PARTNER = "kubernetes"
# What Argo Rollouts writes into a route while a canary runs; Argo CD would put git's weights back.
_WEIGHTS = {
    "group": "gateway.networking.k8s.io",
    "kind": "HTTPRoute",
    "jqPathExpressions": [".spec.rules[].backendRefs[].weight"],
}


@dataclass(frozen=True, slots=True)
class ArgoCdTarget:
    """Applications that point at the rendered manifests; it renders none itself."""

    name: str = NAME
    controllers: frozenset[str] = frozenset()

    def check(self, release: Release) -> Iterable[Unsupported]:
        yield from check_options(release.project)
        if not release.project.uses(PARTNER):
            yield Unsupported(
                release.project.options(NAME).origin,
                f"{NAME} points at the manifests that the target {PARTNER} writes",
                f"add the target {PARTNER} to mlc.yaml",
            )

    def emit_model(self, release: Release, model: Model) -> Iterable[Artifact]:  # noqa: ARG002  one for all models
        return ()

    def emit_environment(self, release: Release) -> Iterable[Artifact]:
        if not release.models:  # an Application of a folder that is not there can't be synced
            return
        name = release.environment.name
        path = f"{conventions.DEPLOY_FOLDER}/{NAME}/{name}.yaml"
        origin = Origin(release.environment.origin.document)
        yield yaml_artifact(path, _application(release, read_options(release.project)), origin, environment=name)

    def emit_project(self, project: ProjectRelease) -> Iterable[Artifact]:  # noqa: ARG002  clusters are environments'
        return ()


TARGET: Target = ArgoCdTarget()


def _application(release: Release, options: Options) -> Tree:
    environment = release.environment
    namespace = Sourced(environment.namespace, environment.origin.at("namespace"))
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {
            "name": f"{release.project.name}-{environment.name}",
            "namespace": options.namespace,
            "labels": {"app.kubernetes.io/managed-by": "mlc", "app.kubernetes.io/part-of": release.project.name},
            # A commit elsewhere in the repository renders nothing again.
            "annotations": {"argocd.argoproj.io/manifest-generate-paths": "."},
        },
        "spec": {
            "project": options.project,
            "source": {
                "repoURL": options.repository,
                "targetRevision": options.revision,
                "path": posixpath.join(options.folder, conventions.DEPLOY_FOLDER, environment.name),
            },
            "destination": {"server": options.server, "namespace": namespace},
            **_differences(release),
            "syncPolicy": _sync(options),
        },
    }


def _differences(release: Release) -> Tree:
    progressive = any(model.controller == "rollout" for model in release.models)
    return {"ignoreDifferences": [_WEIGHTS]} if progressive else {}


def _sync(options: Options) -> Tree:
    policy: Tree = {"syncOptions": ["ApplyOutOfSyncOnly=true", "RespectIgnoreDifferences=true"]}
    if not options.automatic:
        return policy
    retry = {"limit": 5, "backoff": {"duration": "10s", "factor": 2, "maxDuration": "5m"}}
    return {"automated": {"prune": True, "selfHeal": True}, "retry": retry, **policy}
