"""What a change drags along, by the lineage: models, gates, rollouts, alerts, environments, owners."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from mlc_compiler.conventions import LOCK_FILE
from mlc_compiler.frontend.project import BoundModel, Project
from mlc_compiler.lineage.build import lineage
from mlc_compiler.lineage.graph import Lineage, Node
from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.plan.impact import Edit
from mlc_compiler.plan.meaning import Change, Drag, Meaning

DRAGGED = ("model", "gate", "rollout", "alert", "environment", "owner")


def with_drags(meaning: Meaning, project: Project, models: Mapping[str, ResolvedModel]) -> Meaning:
    """Return the meaning with what each change drags along; only changed models are looked at."""
    names = {name for change in meaning.changes for name in change.models} & models.keys()
    if not names:
        return meaning
    graph = lineage(part_of(project, names), {name: models[name] for name in names})
    return replace(meaning, changes=tuple(replace(c, drags=_drags(c, graph)) for c in meaning.changes))


def part_of(project: Project, names: set[str]) -> Project:
    """Return the project with these models, their views and what these read."""
    bound = tuple(m for m in project.models if m.name in names)
    views = {view.name: view for model in bound for view in model.views}
    datasets = {d.spec.from_ for d in views.values()} | {n for m in bound for n in _read(m)}
    for name in tuple(datasets):
        datasets |= _sources(project, name, set())
    return replace(project, models=bound, views=views, datasets={n: project.datasets[n] for n in sorted(datasets)})


def _read(model: BoundModel) -> Iterator[str]:
    for view in model.views:
        yield from (join.dataset or name for name, join in view.spec.joins.items())
        yield from (feature.over for feature in view.spec.features.values() if feature.over)
    if model.document.spec.label.over:
        yield model.document.spec.label.over


def _sources(project: Project, name: str, seen: set[str]) -> set[str]:
    """Return the datasets that a query reads, and those that they read."""
    query = project.datasets[name].spec.source.query
    if name in seen or not query or project.datasets[name].spec.source.format != "query":
        return seen
    from mlc_compiler.sql.query import parse_query

    seen.add(name)
    for read in parse_query(query, frozenset(project.datasets)).reads:
        _sources(project, read, seen)
        seen.add(read)
    return seen


def _drags(change: Change, graph: Lineage) -> tuple[Drag, ...]:
    starts = {node for edit in change.edits if edit.impact != "docs" for node in _starts(edit, change, graph)}
    reached = {node for start in starts for node in (start, *graph.downstream(start))}
    named = {"model": set(change.models), "environment": set(change.environments)}
    found = (
        (kind, tuple(sorted({n.name for n in reached if n.kind == kind} - named.get(kind, set())))) for kind in DRAGGED
    )
    return tuple((kind, names) for kind, names in found if names)


def _starts(edit: Edit, change: Change, graph: Lineage) -> Iterable[Node]:
    """Return the nodes of the lineage that an edit is of."""
    kind, _, name = edit.document.partition("/")
    parts = edit.field.split(".")
    several = len(change.models) > 1  # the edits are the first one's
    if several or edit.impact in ("retrain", "redeploy") or kind in ("Model", LOCK_FILE):
        return [Node("model", model) for model in change.models]
    if kind == "Monitor" and parts[1:2] == ["signals"] and len(parts) > 2:
        alert = Node("alert", f"{name}/{parts[2]}")
        return [alert] if alert in graph.into else [Node("monitor", name)]
    kinds = {"Gate": "gate", "Rollout": "rollout", "Monitor": "monitor", "Environment": "environment"}
    return [Node(kinds[kind], name)] if kind in kinds else [Node("model", model) for model in change.models]  # type: ignore[arg-type]  # a kind
