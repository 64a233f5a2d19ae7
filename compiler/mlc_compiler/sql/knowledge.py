"""Knowledge time: when a value of a row becomes known, as far as the specs say.

A column is known at its `known_at`, else at the row's event time plus the dataset's delay; an expression is known when
all that it reads is known, filters and keys included.
"""

from __future__ import annotations

from collections.abc import Iterable

from mlc_compiler.ir import Dataset
from mlc_compiler.records import dataclass
from mlc_compiler.sql.definitions import Problem, ProblemPlace, placed
from mlc_compiler.sql.expressions import Compiled, compile_expression
from mlc_compiler.sql.literals import interval_sql
from mlc_compiler.sql.parser import parse
from mlc_compiler.sql.scope import Scope, prepared_scope, quote
from mlc_compiler.sql.syntax import ExpressionProblem, Literal, Name, Node, Operation

_MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Instant:
    """A time as SQL over a prepared relation. Where it is a column plus a constant, `base` names the column and
    `offset` is in seconds, so that two instants of one row can be compared without its data."""

    sql: str
    canonical: str
    base: str | None = None
    offset: float = 0.0
    reads: tuple[str, ...] = ()

    def minus(self, other: Instant) -> float | None:
        """Return the seconds from `other` to this instant of the same row, None when only the data tells."""
        return self.offset - other.offset if self.base is not None and self.base == other.base else None


def shifted(sql: str, seconds: float, microseconds: int = 0) -> str:
    """Return SQL of a timestamp moved by seconds (and microseconds) into the future, or the past when negative."""
    total = round(seconds * _MICROSECONDS) + microseconds
    if total == 0:
        return sql
    return f"{sql} {'+' if total > 0 else '-'} {interval_sql(abs(total))}"


def instant(compiled: Compiled, scope: Scope) -> Instant:
    """Return a compiled timestamp expression as an instant."""
    node = parse(compiled.text)
    base, offset = (None, 0.0) if isinstance(node, ExpressionProblem) else _linear(node, scope)
    reads = tuple(sorted({read.column.name for read in compiled.typed.reads}))
    return Instant(compiled.typed.safe_sql, compiled.typed.canonical, base, offset, reads)


def _linear(node: Node, scope: Scope) -> tuple[str | None, float]:
    if isinstance(node, Name):
        column = scope.find(node)
        return (column.name if column else None), 0.0
    if isinstance(node, Operation) and node.operator in ("+", "-") and len(node.operands) == 2:
        left, right = node.operands
        if isinstance(left, Literal) and node.operator == "+":
            left, right = right, left
        if isinstance(right, Literal) and right.type == "interval":
            base, offset = _linear(left, scope)
            amount = int(right.value or 0) / _MICROSECONDS
            return base, offset + (amount if node.operator == "+" else -amount)
    return None, 0.0


def row_instant(dataset: Dataset) -> Instant | None:
    """Return when a row is known unless a column says otherwise: event time plus delay. None without an event time."""
    if dataset.event_time is None:
        return None
    sql = shifted(quote(f"{dataset.name}.{dataset.event_time}"), dataset.delay)
    canonical = dataset.event_time if not dataset.delay else f"({dataset.event_time} + {dataset.delay:g}s)"
    return Instant(sql, canonical, dataset.event_time, dataset.delay, (dataset.event_time,))


def column_instant(dataset: Dataset, name: str, timezone: str) -> Instant | Problem | None:
    """Return when a column is known, None when nothing says so, or what is wrong with its `known_at`."""
    column = dataset.column(name)
    if column is None or column.known_at is None:
        return row_instant(dataset)
    scope = prepared_scope(dataset, timezone)
    compiled = compile_expression(column.known_at, scope, expect="timestamp")
    if compiled.failed:
        place = ProblemPlace(f"Dataset/{dataset.name}", ("spec", "columns", name, "known_at"))
        return placed(next(problem for problem in compiled.problems if not problem.warning), place)
    return instant(compiled, scope)


def instants(dataset: Dataset, columns: Iterable[str], timezone: str) -> tuple[Instant, ...] | Problem:
    """Return the instants after which all `columns` are known: no redundant ones, sorted by text."""
    found: dict[str, Instant] = {}
    for name in sorted(set(columns)):
        moment = column_instant(dataset, name, timezone)
        if isinstance(moment, Problem):
            return moment
        if moment is not None:
            found[moment.canonical] = moment
    kept = (m for m in found.values() if not any((o.minus(m) or 0) > 0 for o in found.values()))
    return tuple(sorted(kept, key=lambda moment: moment.canonical))


def latest_sql(moments: tuple[Instant, ...]) -> str:
    """Return SQL of the latest of the instants, right where none is null."""
    return moments[0].sql if len(moments) == 1 else f"greatest({', '.join(moment.sql for moment in moments)})"


def known_filter(moments: tuple[Instant, ...]) -> tuple[str, ...]:
    """Return the conditions under which the latest instant exists: greatest() would ignore a null."""
    return tuple(f"{moment.sql} IS NOT NULL" for moment in moments)


def latest_text(moments: tuple[Instant, ...]) -> str:
    """Return the latest of the instants as canonical text."""
    texts = ", ".join(moment.canonical for moment in moments)
    return texts if len(moments) == 1 else f"greatest({texts})"
