"""Training plans of aggregates: from events in knowledge time to one value beside each row of the spine.

No plan pairs rows by a range join unless it must. Sums, counts and means are differences of running totals, found by
two ASOF joins; the others run in window frames. Rows that became known at the same time are collapsed first, so that a
window's half-open bounds hold for ties.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlc_compiler.sql.frames import beside_frames, beside_pairs, defaulted
from mlc_compiler.sql.groups import (
    AT,
    Group,
    groups,
    is_scaled,
    order_sql,
    own_reads,
    row_conditions,
    rows_sql,
    scale_sql,
    total_sql,
    value_sql,
    whole_sql,
)
from mlc_compiler.sql.knowledge import latest_sql, shifted
from mlc_compiler.sql.scope import quote
from mlc_compiler.sql.terms import Term
from mlc_compiler.sql.text import Beside, Stage, columns_sql


def beside_terms(terms: Sequence[Term], spine: str) -> Beside:
    """Return the plans of all terms: each term's value stands beside the spine's rows under the term's name."""
    beside = Beside()
    for group in groups(terms, spine):
        beside.stages.append(Stage(f"__rows{group.index}", rows_sql(group)))
        if any(is_scaled(term) for term in group.terms):
            beside.stages.append(Stage(f"__scale{group.index}", scale_sql(group, f"__rows{group.index}"), True))
        for plan, write in (("asof", _values), ("frames", beside_frames), ("pairs", beside_pairs)):
            members = tuple(
                term for term in group.terms if {"totals": "asof", "nearest": "asof"}.get(term.plan, term.plan) == plan
            )
            if members:
                write(beside, group, members)
    return beside


# --- values found by ASOF joins --------------------------------------------------------------------------------------
def _values(beside: Beside, group: Group, terms: tuple[Term, ...]) -> None:
    """Find the values once for each key and time, on narrow rows: an ASOF join sorts whatever it carries."""
    name, alias = f"__values{group.index}", f"v{group.index}"
    found = Beside()
    for plan, write in (("totals", _totals), ("nearest", _nearest)):
        members = tuple(term for term in terms if term.plan == plan)
        if members:
            write(found, group, members)
    own = [quote(f"{group.spine}.{column}") for column in _own_columns(group, terms)]
    points = ", ".join([*group.spine_keys, AT, *own])
    select = columns_sql(["s.*", *found.columns])
    source = f"(SELECT DISTINCT {points} FROM __spine) AS s"
    beside.stages += [*found.stages, Stage(name, "\n".join([f"SELECT {select}", f"FROM {source}", *found.joins]))]
    equal = [f"{alias}.{column} = s.{column}" for column in (*group.spine_keys, AT)]
    equal += [f"{alias}.{column} IS NOT DISTINCT FROM s.{column}" for column in own]
    beside.joins.append(f"LEFT JOIN {name} AS {alias} ON {' AND '.join(equal)}")
    beside.columns += [f"{defaulted(term, f'{alias}.{term.name}')} AS {term.name}" for term in terms]


def _own_columns(group: Group, terms: tuple[Term, ...]) -> list[str]:
    reads = frozenset().union(*(own_reads(term) for term in terms))
    return sorted(reads - set(group.first.by))


# --- running totals --------------------------------------------------------------------------------------------------
def _totals(found: Beside, group: Group, terms: tuple[Term, ...]) -> None:
    name = f"__totals{group.index}"
    found.stages.append(Stage(name, _totals_sql(group, terms)))
    aliases: dict[float, str] = {}
    for bound in dict.fromkeys(bound for term in terms for bound in (term.known_start, term.end)):
        alias = aliases[bound] = f"t{group.index}_{len(aliases) + 1}"
        condition = group.on(alias, f"{shifted(f's.{AT}', bound)} > {alias}.__known")
        found.joins.append(f"ASOF LEFT JOIN {name} AS {alias} ON {condition}")
    for term in terms:
        found.columns.append(f"{_difference(group, term, aliases)} AS {term.name}")


def _totals_sql(group: Group, terms: tuple[Term, ...]) -> str:
    grouped = ", ".join([*group.keys, "__known"])
    measures: dict[str, str] = {}
    for term in terms:
        sum_, count = _measures(group, term)
        measures[count] = "count(*)" if term.argument is None else f"count({group.value(term)})"
        if term.function != "count":
            measures[sum_] = f"sum({whole_sql(group, term, group.value(term))})"
    inner = f"SELECT {grouped}, {', '.join(f'{sql} AS {alias}' for alias, sql in measures.items())}"
    outer = f"SELECT {grouped}, {', '.join(f'sum({alias}) OVER w AS {alias}' for alias in measures)}"
    window = f"WINDOW w AS ({group.partition()}ORDER BY __known ROWS UNBOUNDED PRECEDING)"
    return f"{outer}\nFROM ({inner} FROM __rows{group.index} GROUP BY {grouped})\n{window}"


def _measures(group: Group, term: Term) -> tuple[str, str]:
    value = "0" if term.argument is None else group.value(term)[1:]
    return f"s{value}", f"n{value}"


def _difference(group: Group, term: Term, aliases: dict[float, str]) -> str:
    upper, lower = aliases[term.end], aliases[term.known_start]
    sum_, count = _measures(group, term)
    total = f"{upper}.{sum_} - coalesce({lower}.{sum_}, 0)"
    number = f"coalesce({upper}.{count}, 0) - coalesce({lower}.{count}, 0)"
    if term.own in ("inside", "undecided"):
        condition, value = _own_condition(term), value_sql(term)
        total += f" - CASE WHEN {condition} THEN {whole_sql(group, term, value)} ELSE 0 END"
        number += f" - CASE WHEN {condition} THEN 1 ELSE 0 END"
    return total_sql(group, term, f"({total})", f"({number})")


def _own_condition(term: Term) -> str:
    """Return when the own row lies in its own window with a value: then its part is taken out again."""
    known = latest_sql(term.known)
    bounds = [f"{known} >= {shifted(f's.{AT}', term.known_start)}", f"{known} < {shifted(f's.{AT}', term.end)}"]
    value = [] if term.argument is None else [f"({value_sql(term)}) IS NOT NULL"]
    return " AND ".join([*row_conditions(term), *bounds, *value])


# --- neighbours ------------------------------------------------------------------------------------------------------
def _nearest(found: Beside, group: Group, terms: tuple[Term, ...]) -> None:
    for number, term in enumerate(terms, 1):
        name = f"__nearest{group.index}_{number}"
        alias = f"f{group.index}_{number}"
        start, end = shifted(f"s.{AT}", term.known_start), shifted(f"s.{AT}", term.end)
        found.stages.append(Stage(name, _nearest_sql(group, term)))
        last = term.function == "last"
        near = f"{end} > {alias}.__known" if last else f"{start} <= {alias}.__known"
        inside = f"{alias}.__known >= {start}" if last else f"{alias}.__known < {end}"
        found.joins.append(f"ASOF LEFT JOIN {name} AS {alias} ON {group.on(alias, near)}")
        found.columns.append(f"CASE WHEN {inside} THEN {alias}.v END AS {term.name}")


def _nearest_sql(group: Group, term: Term) -> str:
    value = group.value(term)
    partition = ", ".join([*group.keys, "__known"])
    order = order_sql(term, value, descending=term.function == "last")
    return (
        f"SELECT {partition}, {value} AS v\nFROM __rows{group.index} WHERE {value} IS NOT NULL\n"
        f"QUALIFY row_number() OVER (PARTITION BY {partition} ORDER BY {order}) = 1"
    )
