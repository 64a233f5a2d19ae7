"""Environments: each can be reached."""

from __future__ import annotations

from mlc_compiler.diagnostics import Sink
from mlc_compiler.frontend.project import Project


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
