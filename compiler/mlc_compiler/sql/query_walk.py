"""The pass over a query's tree: each clause turns what it reads into flows, by the names that its relations give."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import field

from sqlglot import exp

from mlc_compiler.records import dataclass
from mlc_compiler.sql.mentions import Flow
from mlc_compiler.sql.query import span_of
from mlc_compiler.sql.relations import Flows, Relation, Schema, UnknownName, relation, turned, united
from mlc_compiler.sql.syntax import Span

_ROUNDS = 8  # a recursive query's flows are complete long before


@dataclass(slots=True)
class _Scope:
    """What names mean inside one SELECT, and what decides on its rows, as far as it was read."""

    expressions: Mapping[str, Relation]
    outer: _Scope | None = None
    sources: list[tuple[str, Relation]] = field(default_factory=list)
    rows: list[Flows] = field(default_factory=list)
    aliases: dict[str, Flows] = field(default_factory=dict)
    windows: dict[str, exp.Window] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()
    merged: set[str] = field(default_factory=set)  # by USING or NATURAL
    apart: set[str] = field(default_factory=set)  # tables that only decide: SEMI and ANTI joins


def read_query(query: exp.Query, schema: Schema) -> tuple[Relation, tuple[UnknownName, ...]]:
    """Return what a query gives, and the columns that it reads in vain."""
    walk = _Walk(schema)
    return walk.query(query, {}, None), tuple(walk.unknown.values())


class _Walk:
    def __init__(self, schema: Schema) -> None:
        self._datasets = {
            name: relation(((column, {(name, column, "value"): None}) for column in columns), {})
            for name, columns in schema
        }
        self.unknown: dict[str, UnknownName] = {}

    # --- queries ---
    def query(self, node: exp.Expr, expressions: Mapping[str, Relation], outer: _Scope | None) -> Relation:
        """Return what a SELECT, a set operation or either in parentheses gives."""
        known = dict(expressions)
        for cte in getattr(node, "ctes", ()):
            known[cte.alias.lower()] = self._expression_relation(cte, known, outer)
        if isinstance(node, exp.Subquery):
            return self._cut(node, self.query(node.this, known, outer), known, outer)
        if isinstance(node, exp.SetOperation):
            return self._cut(node, self._set_operation(node, known, outer), known, outer)
        return self._select(node, known, outer) if isinstance(node, exp.Select) else Relation(open=True)

    def _expression_relation(self, cte: exp.CTE, known: dict[str, Relation], outer: _Scope | None) -> Relation:
        """Return what a common table expression gives; a recursive one is read until nothing is added."""
        name, names = cte.alias.lower(), [column.name for column in cte.args["alias"].args.get("columns") or ()]
        if not (isinstance(cte.parent, exp.With) and cte.parent.recursive and isinstance(cte.this, exp.SetOperation)):
            return _renamed(self.query(cte.this, known, outer), names)
        found = _renamed(self.query(cte.this.this, known, outer), names)
        for _ in range(_ROUNDS):
            before, found = found, _renamed(self.query(cte.this, {**known, name: found}, outer), names)
            if found == before:
                break
        return found

    def _set_operation(self, node: exp.SetOperation, known: Mapping[str, Relation], outer: _Scope | None) -> Relation:
        chain: list[exp.SetOperation] = []
        first: exp.Expr = node
        while isinstance(first, exp.SetOperation) and (first is node or not first.ctes):
            chain.append(first)
            first = first.this
        found = self.query(first, known, outer)
        for operation in reversed(chain):
            found = _combined(operation, found, self.query(operation.expression, known, outer))
        return found

    def _select(self, node: exp.Select, known: Mapping[str, Relation], outer: _Scope | None) -> Relation:
        scope = _Scope(known, outer)
        scope.windows = {window.name.lower(): window for window in node.args.get("windows") or ()}
        start = node.args.get("from_")
        if start is not None:
            self._source(start.this, scope)
        for join in node.args.get("joins") or ():
            self._join(join, scope)
        for lateral in node.args.get("laterals") or ():
            self._source(lateral, scope)
        columns, open_ = self._projections(node, scope)
        self._clauses(node, scope, columns)
        rows = united((*scope.rows, *(source.rows for _, source in scope.sources)))
        return relation(columns, rows, open=open_)

    # --- sources ---
    def _source(self, node: exp.Expr, scope: _Scope) -> None:
        if isinstance(node, exp.Subquery | exp.Paren) and not isinstance(node.this, exp.Query):
            self._source(node.this, scope)
        else:
            found = self._relation(node, scope)
            alias = node.args.get("alias")
            names = [column.name for column in alias.columns] if isinstance(alias, exp.TableAlias) else []
            if node.args.get("pivots"):
                found = Relation({}, united((found.everything(), found.rows)), True)
            scope.sources.append((node.alias_or_name.lower(), _renamed(found, names)))
        for join in node.args.get("joins") or ():
            self._join(join, scope)

    def _relation(self, node: exp.Expr, scope: _Scope) -> Relation:
        if isinstance(node, exp.Table) and isinstance(node.this, exp.Identifier):
            known = scope.expressions.get(node.name.lower()) if not node.db else None
            return known or self._datasets.get(node.name, Relation(open=True))
        if isinstance(node, exp.Lateral) and isinstance(node.this, exp.Subquery):
            return self.query(node.this, scope.expressions, scope)
        if isinstance(node, exp.Query):
            return self.query(node, scope.expressions, scope)
        # VALUES, UNNEST and the like: columns made of whatever stands in them.
        return Relation({}, united(self.flows(part, scope) for part in node.iter_expressions()), True)

    def _join(self, join: exp.Join, scope: _Scope) -> None:
        before = [source for _, source in scope.sources]
        self._source(join.this, scope)
        if str(join.args.get("kind") or join.args.get("side") or "").upper() in ("SEMI", "ANTI"):
            scope.apart.add(scope.sources[-1][0])
        condition = join.args.get("on")
        if condition is not None:
            scope.rows.append(self.flows(condition, scope, "key"))
        names = {identifier.name: span_of(identifier) for identifier in join.args.get("using") or ()}
        if str(join.args.get("method") or "").upper() == "NATURAL":
            shared = (n for n in scope.sources[-1][1].names if any(source.has(n) for source in before))
            names |= dict.fromkeys(shared, span_of(join))
        scope.merged |= {name.lower() for name in names}
        for name, within in names.items():
            both = [source.columns[name.lower()] for _, source in scope.sources if source.has(name)]
            scope.rows.append(turned(_placed(united(both), within), "key"))

    # --- clauses ---
    def _projections(self, node: exp.Select, scope: _Scope) -> tuple[list[tuple[str, Flows]], bool]:
        columns: list[tuple[str, Flows]] = []
        open_ = False
        for projection in node.expressions:
            star = projection if isinstance(projection, exp.Star) else projection.this
            if isinstance(star, exp.Star) and isinstance(projection, exp.Star | exp.Column):
                columns += self._star(star, projection, scope)
                open_ = open_ or any(source.open for _, source in _starred(projection, scope))
                continue
            flows = self.flows(projection, scope)
            open_ = open_ or projection.find(exp.Columns, exp.Explode) is not None
            columns.append((projection.alias_or_name, flows))
            scope.aliases.setdefault(projection.alias_or_name.lower(), flows)
        return columns, open_

    def _star(self, star: exp.Star, projection: exp.Expr, scope: _Scope) -> Iterator[tuple[str, Flows]]:
        left_out = {part.name.lower() for part in star.args.get("except_") or ()}
        replaced = {part.alias.lower(): part for part in star.args.get("replace") or ()}
        found = span_of(projection)
        within = (found[0], found[0] + 1) if found and isinstance(projection, exp.Star) else found
        for _, source in _starred(projection, scope):
            for name in source.names:
                if name.lower() in replaced:
                    yield name, self.flows(replaced[name.lower()], scope)
                elif name.lower() not in left_out:
                    yield name, _placed(source.columns[name.lower()], within)

    def _clauses(self, node: exp.Select, scope: _Scope, columns: list[tuple[str, Flows]]) -> None:
        every = united(flows for _, flows in columns)
        for clause, flow in _DECIDING:
            part = node.args.get(clause)
            if part is not None:
                scope.rows.append(self.flows(part, scope, flow))
        group, distinct, order = node.args.get("group"), node.args.get("distinct"), node.args.get("order")
        if group is not None:
            every_key = group.args.get("all")
            keys = turned(_plain(node, columns), "key") if every_key else self._listed(group, scope, columns, "key")
            scope.rows.append(keys)
        if distinct is not None:
            on = distinct.args.get("on")
            scope.rows.append(turned(every, "key") if on is None else self.flows(on, scope, "key"))
        cut = node.args.get("limit") or node.args.get("offset") or (distinct and distinct.args.get("on"))
        if order is not None and cut is not None:
            scope.rows.append(self._listed(order, scope, columns, "window"))

    def _listed(self, clause: exp.Expr, scope: _Scope, columns: list[tuple[str, Flows]], flow: Flow) -> Flows:
        """Return what GROUP BY or ORDER BY reads; a number there is a column of the result."""
        found = []
        for part in clause.iter_expressions():
            inner = part.this if isinstance(part, exp.Ordered) else part
            if isinstance(inner, exp.Literal) and inner.is_int and 0 < int(inner.this) <= len(columns):
                found.append(turned(columns[int(inner.this) - 1][1], flow))
            else:
                found.append(self.flows(part, scope, flow))
        return united(found)

    def _cut(self, node: exp.Expr, found: Relation, known: Mapping[str, Relation], outer: _Scope | None) -> Relation:
        """Return a set operation's result, or a query in parentheses, with the ORDER BY and LIMIT after it."""
        order = node.args.get("order")
        if order is None or not (node.args.get("limit") or node.args.get("offset")):
            return found
        columns = [(name, found.columns[name.lower()]) for name in found.names]
        scope = _Scope(known, outer, [("", found)])
        rows = united((found.rows, self._listed(order, scope, columns, "window")))
        return Relation(found.columns, rows, found.open, found.names)

    # --- expressions ---
    def flows(self, node: exp.Expr, scope: _Scope, flow: Flow = "value") -> Flows:
        """Return what an expression depends on; not by recursion, since chains of operators are long."""
        found: list[Flows] = []
        waiting: list[tuple[exp.Expr, Flow, frozenset[str]]] = [(node, flow, scope.hidden)]
        while waiting:
            part, kind, hidden = waiting.pop()
            if isinstance(part, exp.Column):
                if part.name.lower() not in hidden and (part.parts[0].name.lower() not in hidden):
                    found.append(turned(self._column(part, scope), kind))
            elif isinstance(part, exp.Query):
                inner = self.query(part, scope.expressions, scope)
                found.append(turned(united((inner.everything(), inner.rows)), kind))
            elif isinstance(part, exp.Columns):
                found.append(turned(united(source.everything() for _, source in scope.sources), kind))
            else:
                names = (
                    hidden | {name.name.lower() for name in part.expressions}
                    if isinstance(part, exp.Lambda)
                    else hidden
                )
                waiting += [
                    (child, kind if turn is None or kind != "value" else turn, names)
                    for child, turn in _children(part, scope)
                ]
        return united(reversed(found))

    def _column(self, node: exp.Column, scope: _Scope) -> Flows:
        """Return what a name stands for, in this SELECT or in one around it."""
        within, qualifier, name = span_of(node), node.table.lower(), node.name
        around: _Scope | None = scope
        while around is not None:
            if qualifier in dict(around.sources):
                return self._qualified(dict(around.sources)[qualifier], node, within)
            found = _unqualified(node.parts[0].name if qualifier else name, around)
            if found is not None:
                if not qualifier:
                    self._ambiguous(node, around)
                return _placed(found, within)
            around = around.outer
        self._miss(node, scope)
        return {}

    def _miss(self, node: exp.Column, scope: _Scope) -> None:
        if node.table:
            message = f"`{node.table}` is neither a table of this query nor one of its columns"
            within, name = span_of(node.parts[0]), node.parts[0].name
            candidates = tuple(dict(scope.sources))
        else:
            message = f"there is no column `{node.name}` in what this query reads"
            within, name = span_of(node), node.name
            candidates = tuple(dict.fromkeys(column for _, source in scope.sources for column in source.names))
        self._report(UnknownName(message, within, name, candidates, bool(node.table)))

    def _ambiguous(self, node: exp.Column, scope: _Scope) -> None:
        name = node.name.lower()
        having = [alias for alias, source in scope.sources if source.has(name) and alias not in scope.apart]
        if len(having) > 1 and name not in scope.merged and name not in scope.aliases:
            message = f"`{node.name}` stands in both `{having[0]}` and `{having[1]}`"
            help = f"say which: `{having[0]}.{node.name}` or `{having[1]}.{node.name}`"
            self._report(UnknownName(message, span_of(node), node.name, (), help=help))

    def _report(self, unknown: UnknownName) -> None:
        """Keep the first of several findings about one name."""
        self.unknown.setdefault(unknown.message, unknown)

    def _qualified(self, source: Relation, node: exp.Column, within: Span | None) -> Flows:
        if isinstance(node.this, exp.Star):
            return _placed(source.everything(), within)
        if source.has(node.name):
            return _placed(source.columns[node.name.lower()], within)
        if source.open:
            return united((source.everything(), source.rows))
        place = span_of(node.this)
        message = f"there is no column `{node.name}` in `{node.table}`"
        self._report(UnknownName(message, place, node.name, source.names))
        return {}


