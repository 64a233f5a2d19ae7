"""Names to documents: every reference of the project is bound, and each that points at nothing is a finding."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from mlc_compiler.diagnostics import Place, Related, Sink, nearest
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import BoundModel, Project, SelectedFeature
from mlc_compiler.spec.dataset import Dataset
from mlc_compiler.spec.environment import Environment
from mlc_compiler.spec.feature_view import FeatureView
from mlc_compiler.spec.model import Model

ByName = Mapping[str, Document[Any]]


def resolve(documents: Iterable[Document[Any]], project: Document[Any], sink: Sink) -> Project | None:
    """Return the bound project, or None when a model can't be bound; all findings go to the sink."""
    kinds = _by_kind(documents, project, sink)
    _check_views(kinds, sink)
    _check_environments(kinds, sink)
    _check_monitors(kinds["Monitor"].values(), sink)
    attached = {kind: _attach(kinds[kind].values(), kinds["Model"], sink) for kind in ("Gate", "Rollout", "Monitor")}
    models = [_bind(kinds["Model"][name], kinds, attached, sink) for name in sorted(kinds["Model"])]
    if sink.failed():
        return None
    return Project(
        document=project,
        datasets=kinds["Dataset"],
        views=kinds["FeatureView"],
        models=tuple(m for m in models if m is not None),
        gates=kinds["Gate"],
        rollouts=kinds["Rollout"],
        monitors=kinds["Monitor"],
        environments=_in_order(kinds["Environment"]),
        policies=kinds["Policy"],
    )


def _by_kind(
    documents: Iterable[Document[Any]], project: Document[Any], sink: Sink
) -> dict[str, dict[str, Document[Any]]]:
    kinds: dict[str, dict[str, Document[Any]]] = {
        kind: {} for kind in ("Dataset", "FeatureView", "Model", "Gate", "Rollout", "Monitor", "Environment", "Policy")
    }
    for document in documents:
        if document.kind == "Project":
            sink.error(
                "MLC202",
                document.place.at("kind"),
                "a second Project document",
                related=[Related("first", project.name, project.place.at("metadata", "name"))],
                help="keep one, in mlc.yaml",
            )
            continue
        first = kinds[document.kind].setdefault(document.name, document)
        if first is not document:
            sink.error(
                "MLC203",
                document.place.at("metadata", "name"),
                f"a second {document.kind} is named `{document.name}`",
                related=[Related("first", document.name, first.place.at("metadata", "name"))],
                help="rename one of them",
            )
    return kinds


def lookup(name: str, known: ByName, kind: str, at: Place, sink: Sink) -> Document[Any] | None:
    """Return the document of this name, or None with a finding that suggests the nearest."""
    if name in known:
        return known[name]
    near = nearest(name, known)
    listed = ", ".join(sorted(known)[:8]) or "none"
    help = f"did you mean `{near}`?" if near else f"declare it, or take one of: {listed}"
    sink.error("MLC204", at, f"there is no {kind} `{name}`", help=help, fix=near or "")
    return None


def is_pattern(name: str) -> bool:
    """Tell whether a name picks by pattern."""
    return any(c in name for c in "*?[")


def matching(pattern: str, names: Iterable[str]) -> list[str]:
    """Return the names that a name or pattern picks, sorted."""
    return sorted(n for n in names if fnmatchcase(n, pattern))


# --- views -----------------------------------------------------------------------------------------------------------
def _check_views(kinds: Mapping[str, ByName], sink: Sink) -> None:
    datasets = kinds["Dataset"]
    for view in kinds["FeatureView"].values():
        lookup(view.spec.from_, datasets, "Dataset", view.at("from"), sink)
        for name, join in view.spec.joins.items():
            at = view.at("joins", name, "dataset") if join.dataset else view.at("joins", name).name()
            lookup(join.dataset or name, datasets, "Dataset", at, sink)
        for name, feature in view.spec.features.items():
            if feature.over:
                lookup(feature.over, datasets, "Dataset", view.at("features", name, "over"), sink)
        for index, test in enumerate(view.spec.tests):
            for name in test.given:
                lookup(name, datasets, "Dataset", view.at("tests", index, "given", name).name(), sink)


