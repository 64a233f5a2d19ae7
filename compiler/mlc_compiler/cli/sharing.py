"""What two states of a project share is compiled once: models of the same documents, artifacts of the same model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlc_compiler import ir
from mlc_compiler.backend.target import Artifact, Target, Unsupported
from mlc_compiler.cli.project import Workspace
from mlc_compiler.diagnostics import Sink
from mlc_compiler.frontend.lock import LockFile
from mlc_compiler.frontend.project import BoundModel, Project
from mlc_compiler.middle.models import Code, resolve_models
from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.pipeline import Compilation
from mlc_compiler.plan.blast import part_of


# --- models ----------------------------------------------------------------------------------------------------------
def resolved_like(now: Workspace, project: Project, lock: LockFile, code: Code, sink: Sink) -> dict[str, ResolvedModel]:
    """Return every model of a project that compiles; those that are made of the same documents as now, as they are."""
    kept = {} if _elsewhere(now, project, lock) else dict(_kept(now, project, code))
    left = {m.name for m in project.models} - kept.keys()
    made = resolve_models(part_of(project, left), lock, code, sink) if left else {}
    return {m.name: found for m in project.models if (found := kept.get(m.name) or made.get(m.name)) is not None}


def _elsewhere(now: Workspace, project: Project, lock: LockFile) -> bool:
    """Tell whether something differs that every model is compiled with."""
    old, new = project.document, now.project.document
    return (
        (lock is not now.lock and lock != now.lock)
        or old.spec.timezone != new.spec.timezone
        or old.metadata.owner != new.metadata.owner
    )


def _kept(now: Workspace, project: Project, code: Code) -> Iterable[tuple[str, ResolvedModel]]:
    bound, models = {m.name: m for m in now.project.models}, now.compilation.models
    for model in project.models:
        name = model.name
        if (
            name in models
            and _same(bound[name], model)
            and code.get(name, {}) == now.inputs.code.get(name, {})
            and all(project.datasets.get(d.name) is now.project.datasets[d.name] for d in models[name].datasets)
        ):
            yield name, models[name]


def _same(one: BoundModel, other: BoundModel) -> bool:
    """Tell whether two models are bound to the very same documents."""
    old, new = ((m.document, m.spine, *m.views, *m.gates, m.rollout, m.monitor) for m in (one, other))
    return [*map(id, old)] == [*map(id, new)]


# --- artifacts -------------------------------------------------------------------------------------------------------
def emitter_like(now: Workspace, before: Compilation, targets: Iterable[Target]) -> tuple[Target, ...]:
    """Return the targets, which do not emit again what they emitted of a model that is the same now."""
    if now.inputs.preview or now.releases.project != before.releases.project:
        return tuple(targets)
    made: dict[tuple[str, str, str], list[Artifact]] = {}
    for artifact in now.artifacts:
        if artifact.environment and artifact.model:
            made.setdefault((artifact.target, artifact.environment, artifact.model), []).append(artifact)
    same = _unchanged(now.releases, before.releases)
    return tuple(_Remembering(target, made, same) for target in targets)


def _unchanged(now: ir.ProjectRelease, before: ir.ProjectRelease) -> frozenset[tuple[str, str]]:
    """Return environment and name of the models that are the same in both."""
    old = {r.environment.name: r for r in before.releases}
    return frozenset(
        (release.environment.name, model.name)
        for release in now.releases
        if release.environment.name in old and old[release.environment.name].environment == release.environment
        for model, was in _pairs(release, old[release.environment.name])
        if model == was
    )


def _pairs(now: ir.Release, before: ir.Release) -> Iterable[tuple[ir.Model, ir.Model]]:
    old = {m.name: m for m in before.models}
    return ((m, old[m.name]) for m in now.models if m.name in old and m.pin is not None)


class _Remembering:
    """A target that says again what it made of models that are the same."""

    def __init__(
        self,
        target: Target,
        made: Mapping[tuple[str, str, str], list[Artifact]],
        same: frozenset[tuple[str, str]],
    ) -> None:
        self._target, self._made, self._same = target, made, same
        self.name, self.controllers = target.name, target.controllers

    def check(self, release: ir.Release) -> Iterable[Unsupported]:
        return self._target.check(release)

    def emit_model(self, release: ir.Release, model: ir.Model) -> Iterable[Artifact]:
        environment = release.environment.name
        if (environment, model.name) in self._same:
            return self._made.get((self.name, environment, model.name), ())
        return self._target.emit_model(release, model)

    def emit_environment(self, release: ir.Release) -> Iterable[Artifact]:
        return self._target.emit_environment(release)

    def emit_project(self, project: ir.ProjectRelease) -> Iterable[Artifact]:
        return self._target.emit_project(project)
