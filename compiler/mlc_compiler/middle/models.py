"""Bound models to resolved ones: features compiled, datasets attached, the version computed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeVar

from mlc_compiler import ir
from mlc_compiler.diagnostics import Sink
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.lock import LockFile
from mlc_compiler.frontend.project import BoundModel, Project, SelectedFeature
from mlc_compiler.middle.datasets import resolve_datasets
from mlc_compiler.middle.lower import lower_model
from mlc_compiler.middle.problems import report
from mlc_compiler.middle.resolved import Named, ResolvedModel
from mlc_compiler.middle.version import version
from mlc_compiler.middle.views import label_definition, view_definition
from mlc_compiler.spec.types import SpecModel
from mlc_compiler.sql.definitions import ModelFeatures, ViewDefinition
from mlc_compiler.sql.features import compile_features, compile_view
from mlc_compiler.sql.flows import feature_flows

S = TypeVar("S", bound=SpecModel)
Code = Mapping[str, Mapping[str, str]]
"""Model name to its own files' digests."""


def resolve_models(project: Project, lock: LockFile, code: Code, sink: Sink) -> dict[str, ResolvedModel]:
    """Return every model that compiles, by name; what is wrong goes to the sink."""
    datasets = resolve_datasets(project, lock, sink)
    views = {n: view_definition(v, datasets, project.spec.timezone) for n, v in sorted(project.views.items())}
    resolved = {}
    for bound in project.models:
        model = _resolve(project, bound, datasets, views, code.get(bound.name, {}), sink)
        if model is not None:
            resolved[bound.name] = model
    _check_unused_views(project, views, sink)
    return resolved


def _check_unused_views(project: Project, views: Mapping[str, ViewDefinition], sink: Sink) -> None:
    """Report what is wrong with views that no model takes yet."""
    used = {view.name for model in project.models for view in model.views}
    for name, view in views.items():
        if name not in used:
            report(compile_view(view).problems, project, sink)


def _resolve(
    project: Project,
    bound: BoundModel,
    datasets: Mapping[str, ir.Dataset],
    views: Mapping[str, ViewDefinition],
    code: Mapping[str, str],
    sink: Sink,
) -> ResolvedModel | None:
    document = bound.document
    compiled = compile_features(
        ModelFeatures(
            name=bound.name,
            views=tuple(views[v.name] for v in bound.views),
            # Sorted: the order of keys in a view or of entries in a model's list means nothing.
            select=tuple(sorted(f"{f.view}.{f.name}" for f in bound.features if _is_compiled(f, views))),
            label=label_definition(document, bound.spine.name, datasets),
            slices=_slices(bound),
            where=document.spec.where,
        )
    )
    report(compiled.problems, project, sink)
    if compiled.query is None or compiled.label is None:
        return None
    model = ResolvedModel(
        name=bound.name,
        owner=project.owner(document),
        description=document.metadata.description or "",
        labels=tuple(sorted(document.metadata.labels.items())),
        version="",
        spec=document.spec,
        gates=tuple(Named(g.name, g.spec) for g in bound.gates),
        rollout=_named(bound.rollout),
        monitor=_named(bound.monitor),
        features=_with_proxies(compiled.query, [views[v.name] for v in bound.views]),
        label=compiled.label,
        datasets=_closure(compiled.query.datasets, datasets),
        label_type=compiled.label_type,
    )
    return replace(model, version=version(lower_model(model, frozenset(), None), code))


def _with_proxies(query: ir.FeatureQuery, views: Iterable[ViewDefinition]) -> ir.FeatureQuery:
    """Return the query whose features say which sensitive columns they depend on; nearly always the query itself."""
    for view in views:
        sensitive = {(name, c.name) for name, d in view.datasets.items() for c in d.columns if c.sensitive}
        if sensitive:
            named = tuple(replace(f, reaches=_reaches(view, f, sensitive)) for f in query.features)
            query = replace(query, features=named)
    return query


def _reaches(view: ViewDefinition, feature: ir.Feature, sensitive: set[tuple[str, str]]) -> tuple[str, ...]:
    if feature.view != view.name:
        return feature.reaches
    flows = (f for f in feature_flows(view, feature.name) if f.flow != "time")
    return tuple(sorted({f"{f.dataset}.{f.column}" for f in flows if (f.dataset, f.column) in sensitive}))


def _is_compiled(feature: SelectedFeature, views: Mapping[str, ViewDefinition]) -> bool:
    return any(f.name == feature.name for f in views[feature.view].features)


def _named(document: Document[S] | None) -> Named[S] | None:
    return None if document is None else Named(document.name, document.spec)


def _slices(bound: BoundModel) -> tuple[str, ...]:
    """Return the spine's columns that gates slice or group by, and those that the split keeps together."""
    columns = bound.spine.spec.columns
    named = [n for g in bound.gates for c in g.spec.checks for n in (*c.slices, *([c.group] if c.group else []))]
    return tuple(sorted({n for n in (*named, *bound.document.spec.split.group) if n in columns}))


def _closure(names: tuple[str, ...], datasets: Mapping[str, ir.Dataset]) -> tuple[ir.Dataset, ...]:
    """Return the datasets of these names and those that their queries read, sorted by name."""
    found: set[str] = set()
    wanted = list(names)
    while wanted:
        name = wanted.pop()
        if name not in found:
            found.add(name)
            wanted += datasets[name].source.reads
    return tuple(datasets[n] for n in sorted(found))
