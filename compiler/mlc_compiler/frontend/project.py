"""The project: all documents of a repository, bound to the documents that they name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from mlc_compiler.diagnostics import Finding, Place
from mlc_compiler.frontend.document import Document
from mlc_compiler.ir import Origin
from mlc_compiler.records import dataclass
from mlc_compiler.spec.dataset import Dataset
from mlc_compiler.spec.environment import Environment
from mlc_compiler.spec.feature_view import FeatureView
from mlc_compiler.spec.gate import Gate
from mlc_compiler.spec.model import Model
from mlc_compiler.spec.monitor import Monitor
from mlc_compiler.spec.policy import Policy
from mlc_compiler.spec.project import Project as ProjectSpec
from mlc_compiler.spec.rollout import Rollout


@dataclass(frozen=True, slots=True)
class SelectedFeature:
    """A feature that a model takes, and which entry of its `features` brought it."""

    view: str
    name: str
    entry: int


@dataclass(frozen=True, slots=True)
class BoundModel:
    """A model with everything that its names stand for."""

    document: Document[Model]
    spine: Document[Dataset]
    views: tuple[Document[FeatureView], ...]
    features: tuple[SelectedFeature, ...]
    gates: tuple[Document[Gate], ...]
    rollout: Document[Rollout] | None
    monitor: Document[Monitor] | None

    @property
    def name(self) -> str:
        return self.document.name


@dataclass(frozen=True, slots=True)
class Project:
    """All documents, by name; models in order of name, environments in order of promotion."""

    document: Document[ProjectSpec]
    datasets: Mapping[str, Document[Dataset]]
    views: Mapping[str, Document[FeatureView]]
    models: tuple[BoundModel, ...]
    gates: Mapping[str, Document[Gate]]
    rollouts: Mapping[str, Document[Rollout]]
    monitors: Mapping[str, Document[Monitor]]
    environments: tuple[Document[Environment], ...]
    policies: Mapping[str, Document[Policy]]

    @property
    def spec(self) -> ProjectSpec:
        return self.document.spec

    def model(self, name: str) -> BoundModel | None:
        return next((m for m in self.models if m.name == name), None)

    def documents(self) -> Iterator[Document[Any]]:
        """Yield every document, the project's own first."""
        yield self.document
        yield from self.datasets.values()
        yield from self.views.values()
        yield from (m.document for m in self.models)
        for kind in (self.gates, self.rollouts, self.monitors, self.policies):
            yield from kind.values()
        yield from self.environments

    def place(self, origin: Origin) -> Place:
        """Return where an origin stands in the files, or the project's document when it no longer does."""
        document = next((d for d in self.documents() if d.label == origin.document), None)
        if document is None:
            return self.document.place
        return document.place.at(*(int(s) if s.isdigit() else s for s in origin.field.split(".") if s))

    def placed(self, findings: Iterable[Finding]) -> list[Finding]:
        """Return findings of a target, whose places name documents, with the files that these stand in."""
        places = {d.label: d.place for d in self.documents()}
        return [
            replace(f, at=replace(f.at, file=places[f.at.file].file, document=places[f.at.file].document))
            if isinstance(f.at, Place) and f.at.file in places
            else f
            for f in findings
        ]

    def owner(self, document: Document[Any]) -> str:
        """Return who answers for a document: its own owner or the project's."""
        return document.metadata.owner or self.document.metadata.owner or ""
