"""Training plans of aggregates that are no sums: window frames, and pairs of rows where nothing else is right."""

from __future__ import annotations

from mlc_compiler.sql.groups import AT, Group, aggregate_sql, direct_sql
from mlc_compiler.sql.knowledge import shifted
from mlc_compiler.sql.literals import interval_sql
from mlc_compiler.sql.scope import quote
from mlc_compiler.sql.terms import Term
from mlc_compiler.sql.text import Beside, Stage, where_sql


def beside_frames(beside: Beside, group: Group, terms: tuple[Term, ...]) -> None:
    """Run aggregates in RANGE frames over events and predictions in one order of time."""
    name, alias = f"__frames{group.index}", f"w{group.index}"
    windows = {frame: f"w{i}" for i, frame in enumerate(dict.fromkeys(_frame_sql(term) for term in terms), 1)}
    beside.stages.append(Stage(name, _frames_sql(group, terms, windows)))
    beside.joins.append(f"LEFT JOIN {name} AS {alias} ON {group.on(alias, f'{alias}.__known = s.{AT}')}")
    for number, term in enumerate(terms, 1):
        value = f"{alias}.a{number}"
        beside.columns.append(f"{defaulted(term, value)} AS {term.name}")


def _frames_sql(group: Group, terms: tuple[Term, ...], windows: dict[str, str]) -> str:
    keys = "".join(f"{key}, " for key in group.keys)
    values = ", ".join(dict.fromkeys(group.value(term) for term in terms))
    nulls = ", ".join(["NULL"] * len(dict.fromkeys(group.value(term) for term in terms)))
    points = ", ".join([*group.spine_keys, AT])
    present = " AND ".join(f"{name} IS NOT NULL" for name in group.spine_keys)
    select = [
        f"{aggregate_sql(term, group.value(term))} OVER {windows[_frame_sql(term)]} AS a{number}"
        for number, term in enumerate(terms, 1)
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


def defaulted(term: Term, sql: str) -> str:
    """Return a value that is 0, not null, where there are no rows and the function counts."""
    return f"coalesce({sql}, 0)" if term.function in ("count", "count_distinct") else sql


# --- pairs of rows ---------------------------------------------------------------------------------------------------
def beside_pairs(beside: Beside, group: Group, terms: tuple[Term, ...]) -> None:
    """Pair each prediction with the rows of its window: for windows that no single order of time can frame."""
    for number, term in enumerate(terms, 1):
        name, alias = f"__pairs{group.index}_{number}", f"q{group.index}_{number}"
        beside.stages.append(Stage(name, _pairs_sql(group, term)))
        keys = [f"{alias}.{own} = s.{spine}" for own, spine in _own_keys(group, term)]
        beside.joins.append(f"LEFT JOIN {name} AS {alias} ON {group.on(alias, f'{alias}.__at = s.{AT}', *keys)}")
        beside.columns.append(f"{defaulted(term, f'{alias}.a')} AS {term.name}")


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
