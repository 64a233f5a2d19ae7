"""What the target writes: a card of each model, as the specs have it now, with the versions that run."""

from __future__ import annotations

from collections.abc import Iterable

from mlc_compiler import conventions
from mlc_compiler.backend.artifacts import text_artifact
from mlc_compiler.backend.target import Artifact, Target, Unsupported
from mlc_compiler.ir import Model, Origin, ProjectRelease, Release
from mlc_compiler.records import dataclass
from mlc_targets.model_card.annex_iv import annex_iv
from mlc_targets.model_card.card import card
from mlc_targets.model_card.markdown import Line

NAME = "model-card"


@dataclass(frozen=True, slots=True)
class ModelCardTarget:
    """Cards of all models, pinned or not; no workload."""

    name: str = NAME
    controllers: frozenset[str] = frozenset()
    impact: str = "docs"

    def check(self, release: Release) -> Iterable[Unsupported]:
        given = release.project.options(NAME)
        for key, _ in given.options:
            yield Unsupported(given.origin.at(key), f"target {NAME} has no option `{key}`", "remove it")

    def emit_model(self, release: Release, model: Model) -> Iterable[Artifact]:  # noqa: ARG002  one card for all
        return ()

    def emit_environment(self, release: Release) -> Iterable[Artifact]:  # noqa: ARG002  one card for all
        return ()

    def emit_project(self, project: ProjectRelease) -> Iterable[Artifact]:
        for model in project.models:
            path, origin = conventions.card_path(model.name), Origin(model.origin.document)
            lines = _lines(project, model)
            yield text_artifact(path, lines, origin, comment="<!--", model=model.name)


TARGET: Target = ModelCardTarget()


def _lines(project: ProjectRelease, model: Model) -> list[Line]:
    """Return the card; a blank line parts it from the comment above, or Markdown would read on in HTML."""
    lines: list[Line] = ["", *card(project, model)]
    if model.card.risk == "high":
        lines += annex_iv(project, model)
    return lines[:-1] if lines[-1] == "" else lines
