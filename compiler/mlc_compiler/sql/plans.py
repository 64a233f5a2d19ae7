"""Training plans of aggregates: from events in knowledge time to one value beside each row of the spine.

No plan pairs rows by a range join unless it must. Sums, counts and means are differences of running totals, found by two
ASOF joins; the others run in window frames. Rows that became known at the same time are collapsed first, so that a
window's half-open bounds hold for ties.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from mlc_compiler.ir import Dataset
from mlc_compiler.sql.functions import finite
from mlc_compiler.sql.knowledge import known_filter, latest_sql, latest_text, shifted
from mlc_compiler.sql.literals import interval_sql
from mlc_compiler.sql.scope import quote, read_sql
from mlc_compiler.sql.terms import ADDITIVE, Term
from mlc_compiler.sql.text import Stage, columns_sql, where_sql
from mlc_compiler.sql.values import Typed

AT = "__predict_at"


@dataclass(slots=True)
class Beside:
    """What stands beside the spine's rows: stages before, joins after `FROM __spine AS s`, and select columns."""

    stages: list[Stage] = field(default_factory=list)
    joins: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Group:
    """Terms over the same rows: dataset, keys, knowledge time and filter agree."""

    index: int
    spine: str
    terms: tuple[Term, ...]

    @property
    def first(self) -> Term:
        return self.terms[0]

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(f"k{i}" for i in range(1, len(self.first.by) + 1))

    @property
    def spine_keys(self) -> tuple[str, ...]:
        return tuple(quote(f"{self.spine}.{name}") for name in self.first.by)

    @property
    def arguments(self) -> tuple[str, ...]:
        """Canonical texts of the arguments, in order of first use; `v1` is the first one's value."""
        return tuple(dict.fromkeys(argument_text(term) for term in self.terms if term.argument is not None))

    def value(self, term: Term) -> str:
        return f"v{self.arguments.index(argument_text(term)) + 1}"

    def on(self, alias: str, *more: str) -> str:
        """Return the condition that joins `alias` to the spine's rows by the keys."""
        pairs = [f"{alias}.{key} = s.{name}" for key, name in zip(self.keys, self.spine_keys, strict=True)]
        return " AND ".join([*pairs, *more]) or "TRUE"

    def partition(self) -> str:
        return f"PARTITION BY {', '.join(self.keys)} " if self.keys else ""


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
    return tuple(Group(i, spine, tuple(members)) for i, members in enumerate(found.values(), 1))


def beside_terms(terms: Sequence[Term], spine: str) -> Beside:
    """Return the plans of all terms: each term's value stands beside the spine's rows under the term's name."""
    beside = Beside()
    for group in groups(terms, spine):
        beside.stages.append(Stage(f"__rows{group.index}", _rows_sql(group)))
        if any(is_scaled(term) for term in group.terms):
            beside.stages.append(Stage(f"__scale{group.index}", scale_sql(group, f"__rows{group.index}"), True))
        for plan, write in (("totals", _totals), ("nearest", _nearest), ("frames", _frames), ("pairs", _pairs)):
            members = tuple(term for term in group.terms if term.plan == plan)
            if members:
                write(beside, group, members)
    return beside


# --- rows and scales -------------------------------------------------------------------------------------------------
def _rows_sql(group: Group) -> str:
    first = group.first
    reads = frozenset().union(*(term_reads(term) for term in group.terms))
    select = [f"{quote(f'{first.dataset.name}.{name}')} AS {key}" for key, name in zip(group.keys, first.by, strict=True)]
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


# --- running totals --------------------------------------------------------------------------------------------------
def _totals(beside: Beside, group: Group, terms: tuple[Term, ...]) -> None:
    name = f"__totals{group.index}"
    beside.stages.append(Stage(name, _totals_sql(group, terms)))
    aliases: dict[float, str] = {}
    for bound in dict.fromkeys(bound for term in terms for bound in (term.known_start, term.end)):
        alias = aliases[bound] = f"t{group.index}_{len(aliases) + 1}"
        condition = group.on(alias, f"{shifted(f's.{AT}', bound)} > {alias}.__known")
        beside.joins.append(f"ASOF LEFT JOIN {name} AS {alias} ON {condition}")
    for term in terms:
        beside.columns.append(f"{_difference(group, term, aliases)} AS {term.name}")


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
        condition, value = _own_condition(group, term), value_sql(term)
        total += f" - CASE WHEN {condition} THEN {whole_sql(group, term, value)} ELSE 0 END"
        number += f" - CASE WHEN {condition} THEN 1 ELSE 0 END"
    return total_sql(group, term, f"({total})", f"({number})")


