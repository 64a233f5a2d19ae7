"""The few forms of an expression that make a value tell less, read off its syntax tree; all others keep it as telling.

hash: `hash_bucket`. band: values of five or more fall together, in a part of the calendar, a rounded number or a
comparison with a constant. count: how many, not which. A guard lets values pass only where enough rows made them.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Literal as Choice

from mlc_compiler.records import dataclass
from mlc_compiler.sql.mentions import Mention, mentions
from mlc_compiler.sql.parser import parse
from mlc_compiler.sql.syntax import (
    Call,
    Case,
    ExpressionProblem,
    Literal,
    Membership,
    Name,
    Node,
    Operation,
    Span,
    operands,
)

Declassifier = Choice["hash", "band", "count"]

NARROWEST = 5
"""Width of a band from which on it counts as one."""

_CALENDAR = frozenset(("year", "quarter", "month", "week"))
_COARSE = frozenset(("week", "month", "quarter", "year"))
_EQUAL = frozenset(("=", "<>", "like", "is distinct from"))
_COMPARED = frozenset(("<", "<=", ">", ">=", "between"))


@dataclass(frozen=True, slots=True)
class Softened:
    """A mention with the declassifiers around it, innermost first; `released_by` is a guard that encloses it.

    `constant` is the range of a value that it is said to equal: a value of the column, written out.
    """

    mention: Mention
    by: tuple[Declassifier, ...] = ()
    released_by: Guard | None = None
    constant: Span | None = None


@dataclass(frozen=True, slots=True)
class Guard:
    """`if(COUNT >= LEAST, value, null)`: the value exists only where the feature `count` is at least `least`."""

    count: str
    least: int
    within: Span


@functools.lru_cache(maxsize=8192)
def softened(text: str) -> tuple[Softened, ...]:
    """Return the names of an expression with what softens each; none where it is no expression."""
    node = parse(text)
    if isinstance(node, ExpressionProblem):
        return ()
    by, guard, constants = dict(_around(node, ())), _guard(node), dict(_constants(node))
    return tuple(
        Softened(m, by[m.span], guard if guard and _inside(m.span, guard.within) else None, constants.get(m.span))
        for m in mentions(text)
    )


def _around(node: Node, by: tuple[Declassifier, ...]) -> Iterator[tuple[Span, tuple[Declassifier, ...]]]:
    if isinstance(node, Name):
        yield node.span, by
    form = _form(node)
    for part in operands(node):
        yield from _around(part, (form, *by) if form else by)


def _constants(node: Node) -> Iterator[tuple[Span, Span]]:
    """Yield the names that are compared for equality with a constant, each with the first constant."""
    if isinstance(node, Membership):
        pair: tuple[Node, ...] = (node.operand, *node.items)
    else:
        pair = node.operands if isinstance(node, Operation) and node.operator in _EQUAL else ()
    names = [part for part in pair if isinstance(part, Name)]
    values = [part for part in pair if isinstance(part, Literal) and part.type not in ("null", "bool")]
    if len(names) == 1 and values:
        yield names[0].span, values[0].span
    for part in operands(node):
        yield from _constants(part)


def _form(node: Node) -> Declassifier | None:
    """Return how a node softens what stands in it."""
    if isinstance(node, Operation):
        constants = sum(isinstance(part, Literal) for part in node.operands)
        return "band" if node.operator in _COMPARED and constants == len(node.operands) - 1 else None
    if not isinstance(node, Call):
        return None
    if node.function in ("count", "count_distinct"):
        return "count"
    if node.function == "hash_bucket":
        return "hash"
    return "band" if _is_band(node) else None


def _is_band(call: Call) -> bool:
    first, last = (call.arguments[0], call.arguments[-1]) if call.arguments else (None, None)
    if call.function == "start_of":
        return isinstance(first, Literal) and first.value in _COARSE
    if call.function == "round":
        return len(call.arguments) == 2 and (_number(last) or 0) <= -1
    if call.function in ("floor", "ceil"):
        divided = isinstance(first, Operation) and first.operator == "/"
        return divided and isinstance(first, Operation) and (_number(first.operands[1]) or 0) >= NARROWEST
    return call.function in _CALENDAR


def _number(node: Node | None) -> float | None:
    """Return the number that a constant with or without a sign stands for."""
    if isinstance(node, Operation) and node.operator == "-" and len(node.operands) == 1:
        inner = _number(node.operands[0])
        return None if inner is None else -inner
    value = node.value if isinstance(node, Literal) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _guard(node: Node) -> Guard | None:
    """Return the guard that an expression consists of."""
    if isinstance(node, Call) and node.function == "if" and len(node.arguments) == 3:
        condition, value, other = node.arguments
    elif isinstance(node, Case) and node.operand is None and len(node.branches) == 1:
        (condition, value), other = node.branches[0], node.default or Literal(None, "null", node.span)
    else:
        return None
    if not (isinstance(condition, Operation) and isinstance(other, Literal) and other.value is None):
        return None
    left, right = condition.operands[0], condition.operands[-1]
    least = _number(right)
    if condition.operator not in (">", ">=") or not isinstance(left, Name) or left.qualifier or least is None:
        return None
    return Guard(left.name, int(least) + (condition.operator == ">"), value.span)


def _inside(span: Span, whole: Span) -> bool:
    return whole[0] <= span[0] and span[1] <= whole[1]
