"""Queries of datasets over other datasets: one SELECT, reading nothing but the datasets that it names."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mlc_compiler.diagnostics import nearest
from mlc_compiler.records import dataclass
from mlc_compiler.sql.functions import IMPURE
from mlc_compiler.sql.query_text import QueryProblem, text_problem
from mlc_compiler.sql.syntax import Span

if TYPE_CHECKING:
    from sqlglot import exp

_HASH = "choose rows by a hash of their key: WHERE md5_number(key) % 10 = 0"
_DATASETS = "name a dataset of the project: a query reads no files and calls no functions for rows"
_FILE_ENDS = ("_scan", "_attach", "_query")
_FILE_STARTS = ("read_", "duckdb_", "pragma_", "load_", "write_", "st_read")


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """The datasets that a query reads, or what is wrong with it."""

    reads: tuple[str, ...] = ()
    problem: QueryProblem | None = None


@functools.lru_cache(maxsize=4096)
def parse_query(text: str, datasets: frozenset[str]) -> ParsedQuery:
    """Parse a dataset's query. Nothing is executed; files, functions that read and other statements are refused."""
    query = parsed_select(text)
    if isinstance(query, QueryProblem):
        return ParsedQuery(problem=query)
    tables = list(_tables(query))
    problem = next(_table_problems(text, tables, datasets), None)
    return ParsedQuery(tuple(sorted({table.name for table in tables})) if problem is None else (), problem)


@functools.lru_cache(maxsize=4096)
def parsed_select(text: str) -> exp.Query | QueryProblem:
    """Return the tree of a query, which nobody may change, or why it is refused whatever the datasets are."""
    refused = text_problem(text)
    if refused is not None:
        return refused
    import logging  # 5 ms, and most projects hold no query

    import sqlglot  # 0.2 s to import: only projects with queries pay
    from sqlglot import errors, exp

    logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of statements that are refused here
    try:
        statements = [s for s in sqlglot.parse(text, dialect="duckdb") if s is not None]
    except errors.SqlglotError as error:
        return _syntax_problem(text, error)
    except RecursionError:
        return QueryProblem(
            "the query is nested too deeply", None, "split it into several datasets: a query may read another"
        )
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        return QueryProblem("a dataset's query is one SELECT", None, "leave out other statements and semicolons")
    return next(_refused_nodes(text, statements[0]), None) or statements[0]


def _tables(query: exp.Query) -> Iterator[exp.Table]:
    """Yield the tables of a query that are no common table expressions of its own."""
    from sqlglot import exp

    for table in query.find_all(exp.Table):
        if table.db or table.name.lower() not in _expressions_around(table):
            yield table


def _expressions_around(table: exp.Table) -> Iterator[str]:
    """Yield the common table expressions that a table stands in the reach of: those before its own, or all outside."""
    from sqlglot import exp

    inside: exp.Expr = table
    while (around := inside.parent) is not None:
        if isinstance(around, exp.With):
            names = [cte.alias.lower() for cte in around.expressions]
            yield from names if around.recursive else names[: around.expressions.index(inside)]
        elif isinstance(around, exp.Query) and not isinstance(inside, exp.With):
            yield from (cte.alias.lower() for cte in around.ctes)
        inside = around


def _table_problems(text: str, tables: list[exp.Table], datasets: frozenset[str]) -> Iterator[QueryProblem]:
    for table in tables:
        if not _named(table):
            start, end = span_of(table.this) or (0, 0)
            called = text[start:end].partition("(")[0]
            within = (start, start + len(called)) if called else None
            yield QueryProblem(f"`{called}` is a function, and a query reads datasets", within, _DATASETS)
        elif table.db or table.name not in datasets:
            yield _unknown_table(text, table, datasets)


def _named(table: exp.Table) -> bool:
    from sqlglot import exp

    return isinstance(table.this, exp.Identifier)


def _unknown_table(text: str, table: exp.Table, datasets: frozenset[str]) -> QueryProblem:
    parts = [span for part in table.parts if (span := span_of(part))]
    within = (parts[0][0], parts[-1][1]) if parts else None
    shown = text[slice(*within)] if within else table.name
    near = table.name if table.name in datasets else nearest(table.name.lower(), datasets)
    help = f"did you mean `{near}`?" if near else _DATASETS
    plain = near is not None and "'" not in shown
    return QueryProblem(
        f"`{shown}` is not a dataset of this project",
        within,
        help,
        f'"{near}"' if plain and near and not near.isidentifier() else near if plain and near else "",
    )


def _refused_nodes(text: str, query: exp.Query) -> Iterator[QueryProblem]:
    """Yield what a query holds that depends on more than its datasets, or changes something."""
    from sqlglot import exp

    for node in query.walk():
        if isinstance(node, exp.TableSample):
            word = "tablesample" if "tablesample" in text.lower() else "using sample"
            yield QueryProblem("a sample takes other rows at each run", _found(text, word, node), _HASH)
        elif isinstance(node, exp.Placeholder | exp.Parameter | exp.SessionParameter):
            message = "a query has no parameters: nothing would fill them in"
            yield QueryProblem(message, _marked(text, node), "write the value out")
        elif isinstance(node, exp.DML | exp.DDL | exp.Into | exp.Lock | exp.Command) and not isinstance(
            node, exp.Query
        ):
            word = "FOR" if isinstance(node, exp.Lock) else type(node).__name__.upper()
            help = "write one SELECT over datasets; other statements never run"
            yield QueryProblem(
                f"`{word}` is refused: a query reads rows and changes nothing", _found(text, word, node), help
            )
        elif isinstance(node, exp.Func):
            yield from _impure(text, node)
        else:
            yield from _foreign(text, node)


