"""Two states of a project compared: what its specs mean now against what runs, or against the specs of another time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from fnmatch import fnmatchcase

from mlc_compiler.conventions import short
from mlc_compiler.frontend.lock import LockFile
from mlc_compiler.frontend.project import Project
from mlc_compiler.ir import Pin
from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.plan.alike import meaning, model_risks
from mlc_compiler.plan.document_edits import (
    Bearing,
    concerns,
    environment_edits,
    lock_edits,
    overridden,
    project_edits,
    word_edits,
)
from mlc_compiler.plan.environment_risks import environment_risks, lock_risks, pin_risks, policy_risks
from mlc_compiler.plan.impact import ABSENT, Edit, by_rank
from mlc_compiler.plan.meaning import Change, Meaning
from mlc_compiler.plan.model_edits import State, model_edits
from mlc_compiler.plan.risk import Risk
from mlc_compiler.records import dataclass

Where = tuple[str, str]
"""Environment and model."""


@dataclass(frozen=True, slots=True)
class Side:
    """A project as it compiles: models as their specs say, pins, and what these say runs where it is something else."""

    project: Project
    models: Mapping[str, ResolvedModel]
    pins: Mapping[Where, Pin] = field(default_factory=dict)
    promoted: Mapping[Where, ResolvedModel] = field(default_factory=dict)
    lock: LockFile = field(default_factory=LockFile)
    code: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def state(self, model: str) -> State:
        """Return a model as its specs say."""
        return State(self.models[model], self.project, self.code.get(model, {}))

    def runs(self, where: Where) -> ResolvedModel | None:
        """Return what is pinned; None where nothing is."""
        return self.promoted.get(where) or (self.models.get(where[1]) if where in self.pins else None)

    def attached(self, model: str) -> dict[str, str]:
        """Return the names of a model's rollout and monitor by their kinds."""
        found = self.models[model]
        named = (("Rollout", found.rollout), ("Monitor", found.monitor))
        return {kind: item.name for kind, item in named if item is not None}


# --- against what runs -----------------------------------------------------------------------------------------------
def against_pins(now: Side, environment: str | None = None) -> Meaning:
    """Return how the specs differ from what each environment runs; models that run nowhere yet have no difference."""
    ahead: dict[tuple[str, str], tuple[list[str], ResolvedModel]] = {}
    for (name, model), before in now.promoted.items():
        if environment in (None, name):
            ahead.setdefault((model, now.pins[name, model].snapshot), ([], before))[0].append(name)
    changes: list[Change] = []
    risks: list[Risk] = []
    for (model, _), (names, before) in sorted(ahead.items(), key=lambda item: item[0]):
        changes.append(_model_change(State(before), now.state(model), tuple(names)))
        if changes[-1].edits:
            risks += model_risks(before, now.models[model])
    return meaning(changes, _waived(risks, now.project))


def _model_change(before: State, after: State, environments: tuple[str, ...]) -> Change:
    versions = short(before.model.version), short(after.model.version)
    return Change((after.model.name,), environments, model_edits(before, after), versions)


def against_pin(
    before: ResolvedModel, after: ResolvedModel, environment: str, project: Project | None = None
) -> Meaning:
    """Return how what an environment would run differs from what it runs; the project's waivers count if known."""
    change = _model_change(State(before), State(after), (environment,))
    found = [replace(risk, environment=environment) for risk in model_risks(before, after)] if change.edits else []
    return meaning([change], found if project is None else _waived(found, project))


# --- against another time --------------------------------------------------------------------------------------------
def against_project(before: Side, now: Side, bearing: Bearing, environment: str | None = None) -> Meaning:
    """Return how two states of a project differ; `bearing` tells what the artifacts of a target bear on."""
    changes = [*_models(before, now), *_pins(before, now), *_environments(before, now)]
    risks = [*_model_risks(before, now), *_environment_risks(before, now)]
    if environment is not None:
        changes = [c for c in changes if _is_in(c, environment, now.project)]
        risks = [r for r in risks if r.environment in ("", environment)]
    told = {(e.document, e.field) for c in changes for e in c.edits}
    moved = any(before.models[n].version != now.models[n].version for n in before.models.keys() & now.models.keys())
    rest = [*project_edits(before.project, now.project, bearing, moved), *lock_edits(before.lock, now.lock)]
    rest += word_edits(before.project, now.project)
    changes.append(Change((), (), by_rank(e for e in rest if not _is_told(e, told))))
    risks += [*policy_risks(before.project, now.project), *lock_risks(before.lock, now.lock)]
    return meaning(changes, _waived(risks, now.project))


