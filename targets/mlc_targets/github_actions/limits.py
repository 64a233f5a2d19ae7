"""What GitHub's runners and these workflows cannot do, said before anything is emitted."""

from __future__ import annotations

from collections.abc import Iterator

from mlc_compiler.backend.target import Unsupported
from mlc_compiler.ir import Model, Project, Release
from mlc_targets.github_actions.capabilities import ROWS
from mlc_targets.github_actions.options import NAME, RELEASE, RETRAIN, read_options

PARTNER = "docker"
RUNNER = "ci"
# What a standard runner of a public repository has; private ones have half of it.
STANDARD_CORES, STANDARD_MEMORY = 4, 16 * 2**30
LONGEST_JOB = 6 * 3600.0


def check_release(release: Release) -> Iterator[Unsupported]:
    """Yield what the release workflow of this project cannot do."""
    if not {RELEASE, RETRAIN} & set(read_options(release.project).workflows):
        return
    yield from _check_project(release.project)
    yield from _check_branch(release)
    for model in release.models:
        yield from _check_training(release.project, model)


def _check_project(project: Project) -> Iterator[Unsupported]:
    if not project.uses(PARTNER):
        yield Unsupported(
            project.options(NAME).origin,
            f"the release workflow builds the images that the target {PARTNER} describes",
            f"add the target {PARTNER} to mlc.yaml, or write `workflows: [pull-request]`",
        )
    if not project.image_registry:
        yield Unsupported(
            project.options(NAME).origin,
            "the release workflow pushes images, and the project names no registry",
            "set `image_registry`, as in ghcr.io/acme, or write `workflows: [pull-request]`",
        )


def _check_branch(release: Release) -> Iterator[Unsupported]:
    environment, branch = release.environment, release.project.default_branch
    if environment.tracks is not None and environment.tracks != branch:
        yield Unsupported(
            environment.origin.at("tracks"),
            f"releases are made from `{branch}`; no workflow runs for `{environment.tracks}`",
            f"write `tracks: {branch}`, or name the branch as ci.default_branch",
        )


def _check_training(project: Project, model: Model) -> Iterator[Unsupported]:
    train, standard = model.train, any(label.startswith("ubuntu-") for label in project.runs_on)
    if train.runner != RUNNER:
        yield Unsupported(
            train.origin.at("runner"),
            f"the release workflow trains on its own runner; it can't start a {train.runner}",
            ROWS["training-elsewhere"].alternative,
            ROWS["training-elsewhere"].source,
        )
    if standard and (train.resources.cpu > STANDARD_CORES or train.resources.memory > STANDARD_MEMORY):
        yield Unsupported(
            train.origin.at("resources"),
            f"a standard runner has {STANDARD_CORES} cores and {STANDARD_MEMORY >> 30} GiB, the model asks for "
            f"{train.resources.cpu:g} and {train.resources.memory / 2**30:g}",
            ROWS["runner-size"].alternative,
            ROWS["runner-size"].source,
        )
    if standard and train.resources.gpu:
        yield Unsupported(
            train.origin.at("resources.gpu"),
            ROWS["gpu"].detail,
            ROWS["gpu"].alternative,
            ROWS["gpu"].source,
        )
    if standard and train.timeout > LONGEST_JOB:
        yield Unsupported(
            train.origin.at("timeout"),
            ROWS["job-time"].detail,
            ROWS["job-time"].alternative,
            ROWS["job-time"].source,
        )
