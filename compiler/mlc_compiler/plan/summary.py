"""What a build would change, grouped as people think of it: by environment and model, alike changes told once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from mlc_compiler.backend.changes import Change
from mlc_compiler.plan.fields import FieldChange, field_changes

Kind = Literal["created", "changed", "deleted"]
SIGNS: Mapping[str, str] = {"created": "+", "changed": "~", "deleted": "-"}
PROJECT = "project"
"""Where files belong that are of no environment."""


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """One file that would change. `fields` is filled where it is asked for and the file has fields."""

    kind: Kind
    path: str
    name: str
    target: str
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Changes of one environment (or the project) that several models share to the letter."""

    environment: str
    models: tuple[str, ...]
    changes: tuple[ObjectChange, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a build would change."""

    groups: tuple[Group, ...]
    created: int
    changed: int
    deleted: int

    def __bool__(self) -> bool:
        return bool(self.groups)


def make_plan(changes: Iterable[Change], before: Mapping[str, str], detail: bool) -> Plan:
    """Return the plan of these file changes. `before` holds the present text of changed files, for the fields."""
    rows = [(c.environment or PROJECT, c.model or "", _object(c, before, detail)) for c in changes]
    by_model: dict[tuple[str, str], list[ObjectChange]] = {}
    for environment, model, change in rows:
        by_model.setdefault((environment, model), []).append(change)
    shared: dict[tuple[str, tuple[tuple[object, ...], ...]], list[str]] = {}
    first: dict[tuple[str, tuple[tuple[object, ...], ...]], tuple[ObjectChange, ...]] = {}
    for (environment, model), objects in sorted(by_model.items()):
        ordered = tuple(sorted(objects, key=lambda o: o.path))
        key = (environment, tuple((o.kind, o.name.replace(model, "*") if model else o.name, o.fields) for o in ordered))
        shared.setdefault(key, []).append(model)
        first.setdefault(key, ordered)
    groups = tuple(Group(key[0], tuple(m for m in models if m), first[key]) for key, models in shared.items())
    count = {kind: sum(1 for _, _, o in rows if o.kind == kind) for kind in SIGNS}
    return Plan(groups, count["created"], count["changed"], count["deleted"])


def _object(change: Change, before: Mapping[str, str], detail: bool) -> ObjectChange:
    fields: tuple[FieldChange, ...] = ()
    if detail and change.kind == "changed" and change.text is not None:
        fields = field_changes(change.path, before.get(change.path, ""), change.text)
    return ObjectChange(change.kind, change.path, _name(change), change.target, fields)


def _name(change: Change) -> str:
    """Return the file's name in its group: paths of workloads start below the model's folder."""
    parts = change.path.split("/")
    if change.environment and change.environment in parts:
        parts = parts[parts.index(change.environment) + 1 :]
        return "/".join(parts[1:] if change.model and parts[0] == change.model else parts)
    return change.path
