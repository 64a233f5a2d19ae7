"""Rows that aggregates run over: read, typed, put in knowledge time, and added up without loss.

The training plans and the queries of the online snapshot are written from these parts, so that both mean the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlc_compiler.ir import Dataset
from mlc_compiler.records import dataclass
from mlc_compiler.sql.functions import finite
from mlc_compiler.sql.knowledge import known_filter, latest_sql, latest_text
from mlc_compiler.sql.scope import quote, read_sql
from mlc_compiler.sql.terms import ADDITIVE, Term
from mlc_compiler.sql.text import columns_sql, where_sql
from mlc_compiler.sql.values import Typed

AT = "__predict_at"


@dataclass(frozen=True, slots=True)
class Group:
    """Terms over the same rows: dataset, keys, knowledge time and filter agree."""

    index: int
    spine: str
    terms: tuple[Term, ...]
    keys: tuple[str, ...]
    spine_keys: tuple[str, ...]
    arguments: tuple[str, ...]  # canonical texts, in order of first use; `v1` is the first one's value

    @property
    def first(self) -> Term:
        return self.terms[0]

    def value(self, term: Term) -> str:
        return f"v{self.arguments.index(argument_text(term)) + 1}"

    def on(self, alias: str, *more: str) -> str:
        """Return the condition that joins `alias` to the spine's rows by the keys."""
        pairs = [f"{alias}.{key} = s.{name}" for key, name in zip(self.keys, self.spine_keys, strict=True)]
        return " AND ".join([*pairs, *more]) or "TRUE"

    def partition(self) -> str:
        return f"PARTITION BY {', '.join(self.keys)} " if self.keys else ""


def group_of(index: int, spine: str, terms: tuple[Term, ...]) -> Group:
    """Return a group of terms that read the same rows."""
    by = terms[0].by
    arguments = dict.fromkeys(argument_text(term) for term in terms if term.argument is not None)
    keys = tuple(f"k{i}" for i in range(1, len(by) + 1))
    return Group(index, spine, terms, keys, tuple(quote(f"{spine}.{name}") for name in by), tuple(arguments))


def scan_sql(dataset: Dataset, columns: Iterable[str], relation: str | None = None) -> str:
    """Return a SELECT that reads `columns` of a dataset as their value types, each called "dataset.column"."""
    wanted = set(columns)
    reads = [
        f"{read_sql(column, quote(column.name))} AS {quote(f'{dataset.name}.{column.name}')}"
        for column in dataset.columns
        if column.name in wanted
    ]
    return f"SELECT {', '.join(reads) or '1 AS __one'} FROM {quote(relation or dataset.name)}"


def argument_text(term: Term) -> str:
    """Return what tells one argument from another: sums of true and false are of numbers."""
    text = term.argument.canonical if term.argument else "*"
    return f"number of {text}" if term.argument and _counts(term) else text


def _counts(term: Term) -> bool:
    return term.argument is not None and term.argument.type == "bool" and term.function in ("avg", "sum", "stddev")


def value_sql(term: Term) -> str:
    """Return SQL of the argument: a finite number, or a value of another type."""
    argument: Typed = term.argument or Typed("1", "int64", "1")
    if _counts(term):
        return f"CAST({argument.safe_sql} AS BIGINT)"
    if argument.type == "float64" and not (argument.reads and argument.sql == argument.reads[0].column.sql):
        return finite(argument.safe_sql)
    return argument.safe_sql


def term_reads(term: Term) -> frozenset[str]:
    """Return the dataset's columns that a term reads: argument, filter, keys, times and tie-breakers."""
    typed = [value for value in (term.argument, term.where) if value is not None]
    names = {read.column.name for value in typed for read in value.reads} | set(term.by)
    names |= {name for moment in term.known for name in moment.reads}
    if term.plan in ("nearest", "pairs") or term.function in ("first", "last"):
        names |= set(term.dataset.primary_key) | ({term.dataset.event_time} if term.dataset.event_time else set())
    return frozenset(names)


def own_reads(term: Term) -> frozenset[str]:
    """Return the spine's columns that the plan reads besides the keys, to take the own row out."""
    if term.own in ("inside", "undecided"):
        return term_reads(term) | frozenset(term.dataset.primary_key)
    return frozenset()


def groups(terms: Sequence[Term], spine: str) -> tuple[Group, ...]:
    """Return the terms grouped by the rows that they read, in order of first use."""
    found: dict[tuple[object, ...], list[Term]] = {}
    for term in terms:
        where = term.where.canonical if term.where else None
        found.setdefault((term.dataset.name, term.by, latest_text(term.known), where), []).append(term)
    return tuple(group_of(i, spine, tuple(members)) for i, members in enumerate(found.values(), 1))


