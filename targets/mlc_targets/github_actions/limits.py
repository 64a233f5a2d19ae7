"""What GitHub's runners and these workflows cannot do, said before anything is emitted."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mlc_compiler.backend.target import Artifact, Unsupported
from mlc_compiler.conventions import duration_text
from mlc_compiler.ir import Model, Project, Release
from mlc_targets.github_actions.capabilities import ROWS
from mlc_targets.github_actions.options import NAME, RELEASE, RETRAIN, read_options

PARTNER = "docker"
RUNNER = "ci"
# Labels of GitHub's own runners. Those of larger runners are free: an organization may call one ubuntu-latest-16-cores.
STANDARD = re.compile(r"ubuntu-(latest|\d\d\.04)(-arm)?", re.IGNORECASE)
SINGLE_CPU = "ubuntu-slim"
# What a standard runner of a public repository has; private ones have half of it.
STANDARD_CORES, STANDARD_MEMORY = 4, 16 * 2**30
LONGEST_JOB = 6 * 3600.0
# GitHub starts no run of a larger file, and says so nowhere but on the page of a run that an event made.
LARGEST_FILE = 512_000


def check_release(release: Release) -> Iterator[Unsupported]:
    """Yield what the release workflow of this project cannot do."""
    if not {RELEASE, RETRAIN} & set(read_options(release.project).workflows):
        return
    yield from _check_project(release.project)
    yield from _check_runner(release.project)
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


def _check_runner(project: Project) -> Iterator[Unsupported]:
    if SINGLE_CPU in project.runs_on:
        row = ROWS["single-cpu"]
        yield Unsupported(project.origin.at("ci.runs_on"), row.detail, row.alternative, row.source)


def is_standard(runs_on: tuple[str, ...]) -> bool:
    """Tell whether jobs with these labels run on GitHub's standard runners; one's own may have the same label too."""
    return "self-hosted" not in runs_on and any(STANDARD.fullmatch(label) for label in runs_on)


def _check_training(project: Project, model: Model) -> Iterator[Unsupported]:
    train, standard = model.train, is_standard(project.runs_on)
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
            f"{train.resources.cpu:g} cores and {train.resources.memory / 2**30:g} GiB",
            ROWS["runner-size"].alternative,
            ROWS["runner-size"].source,
        )
    if standard and train.resources.gpu:
        yield Unsupported(
            train.origin.at("resources.gpu"),
            f"{ROWS['gpu'].detail}, the model asks for {train.resources.gpu}",
            ROWS["gpu"].alternative,
            ROWS["gpu"].source,
        )
    if standard and train.timeout > LONGEST_JOB:
        yield Unsupported(
            train.origin.at("timeout"),
            f"{ROWS['job-time'].detail}, the training may take {duration_text(train.timeout)}",
            ROWS["job-time"].alternative,
            ROWS["job-time"].source,
        )


# --- size ------------------------------------------------------------------------------------------------------------
def may_be_large(models: Iterable[Model]) -> bool:
    """Tell whether models bring so much to the workflows that these have to be measured; most bring nothing.

    What one brings stands there three times at most, with its name and some words around it.
    """
    return 3 * sum(len(text) + 100 for model in models for text in _brought(model)) > LARGEST_FILE


def _brought(model: Model) -> Iterator[str]:
    yield from model.code
    yield from model.train.requirements
    yield from (dataset.source.secret for dataset in model.datasets if dataset.source.secret)
    if model.retrain and model.retrain.schedule:
        yield model.retrain.schedule


def check_size(project: Project, workflows: Iterable[Artifact]) -> Iterator[Unsupported]:
    """Yield the workflows that GitHub would not start because they are too large."""
    for workflow in workflows:
        size = len(workflow.text.encode())
        if size > LARGEST_FILE:
            row = ROWS["workflow-size"]
            said = f"`{workflow.path}` would have {size:,} bytes, and GitHub starts none of more than {LARGEST_FILE:,}"
            yield Unsupported(project.options(NAME).origin, said, row.alternative, row.source)
