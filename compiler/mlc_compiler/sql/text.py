"""Lays out SQL: common table expressions in order, short clauses in a line, long ones one a line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stage:
    """A common table expression."""

    name: str
    sql: str
    materialized: bool = False


def columns_sql(columns: Iterable[str]) -> str:
    """Return a select list, one column a line."""
    return ",\n  ".join(columns)


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
        parts.append(f"{stage.name} AS {hint}(\n  " + stage.sql.replace("\n", "\n  ") + "\n)")
    return ("WITH " + ",\n".join(parts) + "\n" if parts else "") + final
