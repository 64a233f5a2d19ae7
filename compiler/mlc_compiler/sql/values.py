"""A typed value on its way through the compiler, and the forms that only depend on types and the timezone."""

from __future__ import annotations

from collections.abc import Iterable

from mlc_compiler.records import dataclass
from mlc_compiler.sql.scope import ScopeColumn
from mlc_compiler.sql.syntax import Span


@dataclass(frozen=True, slots=True)
class Read:
    """A column that an expression reads, and where in its text."""

    column: ScopeColumn
    span: Span


@dataclass(frozen=True, slots=True)
class Typed:
    """An expression as SQL. `canonical` is independent of layout, case and redundant parentheses.

    `fallible`: DuckDB may raise for some values (integers that overflow), so the whole is wrapped in TRY. `zoned`: the
    value depends on the timezone. `narrow`: DuckDB may hold the integer in 32 bits.
    """

    sql: str
    type: str
    canonical: str
    reads: tuple[Read, ...] = ()
    fallible: bool = False
    zoned: bool = False
    narrow: bool = False

    @property
    def safe_sql(self) -> str:
        """SQL that never raises, of exactly the value's type."""
        sql = f"CAST({self.sql} AS BIGINT)" if self.narrow and self.type == "int64" else self.sql
        return f"TRY({sql})" if self.fallible else sql


def merged(  # noqa: PLR0913 - the parts of a Typed
    parts: Iterable[Typed], sql: str, type_: str, canonical: str, *,
    fallible: bool = False, zoned: bool = False, narrow: bool = False,
) -> Typed:  # fmt: skip
    """Return a value made of `parts`: it reads what they read and can fail where they can."""
    reads: tuple[Read, ...] = ()
    for part in parts:
        reads += part.reads
        fallible = fallible or part.fallible
        zoned = zoned or part.zoned
    return Typed(sql, type_, canonical, reads, fallible, zoned, narrow)


def common_type(values: Iterable[Typed]) -> str | None:
    """Return the type that holds all values, `null` when all are null, None when there is none."""
    kinds = {value.type for value in values} - {"null"}
    if kinds <= {"int64", "float64"} and len(kinds) == 2:
        return "float64"
    return None if len(kinds) > 1 else next(iter(kinds), "null")


def local(sql: str, timezone: str) -> str:
    """Return the wall clock of `timezone` for a naive UTC timestamp."""
    return sql if timezone == "UTC" else f"(({sql} AT TIME ZONE 'UTC') AT TIME ZONE '{timezone}')"


def from_local(sql: str, timezone: str) -> str:
    """Return the naive UTC timestamp of a wall clock in `timezone`."""
    return sql if timezone == "UTC" else f"(({sql} AT TIME ZONE '{timezone}') AT TIME ZONE 'UTC')"


def local_date(sql: str, timezone: str) -> str:
    """Return the calendar day in `timezone` of a naive UTC timestamp."""
    return f"CAST({local(sql, timezone)} AS DATE)"


def local_midnight(sql: str, timezone: str) -> str:
    """Return the naive UTC timestamp at which a calendar day starts in `timezone`."""
    return from_local(f"CAST({sql} AS TIMESTAMP)", timezone)
