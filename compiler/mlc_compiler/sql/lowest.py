"""The lowest value that a number can take, where the contract of its columns says so: where logarithms are defined."""

from __future__ import annotations

from collections.abc import Callable

from mlc_compiler.sql.syntax import Call, Cast, Literal, Name, Node, Operation

Minimum = Callable[[Name], float | None]
_FROM_ZERO = frozenset(("abs", "exp", "sqrt", "length", "hash_bucket"))


def lowest(node: Node, minimum: Minimum) -> float | None:
    """Return a bound that the value never falls below, None where nothing says so; `minimum` knows the columns'."""
    if isinstance(node, Literal):
        return float(node.value) if isinstance(node.value, int | float) and node.type != "bool" else None
    if isinstance(node, Name):
        return minimum(node)
    if isinstance(node, Cast):
        return lowest(node.operand, minimum)
    if isinstance(node, Operation):
        return _operation(node, minimum)
    return _call(node, minimum) if isinstance(node, Call) else None


def _operation(node: Operation, minimum: Minimum) -> float | None:
    if node.operator not in ("+", "*") or len(node.operands) != 2:
        return None
    left, right = (lowest(part, minimum) for part in node.operands)
    if left is None or right is None:
        return None
    if node.operator == "+":
        return left + right
    return left * right if left >= 0 and right >= 0 else None


def _call(node: Call, minimum: Minimum) -> float | None:
    bounds = [lowest(argument, minimum) for argument in node.arguments]
    if node.function == "greatest":
        return max((bound for bound in bounds if bound is not None), default=None)
    if node.function in ("coalesce", "least"):
        return min(b for b in bounds if b is not None) if bounds and None not in bounds else None
    return 0.0 if node.function in _FROM_ZERO else None
