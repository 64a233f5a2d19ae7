"""Types an expression and writes it as DuckDB SQL: the one meaning that training, serving and checks share.

Values are null where they are not defined: a division by zero, a logarithm of nothing, a number that does not fit.
Calendar functions read the project's timezone; stored timestamps are naive UTC.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mlc_compiler.diagnostics import nearest
from mlc_compiler.records import dataclass
from mlc_compiler.sql.calls import call_problem, calls_sql
from mlc_compiler.sql.forms import arithmetic_form, case_form, literal_form, written_form
from mlc_compiler.sql.functions import finite
from mlc_compiler.sql.parser import parse
from mlc_compiler.sql.scope import Scope, ScopeColumn
from mlc_compiler.sql.syntax import (
    Call,
    Case,
    Cast,
    ExpressionProblem,
    Literal,
    Membership,
    Name,
    Node,
    Operation,
    Span,
    operands,
)
from mlc_compiler.sql.values import Read, Typed, common_type, local_date, local_midnight, merged

_LONGEST_NAME = 60
_COMPARISONS = frozenset(("=", "<>", "<", "<=", ">", ">="))
_DAY = 86_400_000_000
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?")
UNKNOWN = Typed("NULL", "unknown", "null")

_CASTS = {
    ("string", "int64"): "TRY_CAST({0} AS BIGINT)",
    ("string", "float64"): finite("TRY_CAST({0} AS DOUBLE)"),
    ("string", "bool"): "TRY_CAST({0} AS BOOLEAN)",
    ("int64", "float64"): "CAST({0} AS DOUBLE)",
    ("int64", "string"): "CAST({0} AS VARCHAR)",
    ("float64", "int64"): "TRY_CAST(round({0}) AS BIGINT)",
    ("bool", "int64"): "CAST({0} AS BIGINT)",
    ("bool", "float64"): "CAST(CAST({0} AS BIGINT) AS DOUBLE)",
    ("bool", "string"): "CAST({0} AS VARCHAR)",
    ("date", "string"): "CAST({0} AS VARCHAR)",
}
_NO_CAST = {
    ("float64", "string"): "round it and cast it to int64 first: the digits of a float differ between engines",
    ("string", "timestamp"): "declare the column as timestamp in its dataset",
    ("string", "date"): "declare the column as date in its dataset",
}


@dataclass(frozen=True, slots=True)
class Compiled:
    """An expression, compiled; with an error among `problems`, `typed` is of type `unknown`."""

    text: str
    typed: Typed
    problems: tuple[ExpressionProblem, ...] = ()

    @property
    def failed(self) -> bool:
        return any(not problem.warning for problem in self.problems)


def compile_expression(
    text: str, scope: Scope, *, expect: str | None = None, aggregates: Mapping[Span, ScopeColumn] | None = None
) -> Compiled:
    """Type `text` against `scope` and write it as DuckDB SQL; `expect` is the type that the result must have.

    `aggregates` maps the ranges of aggregate calls to the columns that hold their values; columns stand only inside
    those calls then.
    """
    node = parse(text)
    if isinstance(node, ExpressionProblem):
        return Compiled(text, UNKNOWN, (node,))
    typist = _Typist(scope, aggregates)
    typed = typist.visit(node)
    typist.expect(node, typed, expect)
    failed = any(not problem.warning for problem in typist.problems)
    return Compiled(text, UNKNOWN if failed else typed, tuple(typist.problems))


class _Typist:
    """One walk over a syntax tree: types, SQL, canonical text and reads; collects every independent problem."""

    def __init__(self, scope: Scope, aggregates: Mapping[Span, ScopeColumn] | None) -> None:
        self._scope = scope
        self._aggregates = aggregates
        self.problems: list[ExpressionProblem] = []

    def visit(self, node: Node) -> Typed:
        if isinstance(node, Name):
            return self._name(node)
        if isinstance(node, Literal):
            return literal_form(node)
        if isinstance(node, Operation):
            return self._operation(node)
        if isinstance(node, Call):
            return self._call(node)
        if isinstance(node, Cast):
            return self._cast(node)
        return self._case(node) if isinstance(node, Case) else self._membership(node)

    def expect(self, node: Node, typed: Typed, expected: str | None) -> None:
        if typed.type == "unknown":
            return
        if typed.type in ("null", "interval"):
            what = "always null" if typed.type == "null" else "an interval, which is no value of a column"
            help = "write a column" if typed.type == "null" else "add it to a time: x + INTERVAL '3 hours'"
            self._problem("MLC306", f"the expression is {what}", node.span, help=help)
        elif expected is not None and typed.type != expected:
            help = (
                "compare it with something, e.g. `> 0`"
                if expected == "bool"
                else f"write a {expected}, e.g. cast(x as {expected})"
            )
            self._problem("MLC306", f"the expression is of type {typed.type}, not {expected}", node.span, help=help)

    def _problem(self, code: str, message: str, span: Span, *, help: str = "", fix: str = "") -> Typed:
        self.problems.append(ExpressionProblem(code, message, span, "", help, fix=fix))
        return UNKNOWN

    # --- names ---
    def _name(self, node: Name) -> Typed:
        written = f"{node.qualifier}.{node.name}" if node.qualifier else node.name
        if self._aggregates is not None:
            help = f"aggregate it, e.g. avg({written}) or last({written})"
            return self._problem("MLC315", f"`{written}` stands outside of an aggregate", node.span, help=help)
        column = self._scope.find(node)
        if column is None:
            return self._unknown_name(node, written)
        return Typed(column.sql, column.type, column.name, (Read(column, node.span),))

    def _unknown_name(self, node: Name, written: str) -> Typed:
        scope = self._scope
        if node.qualifier and node.qualifier.lower() not in scope.qualifiers:
            guess = nearest(node.qualifier.lower(), scope.qualifiers)
            help = f"did you mean `{guess}.{node.name}`?" if guess else "name it under `joins` first"
            message = f"`{_short(node.qualifier)}` is neither a join nor the dataset itself"
            fix = f"{guess}.{node.name}" if guess else ""
            return self._problem("MLC304", message, node.span, help=help, fix=fix)
        guess = nearest(written.lower(), (*scope.columns, *scope.related))
        shown = _display(scope, guess) if guess else ""
        help = f"did you mean `{shown}`?" if guess else _some_columns(scope, node.qualifier)
        if not guess and _is_quoted(node):
            help = f"write '{node.name}' if it is a text: double quotes are for names; {help}"
        message = f"there is no column `{_short(node.name)}` in {scope.searched(node.qualifier)}"
        return self._problem("MLC304", message, node.span, help=help, fix=shown if _BARE.fullmatch(shown) else "")

    # --- operators ---
    def _operation(self, node: Operation) -> Typed:
        values = tuple(self.visit(operand) for operand in node.operands)
        if any(value.type == "unknown" for value in values):
            return UNKNOWN
        operator = node.operator
        if operator in ("and", "or", "not", "is true", "is false"):
            return self._logic(node, values)
        if operator in _COMPARISONS or operator in ("between", "is distinct from"):
            return self._comparison(node, values)
        if operator == "is null":
            return merged(values, f"({values[0].sql} IS NULL)", "bool", f"({values[0].canonical} is null)")
        if operator in ("like", "||"):
            return self._text(node, values)
        return self._arithmetic(node, values)

    def _logic(self, node: Operation, values: tuple[Typed, ...]) -> Typed:
        self._check_booleans(node.operands, values, f"`{node.operator}`")
        return written_form(node.operator, values, "bool")

    def _check_booleans(self, nodes: tuple[Node, ...], values: tuple[Typed, ...], what: str) -> None:
        for part, value in zip(nodes, values, strict=True):
            if value.type not in ("bool", "null", "unknown"):
                message = f"{what} needs true or false, and this is of type {value.type}"
                self._problem("MLC306", message, part.span, help="compare it with something, e.g. `> 0`")

    def _comparison(self, node: Operation, values: tuple[Typed, ...]) -> Typed:
        for part, value in zip(node.operands, values, strict=True):
            if value.type == "null" and node.operator != "is distinct from":
                help = "write `is null` or `is not null`"
                return self._problem("MLC306", "a comparison with null is never true", part.span, help=help)
        type_ = common_type(values)
        if type_ is None or type_ == "interval":
            return self._chained(node) or self._mismatch(node, values)
        if type_ == "bool" and node.operator not in ("=", "<>", "is distinct from"):
            return self._problem("MLC306", "true and false have no order", node.span, help="write `x` or `not x`")
        self._check_enum(values, node.operands)
        return written_form(node.operator, values, "bool")

    def _chained(self, node: Operation) -> Typed | None:
        """Report `1 < x < 3`, where the second comparison has true or false on its left."""
        first = node.operands[0]
        if node.operator in _COMPARISONS and isinstance(first, Operation) and first.operator in _COMPARISONS:
            message = f"comparisons can't be chained: what stands before `{node.operator}` is true or false"
            return self._problem("MLC306", message, node.span, help="join two with `and`: 1 < x and x < 3")
        return None

    def _mismatch(self, node: Node, values: tuple[Typed, ...]) -> Typed:
        kinds = [value.type for value in values if value.type != "null"]
        message = f"{' and '.join(dict.fromkeys(kinds))} can't be compared or combined"
        constant = next((n for n in operands(node) if isinstance(n, Literal)), None)
        help = "cast one of them: cast(x as float64)"
        if constant is not None and constant.type in ("int64", "float64") and "string" in kinds:
            help = f"write the constant as text, '{constant.value}', or cast the other: cast(x as float64)"
        elif "timestamp" in kinds:
            help = "write a constant as TIMESTAMP '2013-01-31 05:15:00', or cast(x as timestamp) for a date"
        elif "date" in kinds:
            help = "write a constant as DATE '2013-01-31'"
        return self._problem("MLC306", message, node.span, help=help)

    def _check_enum(self, values: tuple[Typed, ...], nodes: tuple[Node, ...]) -> None:
        enums = [
            read.column for value in values for read in value.reads if value.sql == read.column.sql and read.column.enum
        ]
        if len(enums) != 1:
            return
        for part in nodes:
            if isinstance(part, Literal) and part.value is not None and part.value not in enums[0].enum:
                allowed = ", ".join(str(value) for value in enums[0].enum[:8])
                message = f"`{enums[0].name}` is never {part.value!r}"
                help = f"its dataset allows {allowed}"
                self.problems.append(ExpressionProblem("MLC326", message, part.span, help=help, warning=True))

    def _text(self, node: Operation, values: tuple[Typed, ...]) -> Typed:
        for part, value in zip(node.operands, values, strict=True):
            if value.type not in ("string", "null"):
                message = f"`{node.operator}` works on text, and this is of type {value.type}"
                return self._problem("MLC306", message, part.span, help="write cast(x as string)")
        return written_form(node.operator, values, "bool" if node.operator == "like" else "string")

    def _arithmetic(self, node: Operation, values: tuple[Typed, ...]) -> Typed:
        kinds = {value.type for value in values}
        if kinds & {"timestamp", "date", "interval"}:
            return self._time_arithmetic(node, values)
        for part, value in zip(node.operands, values, strict=True):
            if value.type not in ("int64", "float64", "null"):
                message = f"`{_sign(node.operator)}` works on numbers, and this is of type {value.type}"
                joins = "write || to join texts, or cast(x as float64)"
                help = joins if (node.operator, value.type) == ("+", "string") else _number_help(value.type)
                return self._problem("MLC306", message, part.span, help=help)
        return arithmetic_form(node, values)

    def _time_arithmetic(self, node: Operation, values: tuple[Typed, ...]) -> Typed:
        kinds = tuple(value.type for value in values)
        if node.operator == "+" and kinds[0] == "interval" and len(kinds) == 2:
            values, kinds = (values[1], values[0]), (kinds[1], kinds[0])
        if node.operator in ("+", "-") and kinds == ("timestamp", "interval"):
            return written_form(node.operator, values, "timestamp")
        if node.operator in ("+", "-") and kinds == ("date", "interval") and _whole_days(node):
            sql = f"CAST({values[0].sql} {node.operator} {values[1].sql} AS DATE)"
            return merged(values, sql, "date", f"({values[0].canonical} {node.operator} {values[1].canonical})")
        if kinds in (("timestamp", "timestamp"), ("date", "date")):
            help = "write minutes_between(a, b), hours_between(a, b) or days_between(a, b)"
            return self._problem("MLC306", f"the difference of two {kinds[0]}s needs a unit", node.span, help=help)
        message = f"`{_sign(node.operator)}` does not work on {' and '.join(kinds)}"
        return self._problem(
            "MLC306", message, node.span, help="add an interval to a timestamp: x + INTERVAL '3 hours'"
        )

    # --- the rest ---
    def _membership(self, node: Membership) -> Typed:
        nodes = (node.operand, *node.items)
        values = tuple(self.visit(part) for part in nodes)
        if any(value.type == "unknown" for value in values):
            return UNKNOWN
        for part, value in zip(node.items, values[1:], strict=True):
            if value.type == "null":
                return self._problem(
                    "MLC306", "null in a list is never equal to anything", part.span, help="add `or x is null`"
                )
        if common_type(values) is None:
            return self._mismatch(node, values)
        self._check_enum(values, nodes)
        items, texts = ", ".join(v.sql for v in values[1:]), ", ".join(v.canonical for v in values[1:])
        return merged(values, f"({values[0].sql} IN ({items}))", "bool", f"({values[0].canonical} in ({texts}))")

    def _case(self, node: Case) -> Typed:
        operand = None if node.operand is None else self.visit(node.operand)
        conditions = tuple(self.visit(condition) for condition, _ in node.branches)
        results = tuple(self.visit(result) for _, result in node.branches)
        default = Typed("NULL", "null", "null") if node.default is None else self.visit(node.default)
        values = (*conditions, *results, default) if operand is None else (operand, *conditions, *results, default)
        if any(value.type == "unknown" for value in values):
            return UNKNOWN
        if operand is None:
            self._check_booleans(tuple(condition for condition, _ in node.branches), conditions, "`when`")
        elif common_type((operand, *conditions)) is None:
            return self._mismatch(node, (operand, *conditions))
        type_ = common_type((*results, default))
        if type_ is None:
            return self._mismatch(node, (*results, default))
        return case_form(operand, conditions, results, default, type_)

    def _cast(self, node: Cast) -> Typed:
        value = self.visit(node.operand)
        if value.type == "unknown":
            return UNKNOWN
        canonical = f"cast({value.canonical} as {node.type})"
        if value.type in (node.type, "null"):
            return Typed(value.sql, node.type, canonical, value.reads, value.fallible, value.zoned, value.narrow)
        if (value.type, node.type) in (("timestamp", "date"), ("date", "timestamp")):
            form = local_date if node.type == "date" else local_midnight
            return merged((value,), form(value.sql, self._scope.timezone), node.type, canonical, zoned=True)
        template = _CASTS.get((value.type, node.type))
        if template is None:
            help = _NO_CAST.get((value.type, node.type), f"take a column of type {node.type}")
            return self._problem("MLC306", f"{value.type} can't be cast to {node.type}", node.span, help=help)
        return merged((value,), template.replace("{0}", value.sql), node.type, canonical)

    def _call(self, node: Call) -> Typed:
        column = (self._aggregates or {}).get(node.span)
        if column is not None:
            return Typed(column.sql, column.type, column.name, (Read(column, node.span),))
        values = tuple(self.visit(argument) for argument in node.arguments)
        problem = call_problem(node, values)
        if problem is not None:
            self.problems.append(problem)
            return UNKNOWN
        if any(value.type == "unknown" for value in values):
            return UNKNOWN
        return calls_sql(node, values, self._scope.timezone)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 3]}..."


def _is_quoted(node: Name) -> bool:
    return node.qualifier is None and node.span[1] - node.span[0] == len(node.name) + 2


def _whole_days(node: Operation) -> bool:
    return any(
        isinstance(part, Literal) and part.type == "interval" and int(part.value or 0) % _DAY == 0
        for part in node.operands
    )


def _sign(operator: str) -> str:
    return "-" if operator == "negate" else operator


def _number_help(type_: str) -> str:
    return "count it with `case when x then 1 else 0 end`" if type_ == "bool" else "write cast(x as float64)"


def _display(scope: Scope, found: str) -> str:
    if found not in scope.columns:
        return found
    qualifier = found.rpartition(".")[0]
    name = scope.columns[found].name
    return f"{qualifier}.{name}" if qualifier and "." not in name else name


def _some_columns(scope: Scope, qualifier: str | None) -> str:
    prefix = f"{qualifier.lower()}." if qualifier else ""
    names = [c.name for k, c in scope.columns.items() if k.startswith(prefix) and (prefix or "." not in k)]
    return f"it has {', '.join(names[:8])}" + (" ..." if len(names) > 8 else "") if names else ""
