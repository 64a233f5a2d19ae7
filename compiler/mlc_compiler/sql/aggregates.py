"""Compiles `aggregate:` fields: an expression over aggregate calls, each over rows that are known in its window."""

from __future__ import annotations

from collections.abc import Iterator

from mlc_compiler.conventions import duration_text
from mlc_compiler.ir import Dataset
from mlc_compiler.records import dataclass
from mlc_compiler.sql.definitions import AggregateDefinition, Problem, ProblemPlace, ViewDefinition, placed
from mlc_compiler.sql.expressions import compile_expression
from mlc_compiler.sql.functions import AGGREGATE_BY_NAME, Aggregate
from mlc_compiler.sql.knowledge import Instant, instants, latest_text
from mlc_compiler.sql.links import history_problem, key_problems
from mlc_compiler.sql.parser import parse
from mlc_compiler.sql.scope import Scope, ScopeColumn, prepared_scope
from mlc_compiler.sql.syntax import Call, ExpressionProblem, Name, Node, Span, operands
from mlc_compiler.sql.terms import Own, Term
from mlc_compiler.sql.values import Typed

_TAKES = {"summable": ("int64", "float64", "bool")}


@dataclass(frozen=True, slots=True)
class AggregateContext:
    """Where an aggregate stands. `start` and `end` are seconds from the prediction; `start` None means no window was
    given. `column` starts the names of the values; `lookup` is fixed for labels, which are never looked up."""

    view: ViewDefinition
    predict: Instant | None
    at: ProblemPlace
    subject: str
    column: str
    start: float | None
    end: float
    lookup: str | None = None


@dataclass(frozen=True, slots=True)
class CompiledAggregate:
    """`typed` reads the terms' values; it is None after an error. `text` is canonical."""

    typed: Typed | None
    terms: tuple[Term, ...]
    text: str
    problems: tuple[Problem, ...]


def compile_aggregate(definition: AggregateDefinition, context: AggregateContext) -> CompiledAggregate:
    """Compile an `aggregate:` with its keys, filter and window; reports every independent problem."""
    scope = prepared_scope(definition.over, context.view.timezone)
    problems = _frame_problems(definition, context)
    where, where_problems = _where(definition, context, scope)
    node = parse(definition.text)
    if isinstance(node, ExpressionProblem):
        return CompiledAggregate(None, (), "", (*problems, *where_problems, _placed(node, context)))
    calls = tuple(_calls(node))
    found: list[ExpressionProblem] = [] if calls else [_no_aggregate(node, definition)]
    arguments = {call.span: _argument(call, definition.text, scope, found) for call in calls}
    inner = [_placed(problem, context) for problem in found]
    problems = [*problems, *where_problems, *inner]
    if any(not p.warning for p in problems):
        return CompiledAggregate(None, (), "", tuple(problems))
    terms: dict[Span, Term] = {}
    for number, call in enumerate(calls, 1):
        name = context.column if len(calls) == 1 else f"{context.column}_{number}"
        term = _term(call, arguments[call.span], where, definition, context, name)
        if isinstance(term, Problem):
            return CompiledAggregate(None, (), "", (*problems, term))
        terms[call.span] = term
    return _outer(definition, context, scope, terms, problems)


def _outer(
    definition: AggregateDefinition,
    context: AggregateContext,
    scope: Scope,
    terms: dict[Span, Term],
    problems: list[Problem],
) -> CompiledAggregate:
    values = {span: ScopeColumn(_call_text(term), term.name, term.type) for span, term in terms.items()}
    compiled = compile_expression(definition.text, scope, aggregates=values)
    problems = [*problems, *(_placed(problem, context) for problem in compiled.problems)]
    problems += _own_problems(tuple(terms.values()), context)
    typed = None if compiled.failed else compiled.typed
    text = f"{compiled.typed.canonical} {_frame_text(definition, next(iter(terms.values())))}"
    return CompiledAggregate(typed, tuple(terms.values()), text, tuple(problems))


# --- calls -----------------------------------------------------------------------------------------------------------
def _calls(node: Node) -> Iterator[Call]:
    if isinstance(node, Call) and node.function in AGGREGATE_BY_NAME:
        yield node
        return
    for part in operands(node):
        yield from _calls(part)


