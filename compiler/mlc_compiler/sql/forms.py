"""Writes constants and operators: SQL for DuckDB and canonical text, side by side."""

from __future__ import annotations

from mlc_compiler.sql.literals import interval_sql
from mlc_compiler.sql.syntax import Literal, Node, Operation
from mlc_compiler.sql.values import Typed, merged


def literal_form(node: Literal) -> Typed:
    """Write a constant; a float is written so that DuckDB takes it for one, not for a decimal."""
    value = node.value
    if node.type == "null":
        return Typed("NULL", "null", "null", narrow=True)
    if node.type == "string":
        text = "'" + str(value).replace("'", "''") + "'"
        # Queries are laid out by lines, so a line break never stands inside a literal.
        sql = text if "\n" not in text else "(" + text.replace("\n", "' || chr(10) || '") + ")"
        return Typed(sql, "string", text)
    if node.type == "float64":
        text = repr(value)
        return Typed(text if "e" in text else f"{text}e0", "float64", text)
    if node.type == "interval":
        return Typed(interval_sql(int(value or 0)), "interval", f"interval '{value} microseconds'")
    if node.type in ("timestamp", "date"):
        return Typed(f"{node.type.upper()} '{value}'", node.type, f"{node.type} '{value}'")
    text = str(value).lower()
    return Typed(text.upper(), node.type, text, narrow=node.type == "int64")


def written_form(operator: str, values: tuple[Typed, ...], type_: str) -> Typed:
    """Write an operator as it is called, in parentheses; values that cannot fail."""
    sql = _spelled(operator, [value.sql for value in values], upper=True)
    return merged(values, sql, type_, _spelled(operator, [value.canonical for value in values], upper=False))


def _spelled(operator: str, parts: list[str], *, upper: bool) -> str:
    word = operator.upper() if upper else operator
    if operator == "between":
        return f"({parts[0]} {word} {parts[1]} {'AND' if upper else 'and'} {parts[2]})"
    if operator == "not":
        return f"({word} {parts[0]})"
    return f"({' '.join([parts[0], word, *parts[1:]])})"


def arithmetic_form(node: Operation, values: tuple[Typed, ...]) -> Typed:
    """Write arithmetic on numbers: `/` gives a float, a division by 0 null, integers that overflow null."""
    operator = node.operator
    integer = all(value.type in ("int64", "null") for value in values) and operator != "/"
    type_ = "int64" if integer else "float64"
    left = values[0].sql
    if integer and all(value.narrow for value in values):
        left = f"CAST({left} AS BIGINT)"  # DuckDB computes small constants in 32 bits
    if operator == "negate":
        return merged(values, f"(-{left})", type_, f"(-{values[0].canonical})", fallible=integer)
    right = values[1].sql
    if operator in ("/", "%") and not _is_nonzero(node.operands[1]):
        right = f"nullif({right}, 0)"
    canonical = f"({values[0].canonical} {operator} {values[1].canonical})"
    return merged(values, f"({left} {operator} {right})", type_, canonical, fallible=integer)


def case_form(
    operand: Typed | None, conditions: tuple[Typed, ...], results: tuple[Typed, ...], default: Typed, type_: str
) -> Typed:
    """Write a case expression of the given type."""
    pairs = list(zip(conditions, results, strict=True))
    head = f"CASE {operand.sql}" if operand else "CASE"
    sql = " ".join([head, *(f"WHEN {c.sql} THEN {r.sql}" for c, r in pairs), f"ELSE {default.sql} END"])
    head = f"case {operand.canonical}" if operand else "case"
    canonical = " ".join(
        [head, *(f"when {c.canonical} then {r.canonical}" for c, r in pairs), f"else {default.canonical} end"]
    )
    narrow = type_ == "int64" and all(value.narrow for value in (*results, default))
    values = (*(() if operand is None else (operand,)), *conditions, *results, default)
    return merged(values, sql, type_, canonical, narrow=narrow)


def _is_nonzero(node: Node) -> bool:
    return isinstance(node, Literal) and bool(node.value)
