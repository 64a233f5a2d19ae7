"""Joined rows: the newest row known before the prediction (as-of), or the present row of a table without history.

The same choice is written twice: for each row of the spine in training, and as of $now for the online snapshot.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlc_compiler.sql.groups import AT, scan_sql
from mlc_compiler.sql.knowledge import known_filter, latest_sql, shifted
from mlc_compiler.sql.scope import quote
from mlc_compiler.sql.terms import Joined
from mlc_compiler.sql.text import Beside, Stage, columns_sql, indented, where_sql

NOW = "CAST($now AS TIMESTAMP)"


def beside_joins(joins: Sequence[Joined], spine: str) -> Beside:
    """Return the plans of all joins for training: their columns stand beside the spine's rows under their names."""
    beside = Beside()
    for number, joined in enumerate(joins, 1):
        name, alias = f"__join{number}", f"j{number}"
        beside.stages.append(Stage(name, _static_sql(joined) if joined.definition.static else _history_sql(joined)))
        equal = [f"{alias}.k{i} = s.{quote(f'{spine}.{key}')}" for i, key in enumerate(joined.definition.on, 1)]
        if joined.definition.static:
            beside.joins.append(f"LEFT JOIN {name} AS {alias} ON {' AND '.join(equal)}")
        else:
            condition = " AND ".join([*equal, f"s.{AT} > {alias}.__seen"])
            beside.joins.append(f"ASOF LEFT JOIN {name} AS {alias} ON {condition}")
        fresh = fresh_sql(joined, f"{alias}.__as_of")
        for column in joined.columns:
            value = f"{alias}.{quote(column)}"
            beside.columns.append(
                f"{f'CASE WHEN {fresh} THEN {value} END' if fresh else value} AS {joined.name(column)}"
            )
    return beside


def fresh_sql(joined: Joined, as_of: str) -> str | None:
    """Return when a row is young enough at the time of the prediction, None without a tolerance."""
    tolerance = joined.definition.tolerance
    return None if tolerance is None else f"{as_of} >= {shifted(f's.{AT}', -tolerance)}"


def join_lookup_sql(joined: Joined) -> str:
    """Return the query of the online snapshot: for each key the row that a prediction made at $now may see."""
    definition = joined.definition
    keys = [f"{_source(joined, name)} AS {quote(name)}" for name in definition.on]
    as_of = [] if definition.as_of is None or definition.as_of in definition.on else [definition.as_of]
    names = dict.fromkeys([*as_of, *(name for name in joined.columns if name not in definition.on)])
    columns = columns_sql([*keys, *(f"{_source(joined, name)} AS {quote(name)}" for name in names)])
    conditions = _conditions(joined)
    if definition.static or definition.as_of is None:
        conditions.append(f"{NOW} IS NOT NULL")
    else:
        conditions += [f"{latest_sql(joined.known)} < {NOW}", f"{_source(joined, definition.as_of)} <= {NOW}"]
    partition = ", ".join(_source(joined, name) for name in definition.on)
    return (
        f"SELECT {columns}\nFROM ({_scan(joined)}){where_sql(conditions)}\n"
        f"QUALIFY row_number() OVER (PARTITION BY {partition} ORDER BY {_order(joined)}) = 1"
    )


def lookup_columns(joined: Joined) -> tuple[str, ...]:
    """Return the columns of the lookup besides its keys."""
    definition = joined.definition
    names = [*([definition.as_of] if definition.as_of else []), *joined.columns]
    return tuple(dict.fromkeys(name for name in names if name not in definition.on))


def _history_sql(joined: Joined) -> str:
    """Keep, for each key and time, the row that is the newest one from then on.

    A row counts from the moment `__seen` after which it is known and no longer ahead; a row that appears when a newer
    one is already known never counts.
    """
    definition = joined.definition
    as_of = _source(joined, definition.as_of or "")
    known = latest_sql(joined.known)
    seen = known if _follows(joined) else f"greatest({known}, {as_of} - INTERVAL '1 microseconds')"
    keys = [f"{_source(joined, name)} AS k{i}" for i, name in enumerate(definition.on, 1)]
    partition = ", ".join(f"k{i}" for i in range(1, len(definition.on) + 1))
    values = [f"{_source(joined, name)} AS {quote(name)}" for name in joined.columns]
    order = f"row_number() OVER (PARTITION BY {partition}, {seen} ORDER BY {_order(joined)}) AS __order"
    newest = f"max({as_of}) OVER (PARTITION BY {partition} ORDER BY {seen}) AS __newest"
    inner = columns_sql([*keys, f"{seen} AS __seen", f"{as_of} AS __as_of", *values, order, newest])
    outer = ", ".join([partition, "__seen", "__as_of", *(quote(name) for name in joined.columns)])
    source = f"SELECT {inner}\nFROM ({_scan(joined)}){where_sql(_conditions(joined))}"
    return f"SELECT {outer}\nFROM (\n  {indented(source)}\n)\nWHERE __order = 1 AND __as_of = __newest"


def _static_sql(joined: Joined) -> str:
    on = joined.definition.on
    keys = [f"{_source(joined, name)} AS k{i}" for i, name in enumerate(on, 1)]
    values = [f"{_source(joined, name)} AS {quote(name)}" for name in joined.columns]
    partition = ", ".join(_source(joined, name) for name in on)
    return (
        f"SELECT {columns_sql([*keys, *values])}\nFROM ({_scan(joined)}){where_sql(_conditions(joined))}\n"
        f"QUALIFY row_number() OVER (PARTITION BY {partition} ORDER BY {_order(joined)}) = 1"
    )


def _follows(joined: Joined) -> bool:
    """Tell whether rows are never known before their `as_of`, by the specs alone."""
    as_of = joined.definition.as_of
    return any(moment.base == as_of and moment.offset >= 0 for moment in joined.known)


def _source(joined: Joined, column: str) -> str:
    return quote(f"{joined.definition.dataset.name}.{column}")


def _scan(joined: Joined) -> str:
    definition = joined.definition
    times = {name for moment in joined.known for name in moment.reads}
    names = {*definition.on, *joined.columns, *definition.dataset.primary_key, *times}
    return scan_sql(definition.dataset, names | ({definition.as_of} if definition.as_of else set()))


def _conditions(joined: Joined) -> list[str]:
    definition = joined.definition
    names = [*definition.on, *([definition.as_of] if definition.as_of and not definition.static else [])]
    return [*known_filter(joined.known), *(f"{_source(joined, name)} IS NOT NULL" for name in names)]


def _order(joined: Joined) -> str:
    """Return the order of one key's rows, the chosen one first; ties are broken the same everywhere."""
    definition = joined.definition
    times = (
        []
        if definition.as_of is None or definition.static
        else [_source(joined, definition.as_of), latest_sql(joined.known)]
    )
    ties = [_source(joined, name) for name in dict.fromkeys((*definition.dataset.primary_key, *joined.columns))]
    return ", ".join(f"{sql} DESC NULLS LAST" for sql in (times + ties or [_source(joined, definition.on[0])]))
