"""Environments: each can be reached, and a CI that trains has a store that its jobs share."""

from __future__ import annotations

from mlc_compiler.diagnostics import Sink
from mlc_compiler.frontend.project import Project

CI_TARGETS = ("github-actions",)


def check_environments(project: Project, sink: Sink) -> None:
    """Report environments that no version reaches."""
    for environment in project.environments:
        spec = environment.spec
        if spec.tracks is None and spec.promoted_from is None:
            sink.error(
                "MLC909",
                environment.place.at("spec"),
                f"no version ever reaches `{environment.name}`",
                help="say `tracks: main`, or `promoted_from:` another environment",
            )
        if spec.tracks and spec.promoted_from:
            sink.error(
                "MLC909",
                environment.at("promoted_from"),
                f"`{environment.name}` both tracks {spec.tracks} and is promoted to",
                help="keep one: pins are written by the release workflow or by promotion",
            )


def check_store(project: Project, sink: Sink) -> None:
    """Report a CI target without a store that its jobs share."""
    for name in CI_TARGETS:
        if name in project.spec.targets and not project.spec.store.ci:
            sink.error(
                "MLC912",
                project.document.at("targets", name).name(),
                f"{name} trains in CI, but the project has no store that its jobs share",
                help='add e.g. `store: {ci: "s3://bucket/prefix"}`',
            )
