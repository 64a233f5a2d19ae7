"""Which generated files change, grouped as people think of them: by environment and model, alike changes together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from mlc_compiler.backend.changes import Change
from mlc_compiler.plan.fields import field_changes
from mlc_compiler.plan.impact import Impact, ranked
from mlc_compiler.plan.summary import PROJECT, SIGNS, FieldChange, Group, ObjectChange, Plan, file_name

Bearing = Callable[[str], Impact]
MANY = 8
"""Groups from which models are told together although the values of their files' fields differ."""


def make_plan(
    changes: Iterable[Change], before: Mapping[str, str], detail: bool, bearing: Bearing = lambda _: "redeploy"
) -> Plan:
    """Return the plan of these file changes. `before` holds the present text of changed files, for the fields.

    `bearing` tells what a target's files mean.
    """
    rows = [(c.environment or PROJECT, c.model or "", _object(c, before, detail)) for c in changes]
    by_model: dict[tuple[str, str], list[ObjectChange]] = {}
    for environment, model, change in rows:
        by_model.setdefault((environment, model), []).append(change)
    ordered = {key: tuple(sorted(objects, key=lambda o: o.path)) for key, objects in sorted(by_model.items())}
    groups = _grouped(ordered, _values, bearing)
    if len(groups) > MANY:
        groups = _grouped(ordered, _names, bearing)
    count = {kind: sum(1 for _, _, o in rows if o.kind == kind) for kind in SIGNS}
    return Plan(groups, count["created"], count["changed"], count["deleted"])


Objects = tuple[ObjectChange, ...]


def _grouped(
    ordered: Mapping[tuple[str, str], Objects], key: Callable[[str, Objects], object], bearing: Bearing
) -> tuple[Group, ...]:
    """Return the groups of models whose changes have one key."""
    shared: dict[tuple[str, bool, object], list[tuple[str, Objects]]] = {}
    for (environment, model), objects in ordered.items():
        shared.setdefault((environment, bool(model), key(model, objects)), []).append((model, objects))
    return tuple(
        Group(environment, tuple(m for m, _ in alike if m), alike[0][1], ranked(bearing(o.target) for o in alike[0][1]))
        for (environment, _, _), alike in shared.items()
    )


def _values(model: str, objects: Objects) -> object:
    return tuple((o.kind, o.name.replace(model, "*") if model else o.name, o.fields) for o in objects)


def _names(model: str, objects: Objects) -> object:
    return tuple((o.kind, o.name.replace(model, "*") if model else o.name) for o in objects)


def _object(change: Change, before: Mapping[str, str], detail: bool) -> ObjectChange:
    fields: tuple[FieldChange, ...] = ()
    if detail and change.kind == "changed" and change.text is not None:
        fields = field_changes(change.path, before.get(change.path, ""), change.text)
    return ObjectChange(
        change.kind,
        change.path,
        file_name(change.path, change.environment or "", change.model or ""),
        change.target,
        fields,
    )
