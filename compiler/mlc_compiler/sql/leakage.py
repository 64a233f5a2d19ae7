"""What a view may know of its own row: the columns that the caller sends, and nothing that becomes known later."""

from __future__ import annotations

from mlc_compiler.conventions import duration_text
from mlc_compiler.diagnostics import nearest
from mlc_compiler.ir import Column
from mlc_compiler.sql.definitions import Problem, ProblemPlace, ProblemRelated, ViewDefinition
from mlc_compiler.sql.knowledge import Instant, column_instant
from mlc_compiler.sql.scope import listed

_DECLARED = "spec", "columns"


def own_problem(
    view: ViewDefinition, predict: Instant | None, name: str, subject: str, at: ProblemPlace
) -> Problem | None:
    """Return why `subject` may not use the own row's column `name`, None when the caller sends it."""
    column = view.spine.column(name)
    if column is None or name in view.request:
        return None
    if column.known_at is None:
        message = f"{subject} uses `{name}`, which the caller does not send"
        help = f"add `{name}` to `request` if it is known then, or {_aggregate_help(view, column)}"
        sent = ProblemRelated("request", ", ".join(view.request), ProblemPlace(view.document, ("spec", "request")))
        related = (*((sent,) if view.request else ()), _predict_at(view))
        return Problem("MLC303", message, at, "not in `request`", help, related)
    message = f"{subject} uses `{name}`, known only after the prediction is made"
    help = _aggregate_help(view, column)
    related = (_declared(view, column), _predict_at(view))
    return Problem("MLC302", message, at, _known_note(view, predict, column), help, related)


def request_problems(view: ViewDefinition, predict: Instant | None) -> list[Problem]:
    """Return the request's columns that are no columns, or that nobody can send yet when the prediction is made."""
    problems = []
    for index, name in enumerate(view.request):
        at = ProblemPlace(view.document, ("spec", "request", index))
        column = view.spine.column(name)
        if column is None:
            guess = nearest(name, (c.name for c in view.spine.columns))
            help = f"did you mean `{guess}`?" if guess else listed(view.spine)
            problems.append(
                Problem(
                    "MLC304",
                    f"there is no column `{name}` in dataset `{view.spine.name}`",
                    at,
                    help=help,
                    fix=guess or "",
                )
            )
        elif column.known_at is not None and not _known_in_time(view, predict, name):
            message = f"`request` lists `{name}`, which nobody knows yet when the prediction is made"
            help = f"take it out of `request`, or mend `known_at` in dataset `{view.spine.name}`"
            related = (_declared(view, column), _predict_at(view))
            problems.append(Problem("MLC318", message, at, _known_note(view, predict, column), help, related))
    return problems


def _known_in_time(view: ViewDefinition, predict: Instant | None, name: str) -> bool:
    known = column_instant(view.spine, name, view.timezone)
    if predict is None or not isinstance(known, Instant):
        return True  # the instants themselves are wrong, and reported
    after = known.minus(predict)
    return known.canonical == predict.canonical if after is None else after <= 0


def _known_note(view: ViewDefinition, predict: Instant | None, column: Column) -> str:
    known = column_instant(view.spine, column.name, view.timezone)
    after = known.minus(predict) if isinstance(known, Instant) and predict is not None else None
    note = f"known at `{column.known_at}`"
    return f"{note}, {duration_text(after)} after the prediction" if after is not None and after > 0 else note


def _declared(view: ViewDefinition, column: Column) -> ProblemRelated:
    at = ProblemPlace(f"Dataset/{view.spine.name}", (*_DECLARED, column.name))
    return ProblemRelated("declared", f"{column.name}: {{..., known_at: {column.known_at}}}", at)


def _predict_at(view: ViewDefinition) -> ProblemRelated:
    return ProblemRelated("predict_at", view.predict_at, ProblemPlace(view.document, ("spec", "predict_at")))


def _aggregate_help(view: ViewDefinition, column: Column) -> str:
    texts = [name for name in view.request if (c := view.spine.column(name)) and c.type == "string"]
    by = f", by: [{texts[-1]}]" if texts else ""
    call = "avg" if column.type not in ("string", "timestamp", "date", "bool") else "last"
    return f'aggregate earlier {view.spine.name} instead, e.g. {{aggregate: "{call}({column.name})"{by}, window: 24h}}'
