"""Queries of datasets over other datasets: one SELECT, reading nothing but the datasets that it names."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from mlc_compiler.diagnostics import nearest
from mlc_compiler.sql.functions import IMPURE

_HASH = "choose rows by a hash of their key: WHERE md5_number(key) % 10 = 0"


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """The datasets that a query reads, or what is wrong with it: message, range of characters, help."""

    reads: tuple[str, ...] = ()
    problem: str = ""
    within: tuple[int, int] | None = None
    help: str = ""


@functools.lru_cache(maxsize=4096)
def parse_query(text: str, datasets: frozenset[str]) -> ParsedQuery:
    """Parse a dataset's query. Nothing is executed; files, functions that read and other statements are refused."""
    import sqlglot  # 0.2 s to import: only projects with queries pay
    from sqlglot import errors, exp

    try:
        statements = [s for s in sqlglot.parse(text, dialect="duckdb") if s is not None]
    except errors.SqlglotError as error:
        return _syntax_problem(text, error)
    except RecursionError:
        return ParsedQuery(problem="the query is nested too deeply", help="split it into several datasets")
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        return ParsedQuery(problem="a dataset's query is one SELECT", help="leave out other statements and semicolons")
    query = statements[0]
    ctes = {cte.alias for cte in query.find_all(exp.CTE)}
    tables = [t for t in query.find_all(exp.Table) if t.name not in ctes or t.db]
    for table in tables:
        if not isinstance(table.this, exp.Identifier) or table.db or table.name not in datasets:
            return _table_problem(text, table.sql(dialect="duckdb"), table.name, datasets)
    for sample in query.find_all(exp.TableSample):
        return ParsedQuery(problem=f"`{sample.sql(dialect='duckdb').strip()}` takes other rows at each run", help=_HASH)
    for function in query.find_all(exp.Func):
        problem = _impure_problem(
            function.name if isinstance(function, exp.Anonymous) else function.sql_name(), function.meta
        )
        if problem is not None:
            return problem
    return ParsedQuery(tuple(sorted({t.name for t in tables})))


def _impure_problem(name: str, meta: dict[str, object]) -> ParsedQuery | None:
    """Return why a query may not call a function: what it gives depends on more than the datasets."""
    reason = IMPURE.get(name.lower())
    if reason is None:
        return None
    start, end = meta.get("start"), meta.get("end")
    within = (start, end + 1) if isinstance(start, int) and isinstance(end, int) else None
    problem = f"`{name.lower()}` is refused: what a query gives depends on its datasets alone"
    return ParsedQuery(problem=problem, within=within, help="leave it out, or make its value a column of a dataset")


def _table_problem(text: str, shown: str, name: str, datasets: frozenset[str]) -> ParsedQuery:
    start = text.find(shown)
    near = nearest(name, datasets) if name else None
    return ParsedQuery(
        problem=f"`{shown}` is not a dataset of this project",
        within=(start, start + len(shown)) if start >= 0 else None,
        help=f"did you mean `{near}`?" if near else "a query reads datasets by their names, never files or functions",
    )


def _syntax_problem(text: str, error: Exception) -> ParsedQuery:
    details = getattr(error, "errors", None) or [{}]
    word = str(details[0].get("highlight") or "")
    start = text.find(word) if word else -1
    said = str(details[0].get("description") or "it is not SQL").rstrip(".")
    return ParsedQuery(
        problem=f"the query can't be read: {said}",
        within=(start, start + len(word)) if start >= 0 else None,
        help="write one SELECT in DuckDB's SQL",
    )