_DECIDING: tuple[tuple[str, Flow], ...] = (
    ("where", "filter"), ("having", "filter"), ("qualify", "filter"), ("limit", "filter"), ("offset", "filter"),
)  # fmt: skip


def _children(node: exp.Expr, scope: _Scope) -> Iterator[tuple[exp.Expr, Flow | None]]:
    """Yield the parts of an expression with the flow that each turns into; None leaves it as it is."""
    deciding = _TURNS.get(type(node), {})
    if isinstance(node, exp.Window) and node.alias and (window := scope.windows.get(node.alias.lower())):
        yield from ((part, "window") for part in window.iter_expressions() if not isinstance(part, exp.Identifier))
    for name, value in node.args.items():
        for part in value if isinstance(value, list) else (value,):
            if isinstance(part, exp.Expr):
                yield part, deciding.get(name)


_TURNS: dict[type[exp.Expr], dict[str, Flow]] = {
    exp.Case: {"this": "condition"},
    exp.If: {"this": "condition"},
    exp.Nullif: {"expression": "condition"},
    exp.Window: {"partition_by": "window", "order": "window", "spec": "window"},
    exp.Filter: {"expression": "filter"},
    exp.Order: {"expressions": "window"},
    exp.WithinGroup: {"expression": "window"},
}