def _no_aggregate(node: Node, definition: AggregateDefinition) -> ExpressionProblem:
    text = definition.text.strip()
    known = ", ".join(AGGREGATE_BY_NAME)
    help = f"write e.g. avg({text})" if isinstance(node, Name) else f"take one of {known}"
    return ExpressionProblem("MLC315", "`aggregate` holds no aggregate", node.span, help=help)


def _argument(call: Call, text: str, scope: Scope, found: list[ExpressionProblem]) -> Typed | None:
    """Return the argument of an aggregate call, None for count(*); what is wrong goes into `found`."""
    aggregate = AGGREGATE_BY_NAME[call.function]
    if call.star and call.function == "count":
        return None
    if call.star or len(call.arguments) != 1:
        given = "*" if call.star else str(len(call.arguments))
        message = f"`{call.function}` takes 1 argument, not {given}"
        found.append(
            ExpressionProblem("MLC306", message, call.span, help=f"write {call.function}(x): {aggregate.meaning}")
        )
        return None
    argument = call.arguments[0]
    if next(_calls(argument), None) is not None:
        message = "an aggregate can't stand inside another"
        found.append(
            ExpressionProblem("MLC315", message, argument.span, help="make the inner one a feature of a dataset's rows")
        )
        return None
    # The rest of the text is blanked, so that positions stay those of the whole field.
    start, end = argument.span
    compiled = compile_expression(" " * start + text[start:end], scope)
    found += compiled.problems
    if not compiled.failed:
        found += _type_problem(call, aggregate, compiled.typed)
    return compiled.typed


def _type_problem(call: Call, aggregate: Aggregate, typed: Typed) -> list[ExpressionProblem]:
    takes = _TAKES.get(aggregate.takes)
    if takes is None or typed.type in takes:
        return []
    message = f"`{aggregate.name}` adds numbers up, and this is of type {typed.type}"
    return [
        ExpressionProblem("MLC306", message, call.arguments[0].span, help="use count, min, max, first or last for it")
    ]


def _result_type(function: str, argument: Typed | None) -> str:
    result = AGGREGATE_BY_NAME[function].result
    if result != "first" or argument is None:
        return result if argument is not None else "int64"
    return "int64" if function == "sum" and argument.type == "bool" else argument.type


# --- frames ----------------------------------------------------------------------------------------------------------
def _frame_problems(definition: AggregateDefinition, context: AggregateContext) -> list[Problem]:
    over, subject = definition.over, context.subject
    problems = key_problems(
        context.view, context.predict, over, definition.by, f"`by` of {subject}", context.at.at("by")
    )
    place = context.at.at("over") if over.name != context.view.spine.name else context.at.at("aggregate")
    problem = history_problem(
        over, subject, place, "declare a dataset that keeps its history, or join it with static: true"
    )
    problems += [problem] if problem is not None else []
    if context.start is None:
        message = f"{subject} aggregates without a window"
        problems.append(
            Problem("MLC314", message, context.at.name(), help="say how far back it reaches, e.g. window: 24h")
        )
    elif context.start >= context.end:
        problems.append(_empty_window(context))
    return problems


def _empty_window(context: AggregateContext) -> Problem:
    window, refresh = duration_text(-(context.start or 0.0)), duration_text(-context.end)
    message = (
        f"{context.subject} aggregates over nothing: its window is {window},"
        f" and the last {refresh} are not known when serving"
    )
    note = f"[predict_at - {window}, predict_at - {refresh}) is empty"
    help = f"make the window longer than online.refresh ({refresh}), or refresh more often"
    return Problem("MLC314", message, context.at.at("window"), note, help)


def _where(
    definition: AggregateDefinition, context: AggregateContext, scope: Scope
) -> tuple[Typed | None, tuple[Problem, ...]]:
    if definition.where is None:
        return None, ()
    compiled = compile_expression(definition.where, scope, expect="bool")
    at = context.at.at("where")
    problems = tuple(placed(problem, at) for problem in compiled.problems)
    return (None if compiled.failed else compiled.typed), problems


