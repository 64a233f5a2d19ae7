"""What each model of a compiled project is made from and becomes: the units that are compiled again one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from fnmatch import fnmatchcase
from typing import Any, Protocol

from mlc_compiler import codec, ir
from mlc_compiler.backend.kustomization import kubernetes_objects
from mlc_compiler.backend.target import Artifact
from mlc_compiler.conventions import snapshot_path
from mlc_compiler.diagnostics import Finding
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import BoundModel, Project
from mlc_compiler.frontend.resolve import is_pattern
from mlc_compiler.incremental.memory import Memory, Summary, Unit
from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.pipeline import Compilation, Inputs
from mlc_compiler.records import dataclass
from mlc_compiler.spec.feature_view import FeatureView

COMMON_KINDS = ("Project", "Environment", "Policy")
ATTACHED_KINDS = ("Gate", "Rollout", "Monitor")


class Made(Protocol):
    """What compiling a project gives."""

    @property
    def inputs(self) -> Inputs: ...

    @property
    def compilation(self) -> Compilation: ...

    @property
    def artifacts(self) -> tuple[Artifact, ...]: ...


@dataclass(frozen=True, slots=True)
class Run:
    """A run over a whole project: which code it was, the day if that mattered, its spec files, its inputs' stamps."""

    made_by: str
    date: str
    files: tuple[str, ...]
    inputs: Mapping[str, str]


def memory_of(made: Made, findings: tuple[Finding, ...], run: Run) -> Memory:
    """Return what to remember of a whole project that has no errors."""
    project, artifacts = made.compilation.project, made.artifacts
    common = tuple(sorted({d.place.file for d in project.documents() if is_common(d)}))
    watched = watched_fields(made)
    return Memory(
        made_by=run.made_by,
        date=run.date,
        inputs=run.inputs,
        specs=tuple(project.spec.specs),
        files=run.files,
        labels=_labels(project),
        common=common,
        anchors=anchors(project, artifacts, common),
        watched=watched,
        units=units(made, watched),
        shared=tuple(a.path for a in artifacts if not a.model),
        findings=findings,
        summary=summary(made.compilation, artifacts),
    )


def _labels(project: Project) -> dict[str, tuple[str, ...]]:
    """Return the documents of each file, in its order."""
    found: dict[str, list[str]] = defaultdict(list)
    for document in sorted(project.documents(), key=lambda d: d.place.document):
        found[document.place.file].append(document.label)
    return {file: tuple(labels) for file, labels in found.items()}


def is_common(document: Document[Any]) -> bool:
    """Tell whether a document concerns more models than the names in it say."""
    if document.kind in COMMON_KINDS:
        return True
    return document.kind in ATTACHED_KINDS and is_pattern(getattr(document.spec, "model", ""))


def units(made: Made, watched: Sequence[str]) -> dict[str, Unit]:
    """Return the units of the models; `watched` are the fields that go into their facts."""
    compilation = made.compilation
    written = defaultdict(list)
    for artifact in made.artifacts:
        if artifact.model:
            written[artifact.model].append(artifact.path)
    reads = _reads(made.inputs)
    facts = _facts(compilation.releases, watched)
    ahead = {model for _, model in compilation.promoted}
    return {
        bound.name: Unit(
            _needs(bound, compilation.models[bound.name]),
            tuple(reads[bound.name]),
            tuple(sorted(written[bound.name])),
            facts[bound.name],
            bound.name in ahead,
        )
        for bound in compilation.project.models
    }


def _needs(bound: BoundModel, resolved: ResolvedModel) -> tuple[str, ...]:
    spec, attached = bound.document.spec, (bound.rollout, bound.monitor, *bound.gates)
    documents = (bound.document, bound.spine, *bound.views, *(d for d in attached if d is not None))
    named = {d.name for d in resolved.datasets} | {n for view in bound.views for n in _datasets(view.spec)}
    named |= {n for n in (spec.label.over, spec.serving.input) if n and n != "dataset"}
    return tuple(sorted({*(d.label for d in documents), *(f"Dataset/{name}" for name in named)}))


def _datasets(view: FeatureView) -> Iterator[str]:
    yield view.from_
    yield from (join.dataset or name for name, join in view.joins.items())
    yield from (feature.over for feature in view.features.values() if feature.over)
    yield from (name for test in view.tests for name in test.given)


def _reads(inputs: Inputs) -> dict[str, list[str]]:
    """Return the files that only one model reads: pins, their snapshots, its own code."""
    reads: dict[str, list[str]] = defaultdict(list)
    for (_, model), pin in inputs.pins.pins.items():
        reads[model] += [pin.path, snapshot_path(model, pin.snapshot)]
    for model, files in inputs.code.items():
        reads[model] += files
    return reads