def rows_sql(group: Group) -> str:
    """Return the rows that a group's terms aggregate: keys, `__known`, the arguments' values, what orders ties."""
    first = group.first
    reads = frozenset().union(*(term_reads(term) for term in group.terms))
    select = [
        f"{quote(f'{first.dataset.name}.{name}')} AS {key}" for key, name in zip(group.keys, first.by, strict=True)
    ]
    select.append(f"{latest_sql(first.known)} AS __known")
    select += value_columns(group)
    if any(term.plan in ("nearest", "pairs") for term in group.terms):
        select += [f"{quote(f'{first.dataset.name}.{name}')} AS {alias}" for alias, name in tie_columns(first.dataset)]
    conditions = row_conditions(first)
    return f"SELECT {columns_sql(select)}\nFROM ({scan_sql(first.dataset, reads)}){where_sql(conditions)}"


def value_columns(group: Group) -> list[str]:
    """Return the select columns of the arguments' values."""
    values = {group.value(term): value_sql(term) for term in group.terms if term.argument is not None}
    return [f"{sql} AS {alias}" for alias, sql in values.items()]


def row_conditions(term: Term) -> list[str]:
    """Return which rows may be aggregated at all: known some time, keys not null, the filter met."""
    keys = [f"{quote(f'{term.dataset.name}.{name}')} IS NOT NULL" for name in term.by]
    return [*known_filter(term.known), *keys, *([term.where.safe_sql] if term.where else [])]


def tie_columns(dataset: Dataset) -> list[tuple[str, str]]:
    """Return alias and name of the columns that order rows known at the same time, and tell rows apart."""
    event = [("__event", dataset.event_time)] if dataset.event_time else []
    return event + [(f"p{i}", name) for i, name in enumerate(dataset.primary_key, 1)]


def is_scaled(term: Term) -> bool:
    """Tell whether a term adds up floats, which is done in fixed point."""
    return term.function in ("avg", "sum") and term.argument is not None and term.argument.type == "float64"


def scale_sql(group: Group, relation: str) -> str:
    """Return a query of one row with a power of two for each float argument.

    A float times its scale is a whole number of at most 124 bits even when all rows are added, and its error is below
    2**-100 of the largest value: sums are exact, whatever their order, and differences of running totals do not cancel.
    """
    select = []
    for alias in dict.fromkeys(group.value(term) for term in group.terms if is_scaled(term)):
        bits = f"124 - ceil(log2(nullif(max(abs({alias})), 0))) - ceil(log2(nullif(count({alias}), 0)))"
        select.append(f"power(2, greatest(-1000, least(1000, coalesce({bits}, 0)))) AS {alias}")
    return f"SELECT {columns_sql(select)}\nFROM {relation}"


def _scale(group: Group, term: Term) -> str:
    return f"(SELECT {group.value(term)} FROM __scale{group.index})"


def whole_sql(group: Group, term: Term, value: str) -> str:
    """Return a value as the whole number that sums add up."""
    return f"CAST({value} * {_scale(group, term)} AS HUGEINT)" if is_scaled(term) else f"CAST({value} AS HUGEINT)"


def total_sql(group: Group, term: Term, total: str, count: str) -> str:
    """Return the value of sum, avg or count from the whole total and the number of values."""
    if term.function == "count":
        return f"CAST({count} AS BIGINT)"
    number = f"CAST({total} AS DOUBLE) / {_scale(group, term)}" if is_scaled(term) else f"CAST({total} AS DOUBLE)"
    if term.function == "avg":
        return f"{number} / nullif({count}, 0)"
    return f"CASE WHEN {count} > 0 THEN {number if is_scaled(term) else f'TRY_CAST({total} AS BIGINT)'} END"


def order_sql(term: Term, value: str, *, descending: bool = False, prefix: str = "") -> str:
    """Return the order of rows known at the same time: event time, primary key, value."""
    direction = " DESC NULLS LAST" if descending else " NULLS FIRST"
    return ", ".join(
        f"{prefix}{name}{direction}" for name in (*(alias for alias, _ in tie_columns(term.dataset)), value)
    )


def aggregate_sql(term: Term, value: str) -> str:
    """Return a plain aggregate of the values in a set of rows."""
    if term.function == "count_distinct":
        return f"count(DISTINCT {value})"
    return f"stddev_samp(CAST({value} AS DOUBLE))" if term.function == "stddev" else f"{term.function}({value})"


def direct_sql(group: Group, term: Term, prefix: str = "", condition: str = "", known: str = "__known") -> str:
    """Return an aggregate over the rows at hand, or those that meet `condition`; totals add up whole numbers."""
    value = f"{prefix}{group.value(term)}" if term.argument is not None else "*"
    chosen = f" FILTER (WHERE {condition})" if condition else ""
    if term.function in ADDITIVE:
        total = f"sum({whole_sql(group, term, value)}){chosen}" if term.function != "count" else ""
        return total_sql(group, term, total, f"count({value}){chosen}")
    if term.function in ("first", "last"):
        present = " AND ".join([*([condition] if condition else []), f"{value} IS NOT NULL"])
        order = f"{prefix}{known} NULLS FIRST, {order_sql(term, group.value(term), prefix=prefix)}"
        return f"{term.function}({value} ORDER BY {order}) FILTER (WHERE {present})"
    return aggregate_sql(term, value) + chosen