def _plain(node: exp.Select, columns: list[tuple[str, Flows]]) -> Flows:
    """Return what GROUP BY ALL groups by: the columns that aggregate nothing; all of them where a `*` adds others."""
    if len(columns) != len(node.expressions):
        return united(flows for _, flows in columns)
    pairs = zip(node.expressions, columns, strict=True)
    return united(flows for part, (_, flows) in pairs if part.find(exp.AggFunc) is None)


def _starred(projection: exp.Expr, scope: _Scope) -> list[tuple[str, Relation]]:
    table = projection.table.lower() if isinstance(projection, exp.Column) else ""
    return [source for source in scope.sources if not table or source[0] == table]


def _unqualified(name: str, scope: _Scope) -> Flows | None:
    found = [source.columns[name.lower()] for _, source in scope.sources if source.has(name)]
    if found:
        return found[0]
    if name.lower() in scope.aliases:
        return scope.aliases[name.lower()]
    unknown = [source for _, source in scope.sources if source.open]
    return united(flows for source in unknown for flows in (source.everything(), source.rows)) if unknown else None


def _placed(flows: Flows, within: Span | None) -> Flows:
    return {key: within if span is None else span for key, span in flows.items()}


def _renamed(found: Relation, names: list[str]) -> Relation:
    """Return a relation whose first columns have other names, as in `t(a, b)`."""
    if not names:
        return found
    if found.open:
        made = united((found.everything(), found.rows))
        return relation([*((name, made) for name in names), *found.columns.items()], found.rows, open=True)
    kept = [*names, *found.names[len(names) :]]
    return relation(zip(kept, (found.columns[name.lower()] for name in found.names), strict=False), found.rows)


def _combined(node: exp.SetOperation, left: Relation, right: Relation) -> Relation:
    """Return what a set operation gives: of UNION both sides' values, else the left's, as the right lets them."""
    both = united((*left.columns.values(), *right.columns.values()))
    rows = [left.rows, right.rows]
    if not isinstance(node, exp.Union) or node.args.get("distinct"):
        rows.append(turned(both, "key"))
    if not isinstance(node, exp.Union):
        return Relation(left.columns, united(rows), left.open, left.names)
    pairs = [(name, right.columns.get(name.lower(), {})) for name in left.names]
    if not node.args.get("by_name"):
        pairs = list(zip(left.names, [*right.columns.values(), *({},) * len(left.names)], strict=False))
    columns = [(name, united((left.columns[name.lower()], flows))) for name, flows in pairs]
    columns += [
        (name, right.columns[name.lower()]) for name in right.names if node.args.get("by_name") and not left.has(name)
    ]
    return relation(columns, united(rows), open=left.open or right.open)
