"""The feature compiler: views, a choice of features and a label in; one query for training, one for serving, out.

Both queries compute row expressions from the same relation of own columns, joined columns and aggregates. They only
differ in how that relation comes about: from the datasets as of each row's prediction, or from request and snapshot.
"""

from __future__ import annotations

from mlc_compiler.sql.assembly import Assembly, assemble
from mlc_compiler.sql.definitions import CompiledFeatures, ModelFeatures, Problem, ProblemPlace, ViewDefinition
from mlc_compiler.sql.labels import CompiledLabel, compile_label
from mlc_compiler.sql.scope import listed
from mlc_compiler.sql.selection import chosen_features, view_problems
from mlc_compiler.sql.values import Typed
from mlc_compiler.sql.views import CompiledView, compile_where, compiled_view


def compile_features(model: ModelFeatures) -> CompiledFeatures:
    """Compile the features and the label of a model; returns every independent problem, and no query after an error."""
    views = tuple(compiled_view(view, *_naming(model.views, index)) for index, view in enumerate(model.views))
    problems = [problem for view in views for problem in view.problems]
    problems += view_problems(model, views)
    chosen, selection_problems = chosen_features(model, views)
    problems += selection_problems
    problems += _slice_problems(model, views)
    label: CompiledLabel | None = None
    if model.label is not None and views:
        label, label_problems = compile_label(model, views[0], model.label)
        problems += label_problems
    where: Typed | None = None
    if model.where is not None and views:
        at = ProblemPlace(model.document, ("spec", "where"))
        where, where_problems = compile_where(views[0].definition, views[0].predict, model.where, at)
        problems += where_problems
    unique = tuple(dict.fromkeys(problems))
    if any(not problem.warning for problem in unique) or not chosen:
        return CompiledFeatures(None, None, unique)
    query = assemble(Assembly(views, chosen, label, model.slices, where))
    return CompiledFeatures(query, label.label if label else None, unique, label.type if label else "")


def compile_view(view: ViewDefinition) -> CompiledFeatures:
    """Compile all features of one view, without a label: for feature tests, and for views that no model takes."""
    return compile_features(ModelFeatures(view.name, (view,), (f"{view.name}.*",)))


def _naming(views: tuple[ViewDefinition, ...], index: int) -> tuple[tuple[tuple[str, str], ...], str]:
    """Return new names for what an earlier view of the model already calls so, meaning something else."""
    view, earlier = views[index], views[:index]
    joins = {join.name: join for other in reversed(earlier) for join in other.joins}
    renamed = tuple(
        (join.name, f"{view.name}_{join.name}")
        for join in view.joins
        if join.name in joins and joins[join.name] != join
    )
    names = {feature.name for other in earlier for feature in other.features}
    clash = any(feature.name in names for feature in view.features)
    return renamed, f"{view.name}_" if clash else ""


def _slice_problems(model: ModelFeatures, views: tuple[CompiledView, ...]) -> list[Problem]:
    if not views:
        return []
    spine = views[0].definition.spine
    at = ProblemPlace(model.document, ("spec",))
    return [
        Problem("MLC304", f"there is no column `{name}` in dataset `{spine.name}` to slice by", at, help=listed(spine))
        for name in model.slices
        if spine.column(name) is None
    ]
