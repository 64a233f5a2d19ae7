"""Aggregates of the online snapshot: one table per dataset and keys, each value over its own window before $now.

Training sees [t - window, t - refresh): what a snapshot that is `refresh` old knows. A snapshot written at $now is that
old at t = $now + refresh, so its window is [$now + refresh - window, $now): as long as the training window, and the
same for a prediction made `refresh` after the snapshot.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlc_compiler.ir import Lookup
from mlc_compiler.sql.groups import (
    Group,
    direct_sql,
    group_of,
    is_scaled,
    row_conditions,
    scale_sql,
    scan_sql,
    term_reads,
    tie_columns,
    value_columns,
)
from mlc_compiler.sql.joins import NOW
from mlc_compiler.sql.knowledge import latest_sql, latest_text, shifted
from mlc_compiler.sql.scope import quote
from mlc_compiler.sql.terms import Term
from mlc_compiler.sql.text import Stage, columns_sql, query_sql, where_sql


def term_lookups(terms: Sequence[Term], spine: str) -> tuple[Lookup, ...]:
    """Return the lookup tables of the terms, in order of first use."""
    tables: dict[str, list[Term]] = {}
    for term in terms:
        tables.setdefault(term.lookup, []).append(term)
    return tuple(_lookup(name, tuple(members), spine) for name, members in tables.items())


def _lookup(name: str, terms: tuple[Term, ...], spine: str) -> Lookup:
    first = terms[0]
    columns = tuple(term.column for term in terms)
    return Lookup(name, first.by, columns, _lookup_sql(terms, spine), (first.dataset.name,), first.dataset.origin)


def _lookup_sql(terms: tuple[Term, ...], spine: str) -> str:
    group = group_of(0, spine, terms)
    stages = [Stage("__rows0", _rows_sql(group))]
    if any(is_scaled(term) for term in terms):
        stages.append(Stage("__scale0", scale_sql(group, "__rows0"), True))
    keys = [f"{key} AS {quote(name)}" for key, name in zip(group.keys, group.first.by, strict=True)]
    values = [
        f"{_direct(group, term, f'__in{number}')} AS {quote(term.column)}" for number, term in enumerate(terms, 1)
    ]
    final = f"SELECT {columns_sql([*keys, *values])}\nFROM __rows0"
    if group.keys:
        inside = " OR ".join(f"__in{number}" for number in range(1, len(terms) + 1))
        final += f"\nWHERE {inside}\nGROUP BY {', '.join(group.keys)}"
    return query_sql(stages, final)


def _direct(group: Group, term: Term, condition: str) -> str:
    """Return an aggregate over the rows inside its own window; rows known later are no part of any order."""
    known = f"__known{_times(group.terms).index(latest_text(term.known)) + 1}"
    return direct_sql(group, term, condition=condition, known=known)


def _times(terms: Sequence[Term]) -> list[str]:
    return list(dict.fromkeys(latest_text(term.known) for term in terms))


def _rows_sql(group: Group) -> str:
    dataset = group.first.dataset
    reads = frozenset().union(*(term_reads(term) for term in group.terms))
    select = [
        f"{quote(f'{dataset.name}.{name}')} AS {key}" for key, name in zip(group.keys, group.first.by, strict=True)
    ]
    times = {latest_text(term.known): latest_sql(term.known) for term in group.terms}
    select += [f"{sql} AS __known{number}" for number, sql in enumerate(times.values(), 1)]
    select += value_columns(group)
    if any(term.function in ("first", "last") for term in group.terms):
        select += [f"{quote(f'{dataset.name}.{name}')} AS {alias}" for alias, name in tie_columns(dataset)]
    select += [f"coalesce({_inside(term)}, FALSE) AS __in{number}" for number, term in enumerate(group.terms, 1)]
    present = [f"{quote(f'{dataset.name}.{name}')} IS NOT NULL" for name in group.first.by]
    return f"SELECT {columns_sql(select)}\nFROM ({scan_sql(dataset, reads)}){where_sql(present)}"


def _inside(term: Term) -> str:
    """Return when a row lies in a term's window before $now."""
    known = latest_sql(term.known)
    start = shifted(NOW, term.start - term.end)
    moment = quote(f"{term.dataset.name}.{term.dataset.event_time}") if term.on_event else known
    keys = len(term.by)
    conditions = row_conditions(term)
    others = conditions[: len(term.known)] + conditions[len(term.known) + keys :]
    return " AND ".join([f"{moment} >= {start}", f"{known} < {NOW}", *others])