def _is_told(edit: Edit, told: set[tuple[str, str]]) -> bool:
    """Tell whether a field, or one above it that came or went, stands among the changes of a model."""
    steps = edit.field.split(".")
    return any((edit.document, ".".join(steps[:end])) in told for end in range(2, len(steps) + 1))


def _is_in(change: Change, environment: str, project: Project) -> bool:
    """Tell whether a change reaches an environment: one of its models runs there, and it is not another's alone."""
    patterns = next((e.spec.models for e in project.environments if e.name == environment), ())
    runs = not change.models or any(fnmatchcase(m, p) for m in change.models for p in patterns)
    return runs and (not change.environments or environment in change.environments)


def _models(before: Side, now: Side) -> Iterator[Change]:
    for name in sorted({*before.models, *now.models}):
        label = f"Model/{name}"
        if name not in before.models:
            version = short(now.models[name].version)
            yield Change((name,), (), (Edit("retrain", label, "", ABSENT, "new model"),), (ABSENT, version))
        elif name not in now.models:
            yield Change((name,), (), (Edit("redeploy", label, "", "a model", "removed"),))
        elif _may_differ(before, now, name):
            yield _model_change(before.state(name), now.state(name), ())


def _may_differ(before: Side, now: Side, name: str) -> bool:
    return before.models[name] != now.models[name] or before.code.get(name, {}) != now.code.get(name, {})


def _pins(before: Side, now: Side) -> Iterator[Change]:
    for where in sorted({*before.pins, *now.pins}):
        was, is_now = before.pins.get(where), now.pins.get(where)
        if was != is_now:
            edits = (*_pinned(was, is_now), *_brought(before.runs(where), now.runs(where)))
            versions = short(was.version) if was else ABSENT, short(is_now.version) if is_now else ABSENT
            yield Change((where[1],), (where[0],), by_rank(edits), versions)


def _pinned(was: Pin | None, now: Pin | None) -> Iterator[Edit]:
    path = now.path if now else was.path if was else ""
    for name in ("version", "artifact", "image"):
        old, new = (getattr(pin, name) if pin else ABSENT for pin in (was, now))
        if old != new:
            shown = (old, new) if name == "image" else (short(old), short(new))
            yield Edit("redeploy", path, name, *shown)


def _brought(before: ResolvedModel | None, after: ResolvedModel | None) -> Iterator[Edit]:
    """Yield what a pin brings along: what was trained and judged elsewhere is only run here."""
    if before is None or after is None:
        return
    for edit in model_edits(State(before), State(after)):
        impact = "redeploy" if edit.impact in ("retrain", "re-evaluate") else edit.impact
        yield replace(edit, impact=impact, also=())


def _environments(before: Side, now: Side) -> Iterator[Change]:
    old, new = ({e.name: e for e in side.project.environments} for side in (before, now))
    for name in dict.fromkeys((*new, *old)):
        document = new.get(name) or old[name]
        reached: dict[tuple[str, ...], list[Edit]] = {}
        for edit in environment_edits(old.get(name), new.get(name)):
            side = now if name in new else before
            spec = document.spec
            if overridden(edit, spec) and edit.field.startswith("spec.overrides["):
                spec = old[name].spec
            models = tuple(m for m in sorted(side.models) if concerns(edit, spec, m, side.attached(m)))
            reached.setdefault(models, []).append(edit)
        yield from (Change(models, (name,), by_rank(edits)) for models, edits in reached.items())


# --- risks -----------------------------------------------------------------------------------------------------------
def _model_risks(before: Side, now: Side) -> Iterator[Risk]:
    for name in sorted(set(before.models) & set(now.models)):
        if before.models[name] != now.models[name]:
            yield from model_risks(before.models[name], now.models[name])
    for where, pin in sorted(now.pins.items()):
        if before.pins.get(where) == pin:
            continue
        yield from pin_risks(*where, before.pins.get(where), pin)
        was, runs = before.runs(where), now.runs(where)
        if was is not None and runs is not None:
            yield from (replace(risk, environment=where[0]) for risk in model_risks(was, runs))


def _environment_risks(before: Side, now: Side) -> Iterator[Risk]:
    old = {e.name: e for e in before.project.environments}
    for environment in now.project.environments:
        yield from environment_risks(old.get(environment.name), environment)


def _waived(risks: Iterable[Risk], project: Project) -> list[Risk]:
    """Return the risks with the reasons of those that their document waives; each once."""
    reasons = {(d.label, w.code): w.reason for d in project.documents() for w in d.waivers}
    return list(dict.fromkeys(replace(r, waived=reasons.get((r.document, r.code), "")) for r in risks))
