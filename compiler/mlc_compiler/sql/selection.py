"""Which features a model takes, and whether the views that they come from can stand in one query."""

from __future__ import annotations

import fnmatch
import operator

from mlc_compiler.conventions import duration_text
from mlc_compiler.diagnostics import nearest
from mlc_compiler.sql.definitions import ModelFeatures, Problem, ProblemPlace, ProblemRelated
from mlc_compiler.sql.views import CompiledFeature, CompiledView

_MAGIC = frozenset("*?[")


def chosen_features(
    model: ModelFeatures, views: tuple[CompiledView, ...]
) -> tuple[tuple[CompiledFeature, ...], list[Problem]]:
    """Return the features that the patterns choose: in order of the patterns, then of definition; each once."""
    chosen: dict[tuple[str, str], CompiledFeature] = {}
    problems: list[Problem] = []
    for index, pattern in enumerate(model.select):
        at = ProblemPlace(model.document, ("spec", "features", index))
        full = pattern if "." in pattern else f"{pattern}.*"
        # Most are plain names, and compiling each to a pattern would take longer than all else here.
        matches = fnmatch.fnmatchcase if _MAGIC & set(full) else operator.eq
        names = [
            (v, f.name) for v in views for f in v.definition.features if matches(f"{v.definition.name}.{f.name}", full)
        ]
        if not names:
            problems.append(_no_match(pattern, full, views, at))
        for view, name in names:
            feature = view.feature(name)
            if feature is not None:
                chosen.setdefault((view.definition.name, name), feature)
    return tuple(chosen.values()), problems + _name_problems(model, tuple(chosen.values()), views)


def _no_match(pattern: str, full: str, views: tuple[CompiledView, ...], at: ProblemPlace) -> Problem:
    names = [f"{view.definition.name}.{feature.name}" for view in views for feature in view.definition.features]
    guess = nearest(full, names)
    help = f"did you mean `{guess}`?" if guess else "write view.feature, or view.* for all features of a view"
    return Problem("MLC206", f"`{pattern}` names no feature", at, help=help, fix=guess or "")


def _name_problems(
    model: ModelFeatures, chosen: tuple[CompiledFeature, ...], views: tuple[CompiledView, ...]
) -> list[Problem]:
    problems: list[Problem] = []
    at = ProblemPlace(model.document, ("spec", "features"))
    seen: dict[str, str] = {}
    for feature in chosen:
        name = feature.definition.name
        other = seen.setdefault(name.lower(), feature.view)
        if other != feature.view:
            message = f"the features `{other}.{name}` and `{feature.view}.{name}` have one name"
            problems.append(Problem("MLC323", message, at, help="take one of them, or rename the other"))
    for view in views[:1]:
        problems += _key_problems(view, chosen)
    return problems


def _key_problems(view: CompiledView, chosen: tuple[CompiledFeature, ...]) -> list[Problem]:
    problems = []
    for feature in chosen:
        name = feature.definition.name
        if name in view.definition.spine.primary_key and not is_key(feature, view):
            message = (
                f"feature `{name}` has the name of a primary key of `{view.definition.spine.name}`, and another meaning"
            )
            at = ProblemPlace(f"FeatureView/{feature.view}", ("spec", "features", name)).name()
            spine = view.definition.spine
            key = ProblemPlace(f"Dataset/{spine.name}", ("spec", "primary_key", spine.primary_key.index(name)))
            related = (ProblemRelated("primary_key", name, key),)
            problems.append(Problem("MLC323", message, at, help="rename the feature", related=related))
    return problems


def is_key(feature: CompiledFeature, view: CompiledView) -> bool:
    """Tell whether a feature is the primary-key column of its name, unchanged."""
    name = feature.definition.name
    return name in view.definition.spine.primary_key and feature.text == name and feature.kinded.form == "{0}"


def view_problems(model: ModelFeatures, views: tuple[CompiledView, ...]) -> list[Problem]:
    """Return where a model's views disagree about what one row is, and when it is predicted."""
    if not views:
        at = ProblemPlace(model.document, ("spec", "features"))
        return [Problem("MLC206", "the model takes no feature", at, help="write features: [view.*]")]
    first = views[0].definition
    problems = []
    for view in views[1:]:
        other = view.definition
        at = ProblemPlace(model.document, ("spec", "features"))
        if other.spine.name != first.spine.name:
            spines = f"`{first.spine.name}` and `{other.spine.name}`"
            message = f"views `{first.name}` and `{other.name}` have different spines: {spines}"
            problems.append(
                Problem("MLC207", message, at, help="take views of one spine, or join the other dataset into one view")
            )
        elif views[0].predict and view.predict and views[0].predict.canonical != view.predict.canonical:
            message = f"views `{first.name}` and `{other.name}` predict at different times"
            related = tuple(
                ProblemRelated("predict_at", v.predict_at, ProblemPlace(v.document, ("spec", "predict_at")))
                for v in (first, other)
            )
            problems.append(
                Problem("MLC207", message, at, help="let both views say the same `predict_at`", related=related)
            )
        elif other.refresh != first.refresh:
            times = f"{duration_text(first.refresh)} and {duration_text(other.refresh)}"
            message = f"views `{first.name}` and `{other.name}` are refreshed every {times}"
            help = "let both views say the same online.refresh: the snapshot of a model is written at once"
            related = tuple(
                ProblemRelated(
                    v.name, duration_text(v.refresh), ProblemPlace(v.document, ("spec", "online", "refresh"))
                )
                for v in (first, other)
            )
            problems.append(Problem("MLC323", message, at, help=help, related=related))
    return problems
