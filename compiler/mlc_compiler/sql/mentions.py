"""Which names an expression mentions, and whether each gives its value or only decides which value it is."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Literal

from mlc_compiler.records import dataclass
from mlc_compiler.sql.parser import parse
from mlc_compiler.sql.syntax import Call, Case, ExpressionProblem, Name, Node, Span, operands

Flow = Literal["value", "filter", "key", "time", "condition", "window"]
"""How something depends on a column: by its value; which rows there are; which rows match; what is known when; which
branch is taken; in what order rows are seen."""

_DECIDING = {"if": (0,), "nullif": (1,)}
"""Arguments that choose a function's value without being it."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A name at `span` of an expression: a column, a joined column or a feature."""

    qualifier: str | None
    name: str
    span: Span
    flow: Flow


@functools.lru_cache(maxsize=8192)
def mentions(text: str) -> tuple[Mention, ...]:
    """Return the names of an expression in the order of its text; none where it is no expression."""
    node = parse(text)
    return () if isinstance(node, ExpressionProblem) else tuple(_mentions(node, "value"))


def _mentions(node: Node, flow: Flow) -> Iterator[Mention]:
    if isinstance(node, Name):
        yield Mention(node.qualifier, node.name, node.span, flow)
        return
    deciding = _deciding(node)
    for index, part in enumerate(operands(node)):
        yield from _mentions(part, "condition" if index in deciding else flow)


def _deciding(node: Node) -> frozenset[int]:
    """Return the positions of the operands that only decide."""
    if isinstance(node, Call):
        return frozenset(_DECIDING.get(node.function, ()))
    if not isinstance(node, Case):
        return frozenset()
    first = 0 if node.operand is None else 1
    conditions = range(first, first + 2 * len(node.branches), 2)
    return frozenset((*range(first), *conditions))
