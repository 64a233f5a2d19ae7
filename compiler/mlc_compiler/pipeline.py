"""The compiler on one screen: files to specs, specs to a project, a project to releases, releases to artifacts.

Each phase reports all of its findings; a phase with errors ends the run. Everything from outside (files, pins, lock,
code, targets) enters as a value.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from types import MappingProxyType
from typing import Any

from mlc_compiler import ir
from mlc_compiler.analysis import analyse, prove
from mlc_compiler.analysis.capability import check_capability
from mlc_compiler.analysis.interfaces import check_interfaces
from mlc_compiler.analysis.retained import check_retained
from mlc_compiler.analysis.statistics import current_statistics
from mlc_compiler.analysis.subject import Subject
from mlc_compiler.backend.kustomization import kustomizations, unmatched_patches
from mlc_compiler.backend.target import Artifact, Target
from mlc_compiler.conventions import PROJECT_FILE
from mlc_compiler.diagnostics import Place, Related, Sink, nearest
from mlc_compiler.frontend.check import check
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.lock import LockFile
from mlc_compiler.frontend.project import Project
from mlc_compiler.frontend.resolve import resolve
from mlc_compiler.frontend.workspace import SpecFile
from mlc_compiler.frontend.yaml_source import YamlDocument, load
from mlc_compiler.middle.models import resolve_models
from mlc_compiler.middle.pins import Pins
from mlc_compiler.middle.release import lowering, preview, project_ir, promoted, release
from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.records import dataclass
from mlc_compiler.spec import API_VERSION


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a compilation depends on besides the specs: lock, pins, the digests of models' code, the targets."""

    lock: LockFile
    pins: Pins
    code: Mapping[str, Mapping[str, str]]
    targets: tuple[Target, ...]
    preview: bool = False


@dataclass(frozen=True, slots=True)
class Compilation:
    """What the compiler made of a project.

    `promoted` is what an environment runs of a model, by their names, where the specs say something else by now.
    """

    project: Project
    models: Mapping[str, ResolvedModel]
    releases: ir.ProjectRelease
    promoted: Mapping[tuple[str, str], ResolvedModel] = field(default_factory=dict)


def load_project(
    files: tuple[SpecFile, ...], sink: Sink, known: Mapping[str, tuple[Document[Any], ...]] = MappingProxyType({})
) -> Project | None:
    """Load, check and resolve the files, of which the first is mlc.yaml; `known` are sound documents of some."""
    reading, checking = Sink(), Sink()
    # One file after the other, so that no tree outlives its file.
    loaded = (known.get(f.path) or check(load(f.path, f.content, reading), checking) for f in files)
    documents = [d for found in loaded for d in found]
    if not reading.failed():
        _check_first(load(files[0].path, files[0].content, Sink()), checking)
    for found in (reading, checking):
        sink.extend(found)
    project = next((d for d in documents if d.kind == "Project" and d.place.file == PROJECT_FILE), None)
    if project is None or sink.failed():
        return None
    return resolve((d for d in documents if d is not project), project, sink)


def _check_first(documents: tuple[YamlDocument, ...], sink: Sink) -> None:
    """Report a mlc.yaml without a Project, or without the apiVersion that all other documents inherit."""
    values = {d.index: d.value for d in documents if isinstance(d.value, dict)}
    index = next((i for i, value in values.items() if value.get("kind") == "Project"), None)
    if index is None:
        help = "start it with `kind: Project`; `mlc init` writes one"
        sink.error("MLC202", Place(PROJECT_FILE), f"{PROJECT_FILE} holds no Project document", help=help)
    elif not any("apiVersion" in value for value in values.values()):
        message, help = "the project has no `apiVersion`", f"write `apiVersion: {API_VERSION}`; other files inherit it"
        sink.error("MLC108", Place(PROJECT_FILE, index), message, help=help)


def compile_project(project: Project, inputs: Inputs, sink: Sink) -> Compilation | None:
    """Analyse and lower: the releases of all environments, or None when the project has errors."""
    controllers = frozenset(c for t in inputs.targets for c in t.controllers)
    analyse(project, sink)
    check_capability(project, controllers, sink)
    models = resolve_models(project, inputs.lock, inputs.code, sink)
    prove(Subject(project, current_statistics(project, inputs.lock, models, sink), models), sink)
    if sink.failed():
        return None
    compilation = lower_project(project, models, inputs, sink)
    check_interfaces(project, compilation.releases, sink)
    check_retained(project, compilation.releases, sink)
    return None if sink.failed() else compilation


