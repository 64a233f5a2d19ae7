"""What the target writes: one workflow for pull requests, one for the default branch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mlc_compiler.backend.artifacts import yaml_artifact
from mlc_compiler.backend.capability import Capability
from mlc_compiler.backend.target import Artifact, Target, Unsupported
from mlc_compiler.ir import Lock, Model, Origin, ProjectRelease, Release
from mlc_targets.github_actions.actions import ACTIONS, with_versions
from mlc_targets.github_actions.capabilities import CAPABILITIES
from mlc_targets.github_actions.limits import check_release
from mlc_targets.github_actions.options import NAME, PULL_REQUEST, RELEASE, check_options
from mlc_targets.github_actions.pull_request import pull_request
from mlc_targets.github_actions.release import release as release_workflow
from mlc_targets.github_actions.workflow import environment_names, file_name, setting

_WRITERS = {PULL_REQUEST: pull_request, RELEASE: release_workflow}


@dataclass(frozen=True, slots=True)
class GithubActionsTarget:
    """Workflows of a project; without an environment that follows the default branch nothing is released."""

    name: str = NAME
    controllers: frozenset[str] = frozenset()
    impact: str = "docs"

    def check(self, release: Release) -> Iterable[Unsupported]:
        yield from check_options(release.project)
        yield from check_release(release)

    def capabilities(self) -> tuple[Capability, ...]:
        """Return the table that the checks read."""
        return CAPABILITIES

    def emit_model(self, release: Release, model: Model) -> Iterable[Artifact]:  # noqa: ARG002  one workflow for all
        return ()

    def emit_environment(self, release: Release) -> Iterable[Artifact]:  # noqa: ARG002  environments share workflows
        return ()

    def emit_project(self, project: ProjectRelease) -> Iterable[Artifact]:
        given = setting(project)
        origin = Origin(project.project.origin.document)
        for workflow in given.options.workflows:
            if workflow == RELEASE and not environment_names(given):
                continue
            tree = _WRITERS[workflow](given)
            yield with_versions(yaml_artifact(file_name(given, workflow), tree, origin), given.actions)

    def pins(self) -> Lock:
        """Return the actions that this version of mlc was tried with."""
        return Lock(actions=ACTIONS)


TARGET: Target = GithubActionsTarget()
