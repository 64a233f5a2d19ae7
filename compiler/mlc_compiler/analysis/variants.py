"""What the environments make of a model's rollout and monitor: one variant for each difference that overrides bring."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field, replace
from fnmatch import fnmatchcase

from mlc_compiler.diagnostics import Place, Related, Sink
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import Project
from mlc_compiler.middle.overrides import apply_overrides
from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.records import dataclass
from mlc_compiler.spec.environment import Environment


@dataclass(frozen=True, slots=True)
class Variant:
    """A model as its specs say, or as it is in one environment, whose `overrides` differ from what the specs say."""

    model: ResolvedModel
    environment: str = ""
    overrides: tuple[Place, ...] = field(default=())

    @property
    def where(self) -> str:
        """Return where it is so, to begin a message with."""
        return f"in {self.environment}, " if self.environment else ""

    @property
    def related(self) -> tuple[Related, ...]:
        """Return the places that make it differ."""
        return tuple(Related(f"in {self.environment}", "overridden", place) for place in self.overrides)


def variants(project: Project, model: ResolvedModel) -> Iterator[Variant]:
    """Yield the model as the specs say, then as each environment has it that overrides its rollout or monitor."""
    yield Variant(model)
    for environment in project.environments:
        places = tuple(_overrides(environment, model))
        if not places:
            continue
        other = apply_overrides(model, environment, Sink())  # what is wrong with them, lowering reports
        if other.rollout != model.rollout or other.monitor != model.monitor:
            yield Variant(replace(other, spec=model.spec), environment.name, places)


def report(found: Sequence[tuple[Variant, Sink]], sink: Sink) -> None:
    """Add the findings of a model's variants, those of an environment where they differ from what the specs bring."""
    known = set()
    for variant, findings in found:
        for finding in findings:
            said = (finding.code, finding.at, finding.message.removeprefix(variant.where))
            if not variant.environment:
                known.add(said)
            if not variant.environment or said not in known:
                sink.add(finding)


def _overrides(environment: Document[Environment], model: ResolvedModel) -> Iterator[Place]:
    named = {"Rollout": model.rollout, "Monitor": model.monitor}
    for index, override in enumerate(environment.spec.overrides):
        attached = named.get(override.kind)
        if attached is not None and fnmatchcase(attached.name, override.name):
            yield environment.at("overrides", index, "set")