def _own_condition(group: Group, term: Term) -> str:
    """Return when the own row lies in its own window with a value: then its part is taken out again."""
    known = latest_sql(term.known)
    bounds = [f"{known} >= {shifted(f's.{AT}', term.known_start)}", f"{known} < {shifted(f's.{AT}', term.end)}"]
    value = [] if term.argument is None else [f"({value_sql(term)}) IS NOT NULL"]
    return " AND ".join([*row_conditions(term), *bounds, *value])


# --- neighbours ------------------------------------------------------------------------------------------------------
def _nearest(beside: Beside, group: Group, terms: tuple[Term, ...]) -> None:
    for number, term in enumerate(terms, 1):
        name = f"__nearest{group.index}_{number}"
        alias = f"f{group.index}_{number}"
        start, end = shifted(f"s.{AT}", term.known_start), shifted(f"s.{AT}", term.end)
        beside.stages.append(Stage(name, _nearest_sql(group, term)))
        last = term.function == "last"
        near = f"{end} > {alias}.__known" if last else f"{start} <= {alias}.__known"
        inside = f"{alias}.__known >= {start}" if last else f"{alias}.__known < {end}"
        beside.joins.append(f"ASOF LEFT JOIN {name} AS {alias} ON {group.on(alias, near)}")
        beside.columns.append(f"CASE WHEN {inside} THEN {alias}.v END AS {term.name}")


def _nearest_sql(group: Group, term: Term) -> str:
    value = group.value(term)
    partition = ", ".join([*group.keys, "__known"])
    order = order_sql(term, value, descending=term.function == "last")
    return (
        f"SELECT {partition}, {value} AS v\nFROM __rows{group.index} WHERE {value} IS NOT NULL\n"
        f"QUALIFY row_number() OVER (PARTITION BY {partition} ORDER BY {order}) = 1"
    )


def order_sql(term: Term, value: str, *, descending: bool = False, prefix: str = "") -> str:
    """Return the order of rows known at the same time: event time, primary key, value."""
    direction = " DESC NULLS LAST" if descending else " NULLS FIRST"
    return ", ".join(f"{prefix}{name}{direction}" for name in (*(alias for alias, _ in tie_columns(term.dataset)), value))


# --- window frames ---------------------------------------------------------------------------------------------------
def _frames(beside: Beside, group: Group, terms: tuple[Term, ...]) -> None:
    name, alias = f"__frames{group.index}", f"w{group.index}"
    windows = {frame: f"w{i}" for i, frame in enumerate(dict.fromkeys(_frame_sql(term) for term in terms), 1)}
    beside.stages.append(Stage(name, _frames_sql(group, terms, windows)))
    beside.joins.append(f"LEFT JOIN {name} AS {alias} ON {group.on(alias, f'{alias}.__known = s.{AT}')}")
    for number, term in enumerate(terms, 1):
        value = f"{alias}.a{number}"
        beside.columns.append(f"{_defaulted(term, value)} AS {term.name}")


def _frames_sql(group: Group, terms: tuple[Term, ...], windows: dict[str, str]) -> str:
    keys = "".join(f"{key}, " for key in group.keys)
    values = ", ".join(dict.fromkeys(group.value(term) for term in terms))
    nulls = ", ".join(["NULL"] * len(dict.fromkeys(group.value(term) for term in terms)))
    points = ", ".join([*group.spine_keys, AT])
    present = " AND ".join(f"{name} IS NOT NULL" for name in group.spine_keys)
    select = [
        f"{aggregate_sql(term, group.value(term))} OVER {windows[_frame_sql(term)]} AS a{number}" for number, term in enumerate(terms, 1)
    ]
    definitions = [f"{alias} AS ({group.partition()}ORDER BY __known {frame})" for frame, alias in windows.items()]
    return (
        f"SELECT * FROM (\n  SELECT {keys}__known, __asked, {', '.join(select)}\n  FROM (\n"
        f"    SELECT {keys}__known, {values}, FALSE AS __asked FROM __rows{group.index}\n    UNION ALL\n"
        f"    SELECT DISTINCT {points}, {nulls}, TRUE FROM __spine{where_sql([present]) if present else ''}\n  )\n"
        f"  WINDOW {', '.join(definitions)}\n) WHERE __asked"
    )