def _term(
    call: Call,
    argument: Typed | None,
    where: Typed | None,
    definition: AggregateDefinition,
    context: AggregateContext,
    name: str,
) -> Term | Problem:
    over = definition.over
    typed = [value for value in (argument, where) if value is not None]
    reads = {read.column.name for value in typed for read in value.reads} | set(definition.by)
    on_event = definition.window_on == "event_time"
    if over.event_time and (on_event or not reads):
        reads.add(over.event_time)
    known = instants(over, reads, context.view.timezone)
    if isinstance(known, Problem):
        return known
    start, end = context.start or 0.0, context.end
    own = _own(over, known, context, on_event)
    keyed = f"{over.name}_by_{'_'.join(definition.by)}" if definition.by else f"{over.name}_overall"
    column = f"{name}_value" if name in definition.by else name  # the lookup has a column for each key, too
    type_ = _result_type(call.function, argument)
    term = Term(
        call.function,
        over,
        definition.by,
        argument,
        where,
        start,
        end,
        on_event,
        known,
        own,
        type_,
        context.lookup or keyed,
        column,
    )
    return _lagging(term, context) or term


def _lagging(term: Term, context: AggregateContext) -> Problem | None:
    """Return why a window in event time is always empty: what happened in it is never known yet."""
    if not term.on_event or term.lag is None or term.known_start < term.end:
        return None
    window, lag, refresh = (duration_text(s) for s in (-term.start, term.lag, -term.end))
    message = f"{context.subject} aggregates over nothing: its values become known {lag} after their event"
    note = f"events of the last {window} that are known {refresh} before the prediction: none"
    help = f"make the window longer than {duration_text(term.lag - term.end)}, or window_on: knowledge_time"
    return Problem("MLC314", message, context.at.at("window"), note, help)


def _own(over: Dataset, known: tuple[Instant, ...], context: AggregateContext, on_event: bool) -> Own:
    """Return whether the predicted row lies in its own window, as far as the specs say."""
    if over.name != context.view.spine.name:
        return "absent"
    if context.predict is None:
        return "undecided"
    after = [moment.minus(context.predict) for moment in known]
    if any(seconds is not None and seconds >= context.end for seconds in after):
        return "outside"
    if len(after) == 1 and after[0] is not None and not on_event:
        return "inside" if after[0] >= (context.start or 0.0) else "outside"
    return "undecided"


def _own_problems(terms: tuple[Term, ...], context: AggregateContext) -> list[Problem]:
    problems = []
    for term in terms:
        if term.plan == "pairs" and term.own in ("inside", "undecided") and not term.dataset.primary_key:
            message = f"{context.subject} must leave the own row out, and `{term.dataset.name}` has no primary key"
            help = f"say primary_key: [COLUMN] in dataset `{term.dataset.name}`"
            problems.append(Problem("MLC321", message, context.at.at("aggregate"), help=help))
        elif term.own == "inside" and context.lookup is None:
            message = f"{context.subject} sees the own row when serving"
            note = f"known at {latest_text(term.known)}: training leaves it out, the online snapshot can't"
            help = "aggregate a column that becomes known later, or say `known_at: COLUMN` where this one really does"
            problems.append(Problem("MLC321", message, context.at.at("aggregate"), note, help, warning=True))
    return problems[:1]


def _placed(problem: ExpressionProblem, context: AggregateContext) -> Problem:
    return placed(problem, context.at.at("aggregate"))


# --- canonical text --------------------------------------------------------------------------------------------------
def _call_text(term: Term) -> str:
    return f"{term.function}({term.argument.canonical if term.argument else '*'})"


def _frame_text(definition: AggregateDefinition, term: Term) -> str:
    """Return rows, keys and window as text; knowledge times are part of it because they change values."""
    by = f" by ({', '.join(definition.by)})" if definition.by else ""
    where = f" where {term.where.canonical}" if term.where else ""
    on = " on event_time" if term.on_event else ""
    window = f"[{term.start:+g}s, {term.end:+g}s)"
    return f"over {definition.over.name}{by}{where} in {window}{on} known {latest_text(term.known)}"
