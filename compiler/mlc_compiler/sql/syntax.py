"""The syntax tree of the expression language. Every node keeps its range of characters, so that findings can point."""

from __future__ import annotations

from mlc_compiler.records import dataclass

Span = tuple[int, int]
"""A half-open range of characters inside the text of an expression."""


@dataclass(frozen=True, slots=True)
class ExpressionProblem:
    """What is wrong with a part of an expression; `span` is its range of characters in the text."""

    code: str
    message: str
    span: Span
    note: str = ""
    help: str = ""
    warning: bool = False
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant; `type` is a value type, `null` or `interval` (microseconds)."""

    value: str | int | float | bool | None
    type: str
    span: Span
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Name:
    """A column, or a feature of the same view; `qualifier` names a join or a dataset."""

    qualifier: str | None
    name: str
    span: Span
    depth: int = 1


@dataclass(frozen=True, slots=True)
class Operation:
    """A prefix, infix or postfix operator: `not`, `-`, `+`, `=`, `and`, `is null`, `between`, `like` ..."""

    operator: str
    operands: tuple[Node, ...]
    span: Span
    depth: int


@dataclass(frozen=True, slots=True)
class Membership:
    """`operand in (items)`."""

    operand: Node
    items: tuple[Node, ...]
    span: Span
    depth: int


@dataclass(frozen=True, slots=True)
class Case:
    """`case [operand] when condition then result ... else default end`."""

    operand: Node | None
    branches: tuple[tuple[Node, Node], ...]
    default: Node | None
    span: Span
    depth: int


@dataclass(frozen=True, slots=True)
class Cast:
    """`cast(operand as type)`; `type` is a column type of the spec language."""

    operand: Node
    type: str
    span: Span
    depth: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function call; `star` is `count(*)`, `head` the range of the function's name."""

    function: str
    arguments: tuple[Node, ...]
    star: bool
    head: Span
    span: Span
    depth: int


Node = Literal | Name | Operation | Membership | Case | Cast | Call


def operands(node: Node) -> tuple[Node, ...]:
    """Return the direct children of a node, in the order of the text."""
    if isinstance(node, Operation):
        return node.operands
    if isinstance(node, Call):
        return node.arguments
    if isinstance(node, Membership):
        return (node.operand, *node.items)
    if isinstance(node, Cast):
        return (node.operand,)
    if isinstance(node, Case):
        pairs = tuple(part for branch in node.branches for part in branch)
        return tuple(part for part in (node.operand, *pairs, node.default) if part is not None)
    return ()
