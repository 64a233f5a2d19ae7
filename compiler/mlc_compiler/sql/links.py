"""Checks what ties a view to other datasets: keys that exist and agree in type, and a history that can be joined."""

from __future__ import annotations

from mlc_compiler.diagnostics import nearest
from mlc_compiler.ir import Dataset
from mlc_compiler.sql.definitions import JoinDefinition, Problem, ProblemPlace, ProblemRelated, ViewDefinition
from mlc_compiler.sql.knowledge import Instant
from mlc_compiler.sql.leakage import own_problem
from mlc_compiler.sql.scope import listed, value_type


def key_problems(
    view: ViewDefinition,
    predict: Instant | None,
    other: Dataset,
    names: tuple[str, ...],
    subject: str,
    at: ProblemPlace,
) -> list[Problem]:
    """Return what is wrong with keys that must be equal in `other` and in the own row; `at` is the list of names."""
    problems = []
    for index, name in enumerate(names):
        place = at.at(index)
        own, theirs = view.spine.column(name), other.column(name)
        for column, dataset in ((own, view.spine), (theirs, other)):
            if column is None:
                guess = nearest(name, (c.name for c in dataset.columns))
                message = f"{subject} needs key `{name}`, and dataset `{dataset.name}` has no such column"
                help = f"did you mean `{guess}`?" if guess else "name a column that both datasets have"
                problems.append(Problem("MLC311", message, place, help=help, fix=guess or ""))
                break
        else:
            problems += _type_problem(view, other, name, subject, place)
            problem = own_problem(view, predict, name, subject, place)
            problems += [problem] if problem is not None else []
    return problems


def _type_problem(view: ViewDefinition, other: Dataset, name: str, subject: str, at: ProblemPlace) -> list[Problem]:
    own, theirs = view.spine.column(name), other.column(name)
    if own is None or theirs is None or value_type(own) == value_type(theirs):
        return []
    message = f"key `{name}` of {subject} is {own.type} in `{view.spine.name}` and {theirs.type} in `{other.name}`"
    related = tuple(
        ProblemRelated(
            "declared",
            f"{name}: {{type: {column.type}}}",
            ProblemPlace(f"Dataset/{dataset.name}", ("spec", "columns", name)),
        )
        for column, dataset in ((own, view.spine), (theirs, other))
    )
    return [Problem("MLC311", message, at, help="give both columns one type", related=related)]


def join_problems(view: ViewDefinition, predict: Instant | None, join: JoinDefinition) -> list[Problem]:
    """Return what is wrong with a join."""
    at = ProblemPlace(view.document, ("spec", "joins", join.name))
    if join.name == view.spine.name:
        message = f"join `{join.name}` has the name of the spine, so `{join.name}.x` would mean two things"
        return [Problem("MLC309", message, at.name(), help=f"rename the join, and say `dataset: {join.dataset.name}`")]
    problems = key_problems(view, predict, join.dataset, join.on, f"join `{join.name}`", at.at("on"))
    if join.static == (join.as_of is not None):
        wrong = "says both `as_of` and `static`" if join.static else "says neither `as_of` nor `static`"
        message = f"join `{join.name}` {wrong}"
        time = join.dataset.event_time or "COLUMN"
        help = f"say as_of: {time} for the newest row known then, or static: true for the present content"
        return [*problems, Problem("MLC309", message, at.name(), help=help)]
    return problems + (_static_problems(join, at) if join.static else _history_problems(join, at))


def _static_problems(join: JoinDefinition, at: ProblemPlace) -> list[Problem]:
    dataset = join.dataset
    place = at.at("static")
    if dataset.event_time is not None and not dataset.overwrite:
        message = (
            f"join `{join.name}` is static, and `{dataset.name}` has a history: training would see rows that came later"
        )
        help = f"write as_of: {dataset.event_time} instead of static: true"
        related = ProblemRelated("event_time", dataset.event_time, _dataset_place(dataset, "event_time"))
        return [Problem("MLC312", message, place, help=help, related=(related,))]
    problems = []
    if join.tolerance is not None:
        message = f"join `{join.name}` has a tolerance, which a static table does not age by"
        problems.append(Problem("MLC309", message, at.at("tolerance"), help="leave `tolerance` out"))
    if not unique_on(dataset, join.on) and all(dataset.column(name) for name in join.on):
        keys = ", ".join(join.on)
        message = f"nothing says that `{dataset.name}` has one row for each {keys}; of several the greatest is taken"
        help = f"say primary_key: [{keys}] in dataset `{dataset.name}`, which is then checked"
        problems.append(Problem("MLC322", message, at.at("on"), help=help, warning=True))
    return problems


