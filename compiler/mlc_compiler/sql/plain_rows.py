"""An ordinary row that the filters of the features keep, as far as their comparisons with constants tell."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence

from mlc_compiler.ir import Column, Scalar
from mlc_compiler.sql.edges import is_allowed, plain_value
from mlc_compiler.sql.parser import parse
from mlc_compiler.sql.syntax import Call, ExpressionProblem, Literal, Membership, Name, Node, Operation

_WHERE = "; where "
_NEAR: Mapping[str, Sequence[float]] = {">": (1,), ">=": (0,), "<": (-1,), "<=": (0,), "=": (0,), "between": (0,)}
_MIRRORED = {">": "<", ">=": "<=", "<": ">", "<=": ">="}


def plain_row(request: Sequence[Column], definition: str) -> dict[str, Scalar]:
    """Return a value for each column of a request; `definition` is the canonical text of the query's rows."""
    wanted = _wanted(definition.partition(_WHERE)[2]) if _WHERE in definition else {}
    return {column.name: _plain(column, wanted.get(column.name.lower(), ())) for column in request}


def _plain(column: Column, wanted: Sequence[Scalar]) -> Scalar:
    """Return a wanted value that the column allows, in its own case where it lists its words; else an ordinary one."""
    for value in wanted:
        for own in column.enum or (value,):
            alike = own == value or str(own).lower() == str(value).lower()
            if alike and is_allowed(column, own) and _is_of(column, own):
                return own
    return plain_value(column)


def _is_of(column: Column, value: Scalar) -> bool:
    if isinstance(value, bool) or column.type == "bool":
        return isinstance(value, bool) and column.type == "bool"
    if isinstance(value, str) or column.type == "string":
        return isinstance(value, str) and column.type == "string"
    return column.type in ("int64", "int32", "float64", "float32", "decimal")


@functools.lru_cache(maxsize=1024)
def _wanted(where: str) -> Mapping[str, tuple[Scalar, ...]]:
    """Return the values, by column, that a filter names in what all of its rows must meet."""
    node = parse(where)
    found: dict[str, tuple[Scalar, ...]] = {}
    for name, values in () if isinstance(node, ExpressionProblem) else _conditions(node):
        found.setdefault(name.lower(), values)
    return found


def _conditions(node: Node) -> Iterator[tuple[str, tuple[Scalar, ...]]]:
    if isinstance(node, Membership):
        yield from _compared(node.operand, "=", node.items)
    if not isinstance(node, Operation):
        return
    if node.operator == "and":
        for part in node.operands:
            yield from _conditions(part)
    elif node.operator == "not":
        yield from ((name, (False,)) for name in _names(node.operands[0]))
    elif node.operator in _NEAR:
        first, *rest = node.operands
        yield from _compared(first, node.operator, rest)
        yield from _compared(rest[0], _MIRRORED.get(node.operator, node.operator), [first])


def _compared(subject: Node, operator: str, constants: Sequence[Node]) -> Iterator[tuple[str, tuple[Scalar, ...]]]:
    values = tuple(
        value + near if isinstance(value, int | float) and not isinstance(value, bool) else value
        for part in constants
        if isinstance(part, Literal) and (value := _value(part)) is not None
        for near in _NEAR[operator]
    )
    yield from ((name, values) for name in _names(subject) if values)


def _value(literal: Literal) -> Scalar:
    return literal.value if literal.type in ("string", "int64", "float64", "bool") else None


def _names(node: Node) -> Iterator[str]:
    """Yield the column that stands at a place, alone or within one call."""
    inner = node.arguments[0] if isinstance(node, Call) and node.arguments else node
    if isinstance(inner, Name):
        yield inner.name
