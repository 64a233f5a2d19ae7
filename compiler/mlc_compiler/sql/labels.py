"""Compiles labels: a value of the own row, or an aggregate over what becomes known after the prediction.

A label is mature when it is known: at its `known_at` and at that of each column it reads, or when its horizon is over.
"""

from __future__ import annotations

from mlc_compiler.ir import Dataset, Label, Origin
from mlc_compiler.records import dataclass
from mlc_compiler.sql.aggregates import AggregateContext, compile_aggregate
from mlc_compiler.sql.definitions import LabelDefinition, ModelFeatures, Problem, ProblemPlace, ProblemRelated
from mlc_compiler.sql.expressions import Compiled, compile_expression
from mlc_compiler.sql.functions import finite
from mlc_compiler.sql.groups import AT, scan_sql
from mlc_compiler.sql.knowledge import Instant, instant, instants, known_filter, latest_sql, latest_text, shifted
from mlc_compiler.sql.scope import prepared_scope
from mlc_compiler.sql.terms import Term
from mlc_compiler.sql.text import where_sql
from mlc_compiler.sql.values import Typed
from mlc_compiler.sql.views import CompiledView, expression_problems

_CONDITION = "write what the model is to learn over columns of the spine, such as `delay > 15`"

LOOKUP = "label"


@dataclass(frozen=True, slots=True)
class CompiledLabel:
    """`value` and `known` are SQL beside the spine's rows (prefix `s.` where `__predict_at` is meant)."""

    value: str
    known: str
    reads: tuple[str, ...]
    terms: tuple[Term, ...]
    label: Label
    type: str


def compile_label(
    model: ModelFeatures, view: CompiledView, definition: LabelDefinition
) -> tuple[CompiledLabel | None, list[Problem]]:
    """Compile the label of a model over the spine of `view`."""
    at = ProblemPlace(model.document, ("spec", "label"))
    if (definition.expr is None) == (definition.aggregate is None):
        message = "the label needs exactly one of `expr` and `aggregate`"
        return None, [Problem("MLC316", message, at.name(), help="keep one of the two")]
    if definition.aggregate is not None:
        return _ahead(model, view, definition, at)
    return _own_row(model, view, definition, at)


# --- a value of the own row ------------------------------------------------------------------------------------------
def _own_row(
    model: ModelFeatures, view: CompiledView, definition: LabelDefinition, at: ProblemPlace
) -> tuple[CompiledLabel | None, list[Problem]]:
    spine, text = view.definition.spine, definition.expr or ""
    compiled = compile_expression(text, prepared_scope(spine, view.definition.timezone))
    problems = expression_problems(compiled, at.at("expr"))
    known, known_problems = _known(view, definition, compiled, at)
    problems += known_problems
    if not compiled.failed:
        pointless = _nothing_to_predict(view, compiled, at)
        if pointless:  # when it is known does not matter then
            return None, [*(problem for problem in problems if problem.code != "MLC320"), *pointless]
        problems += _known_too_early(view, known, at)
    if compiled.failed or not known or any(not problem.warning for problem in problems):
        return None, problems
    reads = {read.column.name for read in compiled.typed.reads} | {name for moment in known for name in moment.reads}
    conditions = " AND ".join(known_filter(known))
    moment = latest_sql(known) if len(known) == 1 else f"CASE WHEN {conditions} THEN {latest_sql(known)} END"
    value = f"CASE WHEN {conditions} THEN {_plain(compiled.typed)} END"
    canonical = f"{compiled.typed.canonical} known {latest_text(known)}"
    label = Label(canonical, text, latest_text(known), definition.horizon, _origin(model))
    return CompiledLabel(value, moment, tuple(sorted(reads)), (), label, compiled.typed.type), problems


def _known(
    view: CompiledView, definition: LabelDefinition, compiled: Compiled, at: ProblemPlace
) -> tuple[tuple[Instant, ...], list[Problem]]:
    """Return after what the label is known: what it says itself, and what its columns say."""
    spine, timezone = view.definition.spine, view.definition.timezone
    declared: list[Instant] = []
    problems: list[Problem] = []
    if definition.known_at is not None:
        scope = prepared_scope(spine, timezone)
        stated = compile_expression(definition.known_at, scope, expect="timestamp")
        problems += expression_problems(stated, at.at("known_at"))
        declared += [] if stated.failed else [instant(stated, scope)]
    if definition.horizon is not None and view.predict is not None:
        predict = view.predict
        sql, text = shifted(predict.sql, definition.horizon), f"({predict.canonical} + {definition.horizon:g}s)"
        declared.append(Instant(sql, text, predict.base, predict.offset + definition.horizon, predict.reads))
    found = instants(spine, (read.column.name for read in compiled.typed.reads), timezone)
    if isinstance(found, Problem):
        return (), [*problems, found]
    if not found and not declared and not problems and not compiled.failed:
        message = "nothing says when the label becomes known"
        help = "say known_at: COLUMN, or horizon: 30d after the prediction"
        problems.append(Problem("MLC320", message, at.name(), help=help))
    return _merged((*declared, *found)), problems


