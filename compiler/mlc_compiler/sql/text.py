"""Lays out SQL: common table expressions in order, short clauses in a line, long ones one a line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field

from mlc_compiler.records import dataclass


@dataclass(frozen=True, slots=True)
class Stage:
    """A common table expression."""

    name: str
    sql: str
    materialized: bool = False


@dataclass(slots=True)
class Beside:
    """What stands beside rows called `s`: stages before the query, joins after its FROM, and select columns."""

    stages: list[Stage] = field(default_factory=list)
    joins: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)


def columns_sql(columns: Iterable[str]) -> str:
    """Return a select list, one column a line."""
    return ",\n  ".join(columns)


def indented(sql: str) -> str:
    """Return SQL whose lines after the first stand two columns further right; no literal holds a line break."""
    return sql.replace("\n", "\n  ")


def where_sql(conditions: Sequence[str]) -> str:
    """Return a WHERE clause on a line of its own, or nothing."""
    return f"\nWHERE {' AND '.join(conditions)}" if conditions else ""


def query_sql(stages: Sequence[Stage], final: str) -> str:
    """Return a query of named stages.

    >>> print(query_sql((Stage("a", "SELECT 1"),), "SELECT * FROM a"))
    WITH a AS (
      SELECT 1
    )
    SELECT * FROM a
    """
    parts = []
    for stage in stages:
        hint = "MATERIALIZED " if stage.materialized else ""
        parts.append(f"{stage.name} AS {hint}(\n  {indented(stage.sql)}\n)")
    return ("WITH " + ",\n".join(parts) + "\n" if parts else "") + final
