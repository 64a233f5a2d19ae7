"""A checked spec document: typed, but not yet bound to the documents that it names."""

from __future__ import annotations

from dataclasses import field
from typing import Generic, TypeVar

from mlc_compiler.diagnostics import Place
from mlc_compiler.ir import Origin
from mlc_compiler.records import dataclass
from mlc_compiler.spec import Metadata, SpecModel

S_co = TypeVar("S_co", bound=SpecModel, covariant=True)


@dataclass(frozen=True, slots=True)
class Waiver:
    """`x-allow: {CODE: {until, reason}}` of a document."""

    code: str
    until: str
    reason: str


@dataclass(frozen=True, slots=True)
class Document(Generic[S_co]):
    """One document: its kind, metadata and spec, and where it stands."""

    kind: str
    metadata: Metadata
    spec: S_co
    place: Place
    waivers: tuple[Waiver, ...] = ()
    harmless: bool = field(default=False, compare=False)
    """Its file holds nothing that a secret could be made of."""

    @property
    def name(self) -> str:
        return self.metadata.name

    @property
    def label(self) -> str:
        return f"{self.kind}/{self.name}"

    @property
    def origin(self) -> Origin:
        return Origin(self.label)

    def at(self, *path: str | int) -> Place:
        """Return the place of a field of the spec."""
        return self.place.at("spec", *path)

    def from_(self, path: str) -> Origin:
        """Return the origin of a field of the spec, by its dotted path."""
        return Origin(self.label, f"spec.{path}" if path else "spec")
