"""What a step gets to see: the release values, the store, and where the steps before it left their outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import Any

from mlc_compiler.diagnostics import Finding, Severity
from mlc_compiler.ir import Dataset, Model, Project
from mlc_compiler.records import dataclass
from mlc_targets.local.store import Store

CHAMPION_SUFFIX = " of champion"
"""Marks a dataset that the champion reads with other columns or from another source than the model."""


@dataclass(frozen=True, slots=True)
class Champion:
    """The version pinned where this one would be promoted to, with the datasets that its own features read."""

    version: str
    artifact: str
    folder: Path
    datasets: tuple[Dataset, ...]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one model. `keys` maps each task's name to the key of its outputs; `inputs` datasets to digests."""

    project: Project
    model: Model
    root: Path
    store: Store
    champion: Champion | None
    threads: int
    libraries: tuple[tuple[str, str], ...]
    inputs: tuple[tuple[str, str], ...] = ()
    keys: Mapping[str, str] = field(default_factory=dict)

    def dataset(self, subject: str) -> Dataset:
        """Return the dataset that an ingest task is about."""
        if subject.endswith(CHAMPION_SUFFIX) and self.champion is not None:
            name = subject.removesuffix(CHAMPION_SUFFIX)
            return next(d for d in self.champion.datasets if d.name == name)
        return self.model.dataset(subject)

    def ingested(self, name: str, champion: bool = False) -> Path:
        """Return the folder of a dataset's ingested rows, as the model or as its champion reads them."""
        own = f"ingest {name}{CHAMPION_SUFFIX}"
        return self.folder(own if champion and own in self.keys else f"ingest {name}")

    def folder(self, task: str) -> Path:
        """Return the folder of a task's outputs."""
        return self.store.step(self.keys[task])

    def outputs(self, task: str) -> Mapping[str, Any]:
        """Return the small outputs that a finished task recorded."""
        record = self.store.record(self.keys[task])
        if record is None:
            raise FileNotFoundError(f"{task} left no outputs in {self.folder(task)}")
        outputs: Mapping[str, Any] = record["outputs"]
        return outputs


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step came to: small values for its record, and findings; an error among them means it failed."""

    outputs: Mapping[str, object] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    detail: str = ""

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Return the findings that make the step fail."""
        return tuple(f for f in self.findings if f.severity is Severity.ERROR)
