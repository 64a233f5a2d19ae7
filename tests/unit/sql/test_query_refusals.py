"""What a dataset's query may not hold: functions that look outside, clauses that make it another at each run."""

from __future__ import annotations

import duckdb
import pytest

from mlc_compiler.sql.query import parse_query
from mlc_compiler.sql.query_text import QueryProblem

DATASETS = frozenset(("flights", "planes"))
# Of no consequence to rows: how a row is stored, and what another statement set.
HARMLESS = frozenset(("error", "stats", "vector_type"))


def problem(query: str) -> QueryProblem | None:
    return parse_query(query, DATASETS).problem


def test_every_function_of_duckdb_that_is_another_at_each_run_is_refused() -> None:
    found = (
        duckdb.connect()
        .execute(
            "SELECT DISTINCT function_name FROM duckdb_functions() WHERE stability <> 'CONSISTENT' "
            "AND function_type = 'scalar' AND function_name SIMILAR TO '[a-z_0-9]+'"
        )
        .fetchall()
    )
    assert len(found) > 10
    passing = [name for (name,) in found if problem(f"SELECT {name}(1) AS x FROM flights") is None]
    assert sorted(set(passing) - HARMLESS) == []


@pytest.mark.parametrize(
    ("query", "marked"),
    [
        ("SELECT a FROM flights LIMIT 3", "LIMIT"),
        ("SELECT a FROM flights OFFSET 3", "OFFSET"),
        ("SELECT a FROM flights FETCH FIRST 3 ROWS ONLY", "FETCH"),
        ("SELECT a FROM (SELECT a FROM flights LIMIT 3)", "LIMIT"),
        ("SELECT a FROM flights CONNECT BY PRIOR a = b", "CONNECT BY"),
        ("SELECT a FROM flights LATERAL VIEW explode(x) v AS y", "LATERAL VIEW"),
        ("SELECT a FROM flights CLUSTER BY a", "CLUSTER BY"),
        ("SELECT a FROM flights CROSS APPLY planes", "APPLY"),
        ("SELECT a FROM flights WITH (NOLOCK)", "WITH"),
        ("SELECT a FROM flights FOR SYSTEM_TIME AS OF '2020-01-01'", "FOR"),
        ("SELECT a FROM flights WHERE b > :least", ":least"),
        ("SELECT age(a) FROM flights", "age"),
        ("SELECT a FROM range(10)", "range"),
        ("SELECT a FROM FLIGHTS", "FLIGHTS"),
    ],
)
def test_a_clause_that_is_refused_is_marked_itself(query: str, marked: str) -> None:
    found = problem(query)
    assert found is not None
    assert found.within is not None
    assert (query[slice(*found.within)], bool(found.help)) == (marked, True)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT a FROM flights ORDER BY a LIMIT 3",
        "(SELECT a FROM flights) ORDER BY a LIMIT 1",
        "SELECT list(a ORDER BY a LIMIT 3) FROM flights",
        "SELECT a FROM flights CROSS JOIN LATERAL (SELECT 1)",
        "SELECT age(a, b) FROM flights",
    ],
)
def test_what_gives_the_same_rows_each_time_passes(query: str) -> None:
    assert problem(query) is None


def test_the_nearest_dataset_is_found_whatever_the_case() -> None:
    found = problem("SELECT a FROM FLIGHTS")
    assert found is not None
    assert (found.help, found.fix) == ("did you mean `flights`?", "flights")