def _impure(text: str, node: exp.Func) -> Iterator[QueryProblem]:
    """Yield why a query may not call a function: what it gives depends on more than the datasets."""
    from sqlglot import exp

    within = span_of(node, deep=False)
    written = [text[slice(*within)]] if within else []
    for name in (word.lower() for word in (*written, *_names(node))):
        if name in IMPURE or name.startswith(_FILE_STARTS) or name.endswith(_FILE_ENDS):
            message = f"`{name}` is refused: what a query gives depends on its datasets alone"
            yield QueryProblem(
                message, within or _found(text, name, node), "leave it out, or make its value a column of a dataset"
            )
            return
    if isinstance(node, exp.Anonymous) and node.name.lower() == "age" and len(node.expressions) == 1:
        yield QueryProblem("`age` of one time counts from today", within, "write age(until, since), with both times")


def _names(node: exp.Func) -> Iterator[str]:
    from sqlglot import exp

    yield node.name if isinstance(node, exp.Anonymous) else node.sql_name()


def _foreign(text: str, node: exp.Expr) -> Iterator[QueryProblem]:
    """Yield a clause that the parser takes and DuckDB does not, or that makes the result another at each run."""
    from sqlglot import exp

    clauses: dict[type[exp.Expr], tuple[str, str]] = {
        exp.Connect: ("CONNECT BY", "write WITH RECURSIVE"),
        exp.Distribute: ("DISTRIBUTE BY", "leave it out: one engine reads all rows"),
        exp.Cluster: ("CLUSTER BY", "leave it out: one engine reads all rows"),
        exp.Version: ("FOR", "leave it out: a dataset is read as it is locked"),
        exp.HistoricalData: ("AT", "leave it out: a dataset is read as it is locked"),
        exp.WithTableHint: ("WITH", "leave the hint out"),
    }
    if type(node) in clauses:
        word, help = clauses[type(node)]
        yield QueryProblem(f"`{word}` is another database's", _found(text, word.replace(" ", r"\s+"), node), help)
    elif isinstance(node, exp.Lateral) and (node.args.get("view") or node.args.get("cross_apply") is not None):
        word = "LATERAL VIEW" if node.args.get("view") else "APPLY"
        help = "write a join: ... CROSS JOIN LATERAL (SELECT ...)"
        yield QueryProblem(f"`{word}` is another database's", _found(text, word.replace(" ", r"\s+"), node), help)
    elif isinstance(node, exp.Limit | exp.Fetch | exp.Offset) and isinstance(around := node.parent, exp.Query):
        word = type(node).__name__.upper()
        if around.args.get("order") is None and _found(text, word, node):
            help = "say which rows: ORDER BY a key that no two rows share"
            message = f"`{word}` without ORDER BY takes any rows, others at each run"
            yield QueryProblem(message, _found(text, word, node), help)


def span_of(node: exp.Expr, *, deep: bool = True) -> Span | None:
    """Return the characters that a node was read from, as far as the parser kept them."""
    nodes = node.walk() if deep else (node,)
    found = [(n.meta["start"], n.meta["end"] + 1) for n in nodes if "start" in n.meta]
    return (min(s for s, _ in found), max(e for _, e in found)) if found else None


def _marked(text: str, node: exp.Expr) -> Span | None:
    """Return where a parameter stands: the parser keeps no place of it."""
    found = re.search(rf"[:$@?]{re.escape(node.name)}", text)
    return found.span() if found else span_of(node)


def _found(text: str, word: str, node: exp.Expr) -> Span | None:
    """Return where a word stands, for nodes whose place the parser does not keep."""
    found = re.search(rf"\b{word}\b", text, re.IGNORECASE)
    return found.span() if found else span_of(node)


def _syntax_problem(text: str, error: Exception) -> QueryProblem:
    details = (getattr(error, "errors", None) or [{}])[0]
    word, line, column = str(details.get("highlight") or ""), details.get("line"), details.get("col")
    help = "write one SELECT in DuckDB's SQL"
    if not word or not isinstance(line, int) or not isinstance(column, int):
        return QueryProblem("the query can't be read", None, help)
    # The parser counts lines, and within them where the word ends.
    end = sum(len(part) for part in text.splitlines(keepends=True)[: line - 1]) + column
    within = (end - len(word), end) if text[end - len(word) : end] == word else None
    if text.rstrip().endswith(word) and end >= len(text.rstrip()):
        return QueryProblem(f"the query breaks off after `{word}`", within, f"write what follows `{word}`")
    return QueryProblem(f"`{word}` was not expected here", within, help)
