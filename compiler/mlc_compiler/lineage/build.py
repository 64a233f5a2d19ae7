"""Builds the lineage of a project: columns to features to models to gates, rollouts, monitors, alerts and owners."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from mlc_compiler import ir
from mlc_compiler.diagnostics import Path, Place
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import BoundModel, Project
from mlc_compiler.lineage.graph import Edge, Lineage, Node
from mlc_compiler.middle.datasets import declared_datasets
from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.middle.views import label_definition, view_definition
from mlc_compiler.sql.definitions import ProblemPlace, ViewDefinition
from mlc_compiler.sql.flows import ColumnFlow, direct_flows, label_flows, row_flows
from mlc_compiler.sql.query_flows import query_flows

Places = Mapping[str, Place]


def lineage(project: Project, models: Mapping[str, ResolvedModel]) -> Lineage:
    """Return the lineage of a project; of its models, those that compiled."""
    datasets = declared_datasets(project)
    views = {n: view_definition(v, datasets, project.spec.timezone) for n, v in project.views.items()}
    places = {d.label: d.place for d in project.documents()}
    bound = [m for m in project.models if m.name in models]
    edges = [*_queries(datasets, places)]
    for view in views.values():
        edges += _features(view, places)
    for model in bound:
        edges += _model(project, model, views, datasets, places)
    edges += _environments(project, bound)
    columns = (Node("column", f"{d.name}.{c.name}") for d in datasets.values() for c in d.columns)
    return Lineage.of(edges, columns)


# --- data ------------------------------------------------------------------------------------------------------------
def _queries(datasets: Mapping[str, ir.Dataset], places: Places) -> Iterator[Edge]:
    """Yield how the columns of datasets that are queries come from those of others."""
    for dataset in datasets.values():
        for column, flows in query_flows(dataset, datasets).items():
            yield from _columns(flows, Node("column", f"{dataset.name}.{column}"), places)


def _features(view: ViewDefinition, places: Places) -> Iterator[Edge]:
    for name, flows in direct_flows(view).items():
        node = Node("feature", f"{view.name}.{name}")
        yield from _columns(flows.columns, node, places)
        for use in flows.features:
            yield Edge(Node("feature", f"{view.name}.{use.feature}"), node, use.flow, _place(use.at, places))


def _columns(flows: Iterable[ColumnFlow], target: Node, places: Places) -> Iterator[Edge]:
    for flow in flows:
        yield Edge(Node("column", f"{flow.dataset}.{flow.column}"), target, flow.flow, _place(flow.at, places))


def _place(at: ProblemPlace | None, places: Places) -> Place | None:
    place = places.get(at.document) if at else None
    if at is None or place is None:
        return None
    return Place(place.file, place.document, place.path + at.path, at.key, at.within)


# --- models ----------------------------------------------------------------------------------------------------------
def _model(
    project: Project,
    model: BoundModel,
    views: Mapping[str, ViewDefinition],
    datasets: Mapping[str, ir.Dataset],
    places: Places,
) -> Iterator[Edge]:
    document = model.document
    node, label = Node("model", model.name), Node("label", model.name)
    for feature in model.features:
        yield Edge(
            Node("feature", f"{feature.view}.{feature.name}"), node, "value", document.at("features", feature.entry)
        )
    first = views[model.views[0].name]
    definition = label_definition(document, model.spine.name, datasets)
    yield from _columns(label_flows(first, definition, document.label), label, places)
    yield Edge(label, node, "value", document.at("label"))
    for view in model.views:
        yield from _columns(row_flows(views[view.name], document.spec.where, document.label), node, places)
    for index, name in enumerate(document.spec.split.group):
        yield Edge(Node("column", f"{model.spine.name}.{name}"), node, "key", document.at("split", "group", index))
    yield _owned(project, document, node)
    yield from _gates(project, model, node)
    yield from _rollout(project, model, node)
    yield from _monitor(project, model, node)


def _gates(project: Project, model: BoundModel, node: Node) -> Iterator[Edge]:
    for gate in model.gates:
        target = Node("gate", gate.name)
        yield Edge(node, target, "value", gate.at("model"))
        for index, check in enumerate(gate.spec.checks):
            named: list[tuple[str, Path]] = [(n, ("slices", i)) for i, n in enumerate(check.slices)]
            named += [(check.group, ("group",))] if check.group else []
            for name, path in named:
                if name in model.spine.spec.columns:
                    at = gate.at("checks", index, *path)
                    yield Edge(Node("column", f"{model.spine.name}.{name}"), target, "key", at)
        yield _owned(project, gate, target)


def _rollout(project: Project, model: BoundModel, node: Node) -> Iterator[Edge]:
    if model.rollout is None:
        return
    target = Node("rollout", model.rollout.name)
    yield Edge(node, target, "value", model.rollout.at("model"))
    for gate in model.gates:
        yield Edge(Node("gate", gate.name), target, "condition", gate.at("checks"))
    yield _owned(project, model.rollout, target)


def _monitor(project: Project, model: BoundModel, node: Node) -> Iterator[Edge]:
    monitor = model.monitor
    if monitor is None:
        return
    target = Node("monitor", monitor.name)
    yield Edge(node, target, "value", monitor.at("model"))
    alerts = [(signal.name, monitor.at("signals", i, "name")) for i, signal in enumerate(monitor.spec.signals)]
    slo = monitor.spec.slo
    alerts += [("availability", monitor.at("slo", "availability"))] if slo.availability is not None else []
    alerts += [("latency_p99", monitor.at("slo", "latency_p99"))] if slo.latency_p99 is not None else []
    for name, at in alerts:
        alert = Node("alert", f"{monitor.name}/{name}")
        yield Edge(target, alert, "value", at)
        yield _owned(project, monitor, alert)
    for index, signal in enumerate(monitor.spec.signals):
        alert = Node("alert", f"{monitor.name}/{signal.name}")
        for position, name in enumerate(signal.features):
            for feature in model.features:
                if feature.name == name:
                    at = monitor.at("signals", index, "features", position)
                    yield Edge(Node("feature", f"{feature.view}.{name}"), alert, "value", at)
        if signal.type == "performance":
            yield Edge(Node("label", model.name), alert, "value", monitor.at("signals", index))


def _owned(project: Project, document: Document[Any], node: Node) -> Edge:
    return Edge(node, Node("owner", project.owner(document)), "value", document.place.at("metadata"))


def _environments(project: Project, models: Iterable[BoundModel]) -> Iterator[Edge]:
    for environment in project.environments:
        target = Node("environment", environment.name)
        for index, pattern in enumerate(environment.spec.models):
            for model in models:
                if fnmatchcase(model.name, pattern):
                    yield Edge(Node("model", model.name), target, "value", environment.at("models", index))
        if environment.spec.promoted_from:
            before = Node("environment", environment.spec.promoted_from)
            yield Edge(before, target, "value", environment.at("promoted_from"))
        for index, name in enumerate(environment.spec.requires.gates):
            yield Edge(Node("gate", name), target, "condition", environment.at("requires", "gates", index))