def _merged(moments: tuple[Instant, ...]) -> tuple[Instant, ...]:
    unique = {moment.canonical: moment for moment in moments}.values()
    kept = [m for m in unique if not any((other.minus(m) or 0) > 0 for other in unique)]
    return tuple(sorted(kept, key=lambda moment: moment.canonical))


def _nothing_to_predict(view: CompiledView, compiled: Compiled, at: ProblemPlace) -> list[Problem]:
    names = list(dict.fromkeys(read.column.name for read in compiled.typed.reads))
    if not names:
        return [
            Problem(
                "MLC319", "the label reads no column, so it is the same for all rows", at.at("expr"), help=_CONDITION
            )
        ]
    if not all(name in view.definition.request for name in names) or _never_sent(view, names):
        return []
    listed = ", ".join(f"`{name}`" for name in names)
    message = f"the label follows from {listed}, which the caller sends: there is nothing to predict"
    related = ProblemRelated(
        "request", ", ".join(view.definition.request), ProblemPlace(view.definition.document, ("spec", "request"))
    )
    return [Problem("MLC319", message, at.at("expr"), help=f"take {listed} out of `request`", related=(related,))]


def _never_sent(view: CompiledView, names: list[str]) -> bool:
    """Tell whether a column can't be in the request at all, which the view's own finding says."""
    late = [problem.at.path[-1] for problem in view.problems if problem.code == "MLC318"]
    return any(view.definition.request[index] in names for index in late if isinstance(index, int))


def _known_too_early(view: CompiledView, known: tuple[Instant, ...], at: ProblemPlace) -> list[Problem]:
    after = [None if view.predict is None else moment.minus(view.predict) for moment in known]
    if not after or any(seconds is None or seconds > 0 for seconds in after):
        return []
    message = f"the label is known at {latest_text(known)}, no later than the prediction that it should teach"
    help = "say when the outcome is really known: known_at: COLUMN, or horizon: 30d"
    note = "each row would count as mature at once, so training could learn from outcomes that nobody has yet"
    return [Problem("MLC320", message, at.name(), note, help, warning=True)]


# --- an aggregate ahead ----------------------------------------------------------------------------------------------
def _ahead(
    model: ModelFeatures, view: CompiledView, definition: LabelDefinition, at: ProblemPlace
) -> tuple[CompiledLabel | None, list[Problem]]:
    aggregate = definition.aggregate
    if aggregate is None:
        return None, []
    if not definition.horizon:
        message = "the label aggregates without a horizon"
        return None, [Problem("MLC314", message, at.name(), help="say how far it looks ahead, e.g. horizon: 30d")]
    context = AggregateContext(view.definition, view.predict, at, "the label", "value", 0.0, definition.horizon, LOOKUP)
    compiled = compile_aggregate(aggregate, context)
    problems = list(compiled.problems)
    if definition.known_at is not None:
        message = "a label over a horizon is known when the horizon ends; `known_at` has no place beside it"
        problems.append(Problem("MLC320", message, at.at("known_at"), help="leave `known_at` out"))
    if compiled.typed is None or any(not problem.warning for problem in problems):
        return None, problems
    known = shifted(f"s.{AT}", definition.horizon)
    # Rows whose horizon reaches past the end of the data would count too little; they are immature, never negatives.
    value = f"CASE WHEN {known} <= {_end_sql(aggregate.over, compiled.terms)} THEN {_plain(compiled.typed)} END"
    matured = f"predict_at + {definition.horizon:g}s"
    label = Label(compiled.text, aggregate.text, matured, definition.horizon, _origin(model))
    return CompiledLabel(value, known, (), compiled.terms, label, compiled.typed.type), problems


def _end_sql(over: Dataset, terms: tuple[Term, ...]) -> str:
    """Return until when the aggregated dataset is complete: the end of its history, else the last thing it knows."""
    if over.until is not None:
        return f"TIMESTAMP '{over.until} 00:00:00'"
    first = terms[0]
    reads = {name for moment in first.known for name in moment.reads}
    complete = where_sql(known_filter(first.known)).strip()
    return f"(SELECT max({latest_sql(first.known)}) FROM ({scan_sql(over, reads)}) {complete})"


def _plain(typed: Typed) -> str:
    return finite(typed.safe_sql) if typed.type == "float64" else typed.safe_sql


def _origin(model: ModelFeatures) -> Origin:
    return Origin(model.document, "spec.label")