def _frame_sql(term: Term) -> str:
    start = round(term.known_start * 1_000_000)
    end = round(term.end * 1_000_000) - 1
    return f"RANGE BETWEEN {_bound(start)} AND {_bound(end)}"


def _bound(microseconds: int) -> str:
    return f"{interval_sql(abs(microseconds))} {'PRECEDING' if microseconds <= 0 else 'FOLLOWING'}"


def aggregate_sql(term: Term, value: str) -> str:
    """Return a plain aggregate of the values in a set of rows."""
    if term.function == "count_distinct":
        return f"count(DISTINCT {value})"
    return f"stddev_samp(CAST({value} AS DOUBLE))" if term.function == "stddev" else f"{term.function}({value})"


def _defaulted(term: Term, sql: str) -> str:
    return f"coalesce({sql}, 0)" if term.function in ("count", "count_distinct") else sql


# --- pairs of rows ---------------------------------------------------------------------------------------------------
def _pairs(beside: Beside, group: Group, terms: tuple[Term, ...]) -> None:
    for number, term in enumerate(terms, 1):
        name, alias = f"__pairs{group.index}_{number}", f"q{group.index}_{number}"
        beside.stages.append(Stage(name, _pairs_sql(group, term)))
        keys = [f"{alias}.{own} = s.{spine}" for own, spine in _own_keys(group, term)]
        beside.joins.append(f"LEFT JOIN {name} AS {alias} ON {group.on(alias, f'{alias}.__at = s.{AT}', *keys)}")
        beside.columns.append(f"{_defaulted(term, f'{alias}.a')} AS {term.name}")


def _own_keys(group: Group, term: Term) -> list[tuple[str, str]]:
    if term.own not in ("inside", "undecided"):
        return []
    return [(f"p{i}", quote(f"{group.spine}.{name}")) for i, name in enumerate(term.dataset.primary_key, 1)]


def _pairs_sql(group: Group, term: Term) -> str:
    """Pair rows through buckets of a quarter of the window, so that no pair is tried that lies far outside."""
    time = "__event" if term.on_event else "__known"
    own = _own_keys(group, term)
    points = [*(f"{name} AS {key}" for key, name in zip(group.keys, group.spine_keys, strict=True)), f"{AT} AS __at"]
    points += [f"{spine} AS {alias}" for alias, spine in own]
    low, high = shifted("__at", term.start), shifted("__at", term.end)
    size = max(round((term.end - term.start) * 1_000_000) // 4, 1)
    matches = [f"e.{key} = s.{key}" for key in group.keys] + ["e.__bucket = s.__bucket"]
    matches += [f"e.{time} >= {low.replace('__at', 's.__at')}", f"e.__known < {high.replace('__at', 's.__at')}"]
    different = [f"NOT ({' AND '.join(f'e.{alias} = s.{alias}' for alias, _ in own)})"] if own else []
    grouped = ", ".join(f"s.{name}" for name in (*group.keys, "__at", *(alias for alias, _ in own)))
    return (
        f"SELECT {grouped}, {direct_sql(group, term, 'e.')} AS a\nFROM (SELECT *, unnest(range({_bucket(low, size)}, "
        f"{_bucket(high, size)} + 1)) AS __bucket\n  FROM (SELECT DISTINCT {', '.join(points)} FROM __spine)) AS s\n"
        f"JOIN (SELECT *, {_bucket(time, size)} AS __bucket FROM __rows{group.index}) AS e\n"
        f"  ON {' AND '.join([*matches, *different])}\nGROUP BY {grouped}"
    )


def _bucket(time: str, size: int) -> str:
    return f"CAST(floor(epoch_us({time}) / {size}) AS BIGINT)"


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
