"""Environments: each can be reached, and each of its overrides reaches something."""

from __future__ import annotations

from fnmatch import fnmatchcase

from mlc_compiler.diagnostics import Related, Sink
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import BoundModel, Project
from mlc_compiler.spec.environment import Environment, Override


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
        _check_overrides(project, environment, sink)


def _check_overrides(project: Project, environment: Document[Environment], sink: Sink) -> None:
    """Report overrides that reach nothing in their environment, and fields that a later override sets again."""
    overrides = environment.spec.overrides
    inside = [m for m in project.models if any(fnmatchcase(m.name, p) for p in environment.spec.models)]
    for index, override in enumerate(overrides):
        known = [m for m in project.models if _reaches(override, m)]
        if known and not any(_reaches(override, m) for m in inside):
            sink.warn(
                "MLC971",
                environment.at("overrides", index, "name"),
                f"no model of `{environment.name}` has a {override.kind} `{override.name}`",
                related=[Related("models", ", ".join(environment.spec.models), environment.at("models"))],
                help="remove the override, or let the model run here",
            )
        for path in override.set:
            later = next((i for i in range(index + 1, len(overrides)) if _hides(overrides[i], override, path)), None)
            if later is not None:
                again = environment.at("overrides", later, "set", path)
                sink.warn(
                    "MLC971",
                    environment.at("overrides", index, "set", path).name(),
                    f"a later override sets `{path}` of the same {override.kind} again",
                    related=[Related("later", "this one holds", again)],
                    help="keep one of them",
                )


def _reaches(override: Override, model: BoundModel) -> bool:
    kinds = {"Model": model.document, "Rollout": model.rollout, "Monitor": model.monitor}
    document = kinds[override.kind]
    return document is not None and fnmatchcase(document.name, override.name)


def _hides(later: Override, override: Override, path: str) -> bool:
    """Tell whether a later override sets a field for all that an earlier one sets it for, going by their names."""
    return later.kind == override.kind and later.name in (override.name, "*") and path in later.set
