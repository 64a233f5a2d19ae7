"""Checks and writes function calls, from the allow-list in `functions`."""

from __future__ import annotations

from mlc_compiler.diagnostics import nearest
from mlc_compiler.sql.functions import AGGREGATE_BY_NAME, ALIASES, BY_NAME, REASONS, START_UNITS, Function
from mlc_compiler.sql.syntax import Call, ExpressionProblem, Literal, Name, Node
from mlc_compiler.sql.values import Typed, common_type, from_local, local, merged

_CLASSES = {
    "number": ("int64", "float64"),
    "calendar": ("timestamp", "date"),
    "moment": ("timestamp", "date"),
    "clock": ("timestamp",),
    "any": ("string", "int64", "float64", "bool", "timestamp", "date"),
}
_WORDS = {"calendar": "time", "moment": "time", "clock": "timestamp", "any": "value", "unit": "'day'"}
_CONSTANTS = ("digits", "count", "unit")


def call_problem(node: Call, values: tuple[Typed, ...]) -> ExpressionProblem | None:
    """Return what is wrong with a call in a row expression: name, number or types of arguments."""
    function = BY_NAME.get(node.function)
    if function is None:
        return _unknown_function(node)
    return (
        _count_problem(node, function)
        or _argument_problem(node, function, values)
        or _common_problem(node, function, values)
    )


def calls_sql(node: Call, values: tuple[Typed, ...], timezone: str) -> Typed:
    """Return the SQL of a call without problems."""
    function = BY_NAME[node.function]
    canonical = f"{function.name}({', '.join(value.canonical for value in values)})"
    zoned = any(
        kind in ("calendar", "clock") and v.type == "timestamp"
        for kind, v in zip(function.parameters, values, strict=False)
    )
    if function.name == "start_of":
        inner = f"date_trunc({values[0].sql}, {local(values[1].sql, timezone)})"
        return merged(values, from_local(inner, timezone), "timestamp", canonical, zoned=True)
    forms = [local(value.sql, timezone) if zoned else value.sql for value in values]
    sql = function.sql.replace("{all}", ", ".join(forms))
    # One pass over the template alone: an argument may hold braces itself.
    sql = _filled(sql, forms) if "{all}" not in function.sql else sql
    type_ = _result(function, values)
    narrow = type_ == "int64" and function.result in ("first", "common", "branches") and all(v.narrow for v in values)
    fallible = function.fallible and not (function.name == "abs" and type_ == "float64")
    return merged(values, sql, type_, canonical, zoned=zoned, fallible=fallible, narrow=narrow)


def _filled(template: str, forms: list[str]) -> str:
    pieces: list[str] = []
    rest = template
    while (start := rest.find("{")) >= 0:
        pieces += [rest[:start], forms[int(rest[start + 1])]]
        rest = rest[start + 3 :]
    return "".join([*pieces, rest])


def _result(function: Function, values: tuple[Typed, ...]) -> str:
    if function.result == "first":
        return values[0].type
    if function.result == "branches":
        return common_type(values[1:]) or "unknown"
    return common_type(values) or "unknown" if function.result == "common" else function.result


def _unknown_function(node: Call) -> ExpressionProblem:
    name = node.function
    if name in AGGREGATE_BY_NAME:
        inner = "*" if node.star else _named(node.arguments[0]) if node.arguments else "..."
        help = f'write it as a feature: {{aggregate: "{name}({inner})", by: [...], window: 24h}}'
        return ExpressionProblem(
            "MLC315", f"`{name}` needs other rows, and an expression sees one", node.head, help=help
        )
    if name in REASONS:
        reason, help = REASONS[name]
        return ExpressionProblem("MLC305", f"`{name}` is refused: {reason}", node.head, help=help)
    guess = ALIASES.get(name) or nearest(name, (*BY_NAME, *AGGREGATE_BY_NAME))
    help = f"did you mean `{guess}`?" if guess else "docs/expressions.md lists the functions there are"
    return ExpressionProblem("MLC305", f"there is no function `{name[:60]}`", node.head, help=help, fix=guess or "")


def _named(node: Node) -> str:
    if isinstance(node, Name):
        return f"{node.qualifier}.{node.name}" if node.qualifier else node.name
    return "..."


def _usage(function: Function) -> str:
    """Return how a function is written, as help."""
    words = [_WORDS.get(kind, kind) for kind in function.parameters]
    least = len(words) - function.optional
    optional = "".join(f"[, {word}{', ...' if function.variadic else ''}]" for word in words[least:])
    return f"write {function.name}({', '.join(words[:least])}{optional}): {function.meaning}"


def _count_problem(node: Call, function: Function) -> ExpressionProblem | None:
    given, most = len(node.arguments), len(function.parameters)
    least = most - function.optional
    if node.star or given < least or (given > most and not function.variadic):
        wanted = f"at least {least}" if function.variadic else str(least) if least == most else f"{least} to {most}"
        plural = "" if wanted == "1" else "s"
        message = f"`{function.name}` takes {wanted} argument{plural}, not {'*' if node.star else given}"
        return ExpressionProblem("MLC306", message, node.span, help=_usage(function))
    return None


def _argument_problem(node: Call, function: Function, values: tuple[Typed, ...]) -> ExpressionProblem | None:
    kinds = function.parameters + function.parameters[-1:] * (len(values) - len(function.parameters))
    for part, value, kind in zip(node.arguments, values, kinds, strict=False):
        if kind in _CONSTANTS:
            problem = _constant_problem(part, kind, function)
            if problem is not None:
                return problem
        elif value.type not in (*_CLASSES.get(kind, (kind,)), "null", "unknown"):
            wanted = " or ".join(_CLASSES.get(kind, (kind,)))
            message = f"`{function.name}` takes {wanted} here, and this is of type {value.type}"
            return ExpressionProblem("MLC306", message, part.span, help=_usage(function))
    return None


def _constant_problem(node: Node, kind: str, function: Function) -> ExpressionProblem | None:
    value = node.value if isinstance(node, Literal) else None
    if kind == "unit":
        fits, wanted = value in START_UNITS, "one of " + ", ".join(f"'{unit}'" for unit in START_UNITS)
    elif kind == "digits":
        fits, wanted = type(value) is int and -15 <= value <= 15, "a constant from -15 to 15"
    else:
        fits, wanted = type(value) is int and 1 <= value < 2**31, "a constant whole number, 1 or more"
    if fits:
        return None
    return ExpressionProblem("MLC306", f"`{function.name}` takes {wanted} here", node.span, help=_usage(function))


def _common_problem(node: Call, function: Function, values: tuple[Typed, ...]) -> ExpressionProblem | None:
    alike = {"common": values, "branches": values[1:]}.get(function.result, ())
    if function.name == "nullif" or function.name.endswith("_between"):
        alike = values
    if any(value.type == "unknown" for value in values) or common_type(alike) is not None:
        return None
    kinds = " and ".join(dict.fromkeys(value.type for value in alike))
    return ExpressionProblem(
        "MLC306",
        f"`{function.name}` needs values of one type, and these are {kinds}",
        node.span,
        help="cast one of them, e.g. cast(x as float64)",
    )