# --- what is attached to models --------------------------------------------------------------------------------------
def _attach(documents: Iterable[Document[Any]], models: ByName, sink: Sink) -> dict[str, list[Document[Any]]]:
    """Return the documents of a kind by the model that their `model:` picks."""
    attached: dict[str, list[Document[Any]]] = {}
    for document in documents:
        pattern = document.spec.model
        if is_pattern(pattern):
            names = matching(pattern, models)
            if not names:
                sink.error("MLC205", document.at("model"), f"`{pattern}` matches no model", help=_models_help(models))
        else:
            found = lookup(pattern, models, "Model", document.at("model"), sink)
            names = [found.name] if found else []
        for name in names:
            attached.setdefault(name, []).append(document)
    return attached


def _others_help(known: ByName) -> str:
    return f"take one of: {', '.join(sorted(known)[:8])}" if known else "remove it"


def _models_help(models: ByName) -> str:
    return f"take one of: {', '.join(sorted(models)[:8])}" if models else "declare a Model first"


def _single(documents: list[Document[Any]], model: Document[Model], sink: Sink) -> Document[Any] | None:
    for other in documents[1:]:
        sink.error(
            "MLC208",
            other.at("model"),
            f"a second {other.kind} for model `{model.name}`",
            related=[Related("first", documents[0].name, documents[0].at("model"))],
            help=f"keep one {other.kind} for a model, or narrow the pattern",
        )
    return documents[0] if documents else None


# --- models ----------------------------------------------------------------------------------------------------------
def _bind(
    model: Document[Model],
    kinds: Mapping[str, ByName],
    attached: Mapping[str, Mapping[str, list[Document[Any]]]],
    sink: Sink,
) -> BoundModel | None:
    views, features = _select(model, kinds["FeatureView"], sink)
    _check_model_names(model, kinds, sink)
    rollout = _single(attached["Rollout"].get(model.name, []), model, sink)
    monitor = _single(attached["Monitor"].get(model.name, []), model, sink)
    spine = _spine(model, views, kinds["Dataset"], sink)
    if spine is None:
        return None
    gates = tuple(sorted(attached["Gate"].get(model.name, []), key=lambda g: g.name))
    return BoundModel(model, spine, views, features, gates, rollout, monitor)


def _check_model_names(model: Document[Model], kinds: Mapping[str, ByName], sink: Sink) -> None:
    spec = model.spec
    if spec.label.over:
        lookup(spec.label.over, kinds["Dataset"], "Dataset", model.at("label", "over"), sink)
    if spec.serving.input and spec.serving.input != "dataset":
        known = {**kinds["Dataset"], "dataset": model}  # the word for the model's own: a candidate of the nearest
        lookup(spec.serving.input, known, "Dataset", model.at("serving", "input"), sink)


def _select(
    model: Document[Model], views: ByName, sink: Sink
) -> tuple[tuple[Document[FeatureView], ...], tuple[SelectedFeature, ...]]:
    """Return the views of a model, and its features in the order written."""
    chosen: dict[str, SelectedFeature] = {}
    used: dict[str, Document[FeatureView]] = {}
    for index, entry in enumerate(model.spec.features):
        at = model.at("features", index)
        view_name, _, wanted = entry.partition(".")
        view = lookup(view_name, views, "FeatureView", at, sink)
        if view is None:
            continue
        used[view.name] = view
        for name in _wanted(view, wanted, at, sink):
            if f"{view.name}.{name}" not in model.spec.exclude and name not in model.spec.exclude:
                _choose(SelectedFeature(view.name, name, index), chosen, model, sink)
    _check_excluded(model, used, sink)
    return tuple(used.values()), tuple(chosen.values())


def _choose(feature: SelectedFeature, chosen: dict[str, SelectedFeature], model: Document[Model], sink: Sink) -> None:
    first = chosen.setdefault(feature.name, feature)
    if first.view != feature.view:
        sink.error(
            "MLC210",
            model.at("features", feature.entry),
            f"`{feature.name}` comes from both `{first.view}` and `{feature.view}`",
            related=[Related("first", model.spec.features[first.entry], model.at("features", first.entry))],
            help=f"exclude one of them: `exclude: [{feature.view}.{feature.name}]`",
        )


def _wanted(view: Document[FeatureView], wanted: str, at: Place, sink: Sink) -> list[str]:
    names = list(view.spec.features)
    if not wanted:
        sink.error(
            "MLC206",
            at,
            f"`{view.name}` names a view, not its features",
            help=f"write `{view.name}.*` for all of them",
        )
        return []
    found = [n for n in names if fnmatchcase(n, wanted)]
    if not found:
        near = nearest(wanted, names)
        sink.error(
            "MLC206",
            at,
            f"view `{view.name}` has no feature `{wanted}`",
            help=f"did you mean `{view.name}.{near}`?" if near else f"its features are {', '.join(names)}",
            fix=f"{view.name}.{near}" if near else "",
        )
    return found