def _history_problems(join: JoinDefinition, at: ProblemPlace) -> list[Problem]:
    dataset, as_of = join.dataset, join.as_of or ""
    problem = history_problem(
        dataset, f"join `{join.name}`", at.at("as_of"), "join it with static: true, which takes its present content"
    )
    if problem is not None:
        return [problem]
    column = dataset.column(as_of)
    if column is None:
        guess = nearest(as_of, (c.name for c in dataset.columns))
        help = f"did you mean `{guess}`?" if guess else listed(dataset)
        message = f"`as_of` of join `{join.name}` names `{as_of}`, and dataset `{dataset.name}` has no such column"
        return [Problem("MLC304", message, at.at("as_of"), help=help, fix=guess or "")]
    if column.type != "timestamp":
        message = f"`as_of` of join `{join.name}` is of type {column.type}, and rows are ordered by a timestamp"
        declared = ProblemRelated("declared", f"{as_of}: {{type: {column.type}}}", _column_place(dataset, as_of))
        return [Problem("MLC308", message, at.at("as_of"), help=times_help(dataset), related=(declared,))]
    return []


def history_problem(dataset: Dataset, subject: str, at: ProblemPlace, overwrite_help: str) -> Problem | None:
    """Return why nothing can be known of a dataset's past, None when its rows have a knowledge time."""
    if dataset.overwrite:
        message = f"{subject} needs the past of `{dataset.name}`, which is overwritten in place"
        related = ProblemRelated("updates", "overwrite", _dataset_place(dataset, "updates"))
        return Problem("MLC310", message, at, help=overwrite_help, related=(related,))
    wrong = event_time_problem(dataset)
    if wrong is not None:
        return wrong
    if dataset.event_time is None:
        message = f"{subject} needs to know when rows of `{dataset.name}` became known, and nothing says so"
        time = next((c.name for c in dataset.columns if c.type == "timestamp"), "COLUMN")
        help = f"say event_time: {time} in dataset `{dataset.name}`"
        declared = ProblemRelated("dataset", dataset.name, _dataset_place(dataset, "columns"))
        return Problem("MLC313", message, at, help=help, related=(declared,))
    column = dataset.column(dataset.event_time)
    if column is None or column.type != "timestamp":
        message = f"{subject} can't tell when rows became known: `{dataset.event_time}` of `{dataset.name}` is a date"
        related = ProblemRelated("event_time", dataset.event_time, _dataset_place(dataset, "event_time"))
        return Problem("MLC313", message, at, help=times_help(dataset), related=(related,))
    return None


def times_help(dataset: Dataset) -> str:
    """Return which columns of a dataset are times, as help."""
    times = [column.name for column in dataset.columns if column.type == "timestamp"]
    return f"name a column of type timestamp{': ' if times else ''}{', '.join(times)}"


def _column_place(dataset: Dataset, name: str) -> ProblemPlace:
    return ProblemPlace(f"Dataset/{dataset.name}", ("spec", "columns", name))


def event_time_problem(dataset: Dataset) -> Problem | None:
    """Return why a dataset's event time is none: the same finding wherever it is met, so that it is told once."""
    if dataset.event_time is None:
        return None
    at, name = _dataset_place(dataset, "event_time"), dataset.event_time
    column = dataset.column(name)
    if column is None:
        near = nearest(name, (c.name for c in dataset.columns))
        help = f"did you mean `{near}`?" if near else f"its columns are {', '.join(c.name for c in dataset.columns)}"
        return Problem("MLC331", f"dataset `{dataset.name}` has no column `{name}`", at, help=help, fix=near or "")
    if column.type not in ("timestamp", "date"):
        times = [c.name for c in dataset.columns if c.type == "timestamp"]
        help = f"name a column of type timestamp: {', '.join(times)}" if times else "name a column of type timestamp"
        return Problem("MLC332", f"`{name}` is {column.type}, not a time", at, help=help)
    return None


def unique_on(dataset: Dataset, keys: tuple[str, ...]) -> bool:
    """Tell whether the dataset declares that it has one row for each value of `keys`."""
    declared = [c.name for c in dataset.columns if c.unique]
    return bool(dataset.primary_key and set(dataset.primary_key) <= set(keys)) or any(name in keys for name in declared)


def _dataset_place(dataset: Dataset, field: str) -> ProblemPlace:
    return ProblemPlace(f"Dataset/{dataset.name}", ("spec", field))