def lower_project(project: Project, models: Mapping[str, ResolvedModel], inputs: Inputs, sink: Sink) -> Compilation:
    """Return the releases of a project whose models compiled, whatever the analyses say of it."""
    lower = lowering(frozenset(c for t in inputs.targets for c in t.controllers))
    base = project_ir(project, inputs.lock.pinned())
    runs = {e.name: promoted(e, models, inputs.pins, sink) for e in project.environments}
    releases = tuple(
        release(base, e, {**models, **runs[e.name]}, inputs.pins, lower, sink) for e in project.environments
    )
    if inputs.preview:
        releases = tuple(map(preview, releases))
    current = tuple(lower(models[name], None) for name in sorted(models))
    ahead = {(environment, name): model for environment, found in runs.items() for name, model in found.items()}
    return Compilation(project, models, ir.ProjectRelease(base, releases, current), ahead)


def emit(compilation: Compilation, targets: tuple[Target, ...], sink: Sink) -> tuple[Artifact, ...]:
    """Return all artifacts, sorted by path; what a target can't express goes to the sink."""
    releases = compilation.releases
    _check_targets(compilation, targets, sink)
    if sink.failed():
        return ()
    artifacts = [replace(a, target=t.name) for t in targets for a in t.emit_project(releases)]
    for r in releases.releases:
        artifacts += _environment(compilation.project, r, targets, sink)
    return tuple(sorted(artifacts, key=lambda a: a.path))


def check_emission(compilation: Compilation, targets: tuple[Target, ...], sink: Sink) -> None:
    """Report what `emit` would report; only what patches apply to is emitted for that."""
    _check_targets(compilation, targets, sink)
    if not sink.failed():
        for r in (r for r in compilation.releases.releases if r.environment.patches):
            deque(_environment(compilation.project, r, targets, sink), maxlen=0)


def _check_targets(compilation: Compilation, targets: tuple[Target, ...], sink: Sink) -> None:
    for target in targets:
        for unsupported in (u for r in compilation.releases.releases for u in target.check(r)):
            at = compilation.project.place(unsupported.origin)
            source = (Related("source", unsupported.source),) if unsupported.source else ()
            said = f"{target.name}: {unsupported.message}"
            sink.error("MLC910", at, said, help=unsupported.help, related=source)


def emit_release(
    project: Project, release: ir.Release, targets: tuple[Target, ...], sink: Sink
) -> tuple[Artifact, ...]:
    """Return the artifacts of one environment alone, sorted by path."""
    return tuple(sorted(_environment(project, release, targets, sink), key=lambda a: a.path))


def _environment(project: Project, release: ir.Release, targets: tuple[Target, ...], sink: Sink) -> Iterator[Artifact]:
    pinned = release.with_models(tuple(m for m in release.models if m.pin))
    emitted = [
        Artifact(a.path, a.text, a.origin, a.parts, a.environment, m.name, t.name)  # `replace` takes six times as long
        for m in pinned.models
        for t in targets
        for a in t.emit_model(pinned, m)
    ]
    emitted += [replace(a, target=t.name) for t in targets for a in t.emit_environment(pinned)]
    yield from emitted
    yield from kustomizations(release.environment, emitted)
    if release.environment.patches:
        _unmatched_patches(project, release.environment, [*emitted, *_foreseen(release, targets)], sink)


def _foreseen(release: ir.Release, targets: tuple[Target, ...]) -> Iterator[Artifact]:
    """Yield what would be emitted of the models that patches name and that no pin renders yet."""
    names = [patch.name for patch in release.environment.patches]
    waiting = (m for m in release.models if m.pin is None and any(name.startswith(m.name) for name in names))
    foreseen = preview(release.with_models(tuple(waiting)))
    yield from (a for t in targets for m in foreseen.models for a in t.emit_model(foreseen, m))


def _unmatched_patches(project: Project, environment: ir.Environment, artifacts: list[Artifact], sink: Sink) -> None:
    for patch, objects in unmatched_patches(environment, artifacts):
        near = nearest(f"{patch.kind} {patch.name}", [f"{kind} {name}" for kind, name in objects])
        sink.error(
            "MLC913",
            project.place(patch.origin.at("target")),
            f"nothing emits a {patch.kind} named `{patch.name}`",
            help=f"did you mean `{near}`?" if near else "mend the target, or remove the patch",
        )
