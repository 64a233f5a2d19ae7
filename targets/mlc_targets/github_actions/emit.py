"""What the target writes: the workflows that this project has a use for, and CODEOWNERS."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from mlc_compiler.backend.artifacts import yaml_artifact
from mlc_compiler.backend.capability import Capability
from mlc_compiler.backend.target import Artifact, Target, Unsupported
from mlc_compiler.ir import Lock, Model, Origin, ProjectRelease, Release
from mlc_compiler.records import dataclass
from mlc_targets.github_actions.actions import ACTIONS, with_versions
from mlc_targets.github_actions.by_hand import promote, promoted_to, rollback
from mlc_targets.github_actions.capabilities import CAPABILITIES
from mlc_targets.github_actions.code_owners import code_owners
from mlc_targets.github_actions.limits import check_release, check_size, may_be_large
from mlc_targets.github_actions.options import (
    NAME,
    PROMOTE,
    PULL_REQUEST,
    RELEASE,
    RETRAIN,
    ROLLBACK,
    check_options,
)
from mlc_targets.github_actions.pull_request import pull_request
from mlc_targets.github_actions.release import release as release_workflow
from mlc_targets.github_actions.retrain import retrain, retrained
from mlc_targets.github_actions.workflow import Setting, Tree, environment_names, file_name, setting

_WRITERS: Mapping[str, Callable[[Setting], Tree]] = {
    PULL_REQUEST: pull_request,
    RELEASE: release_workflow,
    PROMOTE: promote,
    ROLLBACK: rollback,
    RETRAIN: retrain,
}
_WANTED: Mapping[str, Callable[[Setting], object]] = {
    PULL_REQUEST: lambda _: True,
    RELEASE: environment_names,
    PROMOTE: promoted_to,
    ROLLBACK: promoted_to,
    RETRAIN: lambda given: environment_names(given) and retrained(given),
}
"""What a project has where it has a use for the workflow."""


@dataclass(frozen=True, slots=True)
class GithubActionsTarget:
    """Workflows of a project; without an environment that follows the default branch nothing is released there."""

    name: str = NAME
    controllers: frozenset[str] = frozenset()
    impact: str = "docs"

    def check(self, release: Release) -> Iterable[Unsupported]:
        yield from check_options(release.project)
        yield from check_release(release)
        if may_be_large(release.models):
            alone = ProjectRelease(release.project, (release,), release.models)
            yield from check_size(release.project, _workflows(setting(alone)))

    def capabilities(self) -> tuple[Capability, ...]:
        """Return the table that the checks read."""
        return CAPABILITIES

    def emit_model(self, release: Release, model: Model) -> Iterable[Artifact]:  # noqa: ARG002  one workflow for all
        return ()

    def emit_environment(self, release: Release) -> Iterable[Artifact]:  # noqa: ARG002  environments share workflows
        return ()

    def emit_project(self, project: ProjectRelease) -> Iterable[Artifact]:
        given = setting(project)
        yield from _workflows(given)
        if given.options.organization:
            yield code_owners(given)

    def pins(self) -> Lock:
        """Return the actions that this version of mlc was tried with."""
        return Lock(actions=ACTIONS)


def _workflows(given: Setting) -> Iterator[Artifact]:
    origin = Origin(given.project.origin.document)
    for workflow in given.options.workflows:
        if _WANTED[workflow](given):
            tree = _WRITERS[workflow](given)
            yield with_versions(yaml_artifact(file_name(given, workflow), tree, origin), given.actions)


TARGET: Target = GithubActionsTarget()