def _facts(releases: ir.ProjectRelease, watched: Sequence[str]) -> dict[str, str]:
    """Return the digest of each model's watched fields, in every environment and as the specs have it now."""
    found = defaultdict(list)
    for name, models in (*((r.environment.name, r.models) for r in releases.releases), ("", releases.models)):
        for model in models:
            found[model.name].append((name, [codec.to_json(getattr(model, field)) for field in watched]))
    return {name: codec.digest(values) for name, values in found.items()}


def watched_fields(made: Made) -> tuple[str, ...]:
    """Return the fields of models that were looked at for artifacts that concern several models.

    The targets that write such artifacts write them once more, from models that tell what is read of them.
    """
    reads: set[str] = set()
    shared = {a.target for a in made.artifacts if a.model is None}
    project = made.compilation.releases
    pinned = [r.with_models(tuple(m for m in r.models if m.pin)) for r in project.releases]
    releases = tuple(r.with_models(_watched(r.models, reads)) for r in project.releases)
    watching = ir.ProjectRelease(project.project, releases, _watched(project.models, reads))
    for target in (t for t in made.inputs.targets if t.name in shared):
        list(target.emit_project(watching))
        for release in pinned:
            list(target.emit_environment(release.with_models(_watched(release.models, reads))))
    return tuple(sorted(reads))


def _watched(models: Iterable[ir.Model], reads: set[str]) -> tuple[ir.Model, ...]:
    names = frozenset(f.name for f in fields(ir.Model))

    class Watched(ir.Model):
        __slots__ = ()

        def __getattribute__(self, name: str) -> object:
            if name in names:
                reads.add(name)
            return object.__getattribute__(self, name)

    return tuple(Watched(**{name: getattr(model, name) for name in names}) for model in models)


def anchors(project: Project, artifacts: Sequence[Artifact], common: Iterable[str]) -> tuple[str, ...]:
    """Return models that together hold something for each name and pattern of the common documents."""
    files = frozenset(common)
    beside = {d.label for d in project.documents() if d.place.file in files and not is_common(d)}
    found = [m.name for m in project.models if any(d.label in beside for d in _documents(m))]
    documents = [d for d in project.documents() if is_common(d)]
    attached = [d.spec.model for d in documents if d.kind in ATTACHED_KINDS]
    for kind, pattern in [("Model", p) for p in attached] + [n for e in project.environments for n in _named(e)]:
        found += _first(m.name for m in project.models if _has(m, kind, pattern))
    found += [name for e in project.environments for name in _reached(project, e)]
    for environment in project.environments:
        objects = kubernetes_objects(environment.name, artifacts) if environment.spec.patches else {}
        wanted = {(p.target.kind, p.target.name) for p in environment.spec.patches}
        found += [m.name for m in project.models if any(name.startswith(m.name) for _, name in wanted)]
        found += [a.model for a in artifacts if a.model and objects.get(a.path) in wanted]
    return tuple(sorted(set(found)))


def _named(environment: Document[Any]) -> Iterator[tuple[str, str]]:
    spec = environment.spec
    yield from (("Gate", name) for name in spec.requires.gates)
    yield from ((override.kind, override.name) for override in spec.overrides)
    yield from (("Model", pattern) for pattern in spec.models)


def _reached(project: Project, environment: Document[Any]) -> Iterator[str]:
    """Yield a model of the environment for each override that reaches one."""
    spec = environment.spec
    inside = [m for m in project.models if any(fnmatchcase(m.name, p) for p in spec.models)]
    for override in spec.overrides:
        yield from _first(m.name for m in inside if _has(m, override.kind, override.name))


def _has(model: BoundModel, kind: str, pattern: str) -> bool:
    return any(d.kind == kind and fnmatchcase(d.name, pattern) for d in _documents(model))


def _documents(model: BoundModel) -> Iterator[Document[Any]]:
    yield from (model.document, model.spine, *model.views, *model.gates)
    yield from (d for d in (model.rollout, model.monitor) if d is not None)


def _first(names: Iterator[str]) -> list[str]:
    return [name for name in (next(names, None),) if name is not None]


def summary(compilation: Compilation, artifacts: Sequence[Artifact]) -> Summary:
    """Return what the commands say about the project."""
    project = compilation.project
    counts = (
        (len(project.datasets), "dataset"),
        (len(project.models), "model"),
        (len(project.gates), "gate"),
        (len(project.rollouts), "rollout"),
        (len(project.monitors), "monitor"),
        (len(project.environments), "environment"),
    )
    unpinned = tuple(
        (r.environment.name, r.environment.promoted_from, tuple(m.name for m in r.models if m.pin is None))
        for r in compilation.releases.releases
    )
    return Summary(project.document.name, counts, len(artifacts), unpinned)
