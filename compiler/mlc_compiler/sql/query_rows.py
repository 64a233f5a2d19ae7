"""Queries of datasets that see rows of other times: windows that reach ahead, aggregates over all of a table.

Columns are told by their names, aliases followed: a query that renames a time or an outcome does not hide it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mlc_compiler.records import dataclass
from mlc_compiler.sql.query import parsed_select
from mlc_compiler.sql.query_text import QueryProblem

if TYPE_CHECKING:
    from sqlglot import exp

_RANKS = ("ROW_NUMBER", "RANK", "DENSE_RANK", "PERCENT_RANK", "NTILE", "CUME_DIST")
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Sight:
    """A part of a query that takes values of rows at other times: its text, why, and the outcomes that it reads."""

    text: str
    reason: str
    outcomes: tuple[str, ...]
    within: tuple[int, int] | None = None  # characters of the query


@functools.lru_cache(maxsize=1024)
def sights(query: str, times: frozenset[str], outcomes: frozenset[str]) -> tuple[Sight, ...]:
    """Return what of a query, which parses, sees later rows.

    `times` are the names of the columns that order rows, `outcomes` of those known only after their row's event.
    """
    from sqlglot import exp  # 0.2 s to import: only projects with queries pay

    tree = parsed_select(query)
    if isinstance(tree, QueryProblem):
        return ()
    reader = _Reader(_with_aliases(tree, times), _with_aliases(tree, outcomes))
    found = [reader.window(w) for w in tree.find_all(exp.Window) if w.arg_key != "windows"]
    found += [reader.grouped(s) for s in tree.find_all(exp.Select)]
    return tuple(dict.fromkeys(s for s in found if s is not None))


@functools.lru_cache(maxsize=1024)
def compared_times(query: str, times: frozenset[str]) -> frozenset[str]:
    """Return the times that a query holds against other times: `f.departure > g.arrival` bounds the rows of g."""
    from sqlglot import exp

    tree = parsed_select(query)
    if isinstance(tree, QueryProblem):
        return frozenset()
    known, found = _with_aliases(tree, times), frozenset[str]()
    for comparison in tree.find_all(exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between):
        sides = [_names(side) & known for side in comparison.iter_expressions()]
        if sum(map(bool, sides)) > 1:
            found |= frozenset().union(*sides)
    return found


def _with_aliases(tree: exp.Expr, names: frozenset[str]) -> frozenset[str]:
    """Return the names and those that the query gives to what is made of them."""
    from sqlglot import exp

    known, before = names, frozenset[str]()
    aliases = [(a.alias.lower(), _names(a.this)) for a in tree.find_all(exp.Alias)]
    while known != before:
        before, known = known, known | {alias for alias, read in aliases if read & known}
    return known


def _names(node: exp.Expr) -> frozenset[str]:
    from sqlglot import exp

    return frozenset(column.name.lower() for column in node.find_all(exp.Column))


def _named(window: exp.Window) -> exp.Expr:
    """Return the window that `OVER name` means, or the window itself."""
    from sqlglot import exp

    select, name = window.find_ancestor(exp.Select), window.args.get("alias")
    if select is None or name is None:
        return window
    return next((w for w in select.args.get("windows") or () if w.this.name == name.name), window)


def _keys(select: exp.Select) -> list[exp.Expr]:
    """Return what a query groups by: `1` is its first column, ALL what is not aggregated."""
    from sqlglot import exp

    group = select.args.get("group")
    if group is None:
        return []
    if group.args.get("all"):
        return [item for item in select.expressions if item.find(exp.AggFunc) is None]
    keys = [*group.expressions]
    for name in ("cube", "rollup", "grouping_sets"):
        keys += group.args.get(name) or []
    return [_column(select, key) for key in keys]


def _column(select: exp.Select, key: exp.Expr) -> exp.Expr:
    from sqlglot import exp

    if isinstance(key, exp.Literal) and key.is_int and 0 < int(key.this) <= len(select.expressions):
        found: exp.Expr = select.expressions[int(key.this) - 1]
        return found
    return key


@dataclass(frozen=True, slots=True)
class _Reader:
    times: frozenset[str]
    outcomes: frozenset[str]

    def window(self, window: exp.Window) -> Sight | None:
        """Return why a window sees later rows; None for one that looks back, or stays within a key of time."""
        frame = _named(window)
        if any(_names(key) & self.times for key in frame.args.get("partition_by") or ()):
            return None
        reason = self._ahead(window.this, frame)
        return self._sight(window, reason) if reason else None

    def _ahead(self, function: exp.Expr, frame: exp.Expr) -> str:
        from sqlglot import exp

        order, spec = frame.args.get("order"), frame.args.get("spec")
        back = function.args.get("offset") if isinstance(function, exp.Lag) else None
        if isinstance(function, exp.Lead) or isinstance(back, exp.Neg):
            return "it takes values of later rows"
        if order is None:
            return "it has no ORDER BY, so that it takes rows of all times"
        first = order.expressions[0]
        if not _names(first) & self.times:
            return "it is ordered by no time, so that it takes rows of all times"
        backwards = bool(first.args.get("desc"))
        named = function.sql_name() if isinstance(function, exp.Func) else ""
        if backwards and (named in _RANKS or isinstance(function, exp.Lag) or spec is None):
            return "it counts from the latest row back, so that each row depends on later ones"
        side = spec.args.get("start_side" if backwards else "end_side") if spec is not None else None
        if str(side).upper() == ("PRECEDING" if backwards else "FOLLOWING"):
            return "its frame reaches past the current row"
        return ""

    def grouped(self, select: exp.Select) -> Sight | None:
        """Return an aggregate over rows of all times: no key of time, and no time that says until when."""
        from sqlglot import exp

        if any(_names(key) & self.times for key in _keys(select)) or self._is_bounded(select):
            return None
        for item in select.expressions:
            for call in item.find_all(exp.AggFunc):
                if call.find_ancestor(exp.Window) is None and call.find_ancestor(exp.Select) is select:
                    if isinstance(call, exp.Max | exp.Min) and _names(call) & self.times:
                        continue
                    return self._sight(call, "it takes rows of all times: no key of the GROUP BY is a time")
        return None

    def _is_bounded(self, select: exp.Select) -> bool:
        """Tell whether a condition on rows compares a time: which times are meant is for its author to say."""
        from sqlglot import exp

        where = select.args.get("where")
        conditions = [*([where] if where is not None else []), *(select.args.get("joins") or [])]
        compared = (c for part in conditions for c in part.find_all(exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Between))
        return any(_names(comparison) & self.times for comparison in compared)

    def _sight(self, node: exp.Expr, reason: str) -> Sight:
        text = node.sql(dialect="duckdb")
        shown = text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."
        return Sight(shown, reason, tuple(sorted(_names(node) & self.outcomes)), _within(node))


def _within(node: exp.Expr) -> tuple[int, int] | None:
    """Return where the name of the function stands in the query."""
    from sqlglot import exp

    function = node.find(exp.Func)
    start, end = (function.meta.get(k) for k in ("start", "end")) if function is not None else (None, None)
    return (start, end + 1) if isinstance(start, int) and isinstance(end, int) else None


def times_of(columns: Iterable[tuple[str, str]]) -> frozenset[str]:
    """Return the names, in lower case, of columns whose type is a time."""
    return frozenset(name.lower() for name, type_ in columns if type_ in ("timestamp", "date"))
