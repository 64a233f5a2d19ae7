"""What each model of a compiled project is made from and becomes: the units that are compiled again one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from mlc_compiler import codec, ir
from mlc_compiler.backend.kustomization import kubernetes_objects
from mlc_compiler.backend.target import Artifact, Target
from mlc_compiler.conventions import pin_path, snapshot_path
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import BoundModel, Project
from mlc_compiler.frontend.resolve import is_pattern, matching
from mlc_compiler.incremental.memory import Summary, Unit
from mlc_compiler.middle.pins import Pins
from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.pipeline import Compilation, Inputs

_FIELDS = frozenset(f.name for f in fields(ir.Model))


def units(
    compilation: Compilation, inputs: Inputs, artifacts: Iterable[Artifact], watched: Iterable[str]
) -> dict[str, Unit]:
    """Return the units of the models. `watched` are the fields whose values go into their facts."""
    written = defaultdict(list)
    for artifact in artifacts:
        if artifact.model:
            written[artifact.model].append(artifact.path)
    facts = _facts(compilation.releases, tuple(watched))
    return {
        bound.name: Unit(
            needs=_needs(bound, compilation.models[bound.name]),
            reads=tuple(_reads(bound.name, inputs)),
            artifacts=tuple(written[bound.name]),
            facts=facts[bound.name],
        )
        for bound in compilation.project.models
    }


def _needs(bound: BoundModel, resolved: ResolvedModel) -> tuple[str, ...]:
    attached = (bound.rollout, bound.monitor, *bound.gates)
    documents = (bound.document, bound.spine, *bound.views, *(d for d in attached if d is not None))
    named = {name for view in bound.views for name in _datasets(view.spec)}
    named |= {d.name for d in resolved.datasets}
    named |= {n for n in (bound.document.spec.label.over, bound.document.spec.serving.input) if n and n != "dataset"}
    return tuple(sorted({*(d.label for d in documents), *(f"Dataset/{name}" for name in named)}))


def _datasets(view: Any) -> Iterator[str]:  # noqa: ANN401  any view's spec
    yield view.from_
    yield from (join.dataset or name for name, join in view.joins.items())
    yield from (feature.over for feature in view.features.values() if feature.over)
    yield from (name for test in view.tests for name in test.given)


def _reads(model: str, inputs: Inputs) -> Iterator[str]:
    """Yield the files that only this model reads: pins, their snapshots, its own code."""
    for (environment, name), pin in inputs.pins.pins.items():
        if name == model:
            yield pin_path(environment, name)
            yield snapshot_path(name, pin.snapshot)
    yield from inputs.code.get(model, ())