def _check_excluded(model: Document[Model], views: Mapping[str, Document[FeatureView]], sink: Sink) -> None:
    known = {n for v in views.values() for f in v.spec.features for n in (f, f"{v.name}.{f}")}
    for index, name in enumerate(model.spec.exclude):
        if name not in known:
            near = nearest(name, known)
            sink.error(
                "MLC206",
                model.at("exclude", index),
                f"no selected view has a feature `{name}`",
                help=f"did you mean `{near}`?" if near else "remove it",
                fix=near or "",
            )


def _spine(
    model: Document[Model], views: tuple[Document[FeatureView], ...], datasets: ByName, sink: Sink
) -> Document[Dataset] | None:
    if not views:
        return None
    first = views[0]
    for view in views[1:]:
        for field in ("from", "predict_at"):
            one, other = (getattr(v.spec, "from_" if field == "from" else field) for v in (first, view))
            if one != other:
                sink.error(
                    "MLC207",
                    model.at("features"),
                    f"views `{first.name}` and `{view.name}` differ in `{field}`: `{one}` and `{other}`",
                    related=[Related(v.name, str(o), v.at(field)) for v, o in ((first, one), (view, other))],
                    help="take views that share the spine, or join the other dataset into one view"
                    if field == "from"
                    else "let both views say the same `predict_at`",
                )
    return datasets.get(first.spec.from_)


# --- monitors and environments ---------------------------------------------------------------------------------------
def _check_monitors(monitors: Iterable[Document[Any]], sink: Sink) -> None:
    for monitor in monitors:
        signals = {s.name for s in monitor.spec.signals}
        for index, name in enumerate(monitor.spec.retrain.on if monitor.spec.retrain else ()):
            if name not in signals:
                near = nearest(name, signals)
                sink.error(
                    "MLC204",
                    monitor.at("retrain", "on", index),
                    f"the monitor has no signal `{name}`",
                    help=f"did you mean `{near}`?"
                    if near
                    else f"its signals are {', '.join(sorted(signals)) or 'none'}",
                    fix=near or "",
                )


def _check_environments(kinds: Mapping[str, ByName], sink: Sink) -> None:
    environments = kinds["Environment"]
    for environment in environments.values():
        spec = environment.spec
        if spec.promoted_from:
            lookup(spec.promoted_from, environments, "Environment", environment.at("promoted_from"), sink)
        for index, gate in enumerate(spec.requires.gates):
            lookup(gate, kinds["Gate"], "Gate", environment.at("requires", "gates", index), sink)
        for index, override in enumerate(spec.overrides):
            known = kinds[override.kind]
            at = environment.at("overrides", index, "name")
            if not is_pattern(override.name):
                lookup(override.name, known, override.kind, at, sink)
            elif not matching(override.name, known):
                sink.error("MLC205", at, f"`{override.name}` matches no {override.kind}", help=_others_help(known))
        for index, pattern in enumerate(spec.models):
            if pattern != "*" and not matching(pattern, kinds["Model"]):
                at = environment.at("models", index)
                sink.error("MLC205", at, f"`{pattern}` matches no model", help=_models_help(kinds["Model"]))
    _check_promotion_cycle(environments, sink)


def _check_promotion_cycle(environments: ByName, sink: Sink) -> None:
    for name in sorted(environments):
        seen = [name]
        while (previous := environments[seen[-1]].spec.promoted_from) in environments:
            if previous == name:
                if name == min(seen):  # the circle is told once, from its first name
                    sink.error(
                        "MLC209",
                        environments[name].at("promoted_from"),
                        f"environments are promoted in a circle: {' <- '.join([*seen, name])}",
                        related=[
                            Related(e.name, f"promoted_from: {e.spec.promoted_from}", e.at("promoted_from"))
                            for e in (environments[other] for other in seen[1:])
                        ],
                        help="let one of them say `tracks: main`",
                    )
                break
            if previous in seen:
                break
            seen.append(previous)


def _in_order(environments: ByName) -> tuple[Document[Environment], ...]:
    """Return the environments with each after the one that it is promoted from, names breaking ties."""

    def depth(name: str) -> int:
        before = environments[name].spec.promoted_from
        return 0 if before is None else 1 + depth(before)

    return tuple(environments[name] for name in sorted(environments, key=lambda n: (depth(n), n)))
