"""What the target writes: the ApplicationSet of each environment, which finds the models in the repository itself."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from mlc_compiler import conventions
from mlc_compiler.backend.artifacts import yaml_artifact
from mlc_compiler.backend.kustomization import FILE
from mlc_compiler.backend.target import Artifact, Sourced, Target, Unsupported
from mlc_compiler.backend.workload import Tree
from mlc_compiler.ir import Model, Origin, ProjectRelease, Release
from mlc_compiler.records import dataclass
from mlc_targets.argo_cd.options import NAME, Options, check_options, read_options

PARTNER = "kubernetes"
CANARIES = "argo-rollouts"
# What Argo Rollouts writes into a route while a canary runs; Argo CD would put git's weights back.
_WEIGHTS = {
    "group": "gateway.networking.k8s.io",
    "kind": "HTTPRoute",
    "jqPathExpressions": [".spec.rules[].backendRefs[].weight"],
}


@dataclass(frozen=True, slots=True)
class ArgoCdTarget:
    """Applications that point at the rendered manifests; it renders none itself.

    Nothing here depends on which models there are: no two pull requests on models meet in these files.
    """

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
        name = release.environment.name
        path = f"{conventions.DEPLOY_FOLDER}/{NAME}/{name}.yaml"
        origin = Origin(release.environment.origin.document)
        yield yaml_artifact(path, _application_set(release, read_options(release.project)), origin, environment=name)

    def emit_project(self, project: ProjectRelease) -> Iterable[Artifact]:  # noqa: ARG002  clusters are environments'
        return ()


TARGET: Target = ArgoCdTarget()


def _application_set(release: Release, options: Options) -> Tree:
    """Return what makes an Application of each folder with a kustomization, so that it names no model itself."""
    environment = release.environment
    folder = posixpath.join(options.folder, conventions.DEPLOY_FOLDER, environment.name)
    source = {"repoURL": options.repository, "revision": options.revision, "files": [{"path": f"{folder}/*/{FILE}"}]}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "metadata": {
            "name": f"{release.project.name}-{environment.name}",
            "namespace": options.namespace,
            "labels": _labels(release),
        },
        "spec": {
            "goTemplate": True,
            "goTemplateOptions": ["missingkey=error"],
            "generators": [{"git": source}],
            # Who waits for a person to sync waits for one to delete as well.
            **({} if options.automatic else {"syncPolicy": {"applicationsSync": "create-update"}}),
            "template": _application(release, options),
        },
    }


def _application(release: Release, options: Options) -> Tree:
    environment = release.environment
    namespace = Sourced(environment.namespace, environment.origin.at("namespace"))
    return {
        "metadata": {
            "name": f"{release.project.name}-{environment.name}-{{{{ .path.basename }}}}",
            "labels": _labels(release),
            # Relative to the path below: a commit elsewhere in the repository renders nothing again.
            "annotations": {"argocd.argoproj.io/manifest-generate-paths": "."},
        },
        "spec": {
            "project": options.project,
            "source": {
                "repoURL": options.repository,
                "targetRevision": options.revision,
                "path": "{{ .path.path }}",
            },
            "destination": {"server": options.server, "namespace": namespace},
            **({"ignoreDifferences": [_WEIGHTS]} if release.project.uses(CANARIES) else {}),
            "syncPolicy": _sync(options),
        },
    }


def _labels(release: Release) -> Tree:
    return {"app.kubernetes.io/managed-by": "mlc", "app.kubernetes.io/part-of": release.project.name}


def _sync(options: Options) -> Tree:
    policy: Tree = {"syncOptions": ["ApplyOutOfSyncOnly=true", "RespectIgnoreDifferences=true"]}
    if not options.automatic:
        return policy
    retry = {"limit": 5, "backoff": {"duration": "10s", "factor": 2, "maxDuration": "5m"}}
    return {"automated": {"prune": True, "selfHeal": True}, "retry": retry, **policy}
