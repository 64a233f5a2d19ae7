"""Signing: an environment that requires signatures needs keys to check them with."""

from __future__ import annotations

from mlc_compiler.diagnostics import Related, Sink
from mlc_compiler.frontend.project import Project


def check_signing(project: Project, sink: Sink) -> None:
    """Report environments whose signatures nothing could check."""
    if project.spec.signing.keys:
        return
    for environment in project.environments:
        if environment.spec.requires.signed:
            sink.error(
                "MLC949",
                environment.at("requires", "signed"),
                f"{environment.name} requires signatures, and the project names no key to check them with",
                related=[Related("keys", "`signing: {keys: [...]}` belongs here", project.document.place.at("spec"))],
                help="commit a public key and name its file under `signing.keys` in mlc.yaml",
            )
