"""Nothing that changes a feature goes untraced: expressions are evaluated with other values of a personal column."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlc_compiler.analysis.traces import RANK, column_traces
from mlc_compiler.ir import Column, Dataset, Source
from mlc_compiler.sql.definitions import ProblemPlace
from mlc_compiler.sql.expressions import compile_expression
from mlc_compiler.sql.scope import dataset_scope

TABLE = Dataset(
    "people",
    Source("parquet"),
    (Column("x", "int64", classification="pii"), Column("y", "int64"), Column("z", "int64")),
)
BANDS = st.sampled_from(["x > 1", "x between 1 and 2", "2 <= x"])
ATOMS = st.sampled_from(["x", "y", "z", "1", "2"])


def _wider(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    condition = st.tuples(parts, st.sampled_from(["=", "<>", "<"]), parts).map(lambda p: f"({p[0]} {p[1]} {p[2]})")
    choice = condition | BANDS
    return (
        st.tuples(parts, st.sampled_from(["+", "*", "-"]), parts).map(lambda p: f"({p[0]} {p[1]} {p[2]})")
        | st.tuples(choice, parts, parts).map(lambda p: f"if({p[0]}, {p[1]}, {p[2]})")
        | st.tuples(choice, parts, parts).map(lambda p: f"case when {p[0]} then {p[1]} else {p[2]} end")
        | st.tuples(parts, parts).map(lambda p: f"coalesce(nullif({p[0]}, {p[1]}), 0)")
        | st.tuples(parts, parts).map(lambda p: f"greatest({p[0]}, {p[1]})")
        | parts.map(lambda p: f"round({p}, -1)")
    )


EXPRESSIONS = st.recursive(ATOMS, _wider, max_leaves=8)


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@settings(max_examples=300)
@given(text=EXPRESSIONS)
def test_a_column_that_changes_a_value_is_traced_and_stays_above_internal(
    database: duckdb.DuckDBPyConnection, text: str
) -> None:
    compiled = compile_expression(text, dataset_scope(TABLE, "UTC"))
    assert not compiled.problems
    rows = "SELECT x, 1 AS y, 3 AS z FROM range(0, 9) AS r(x)"
    values = database.sql(f"SELECT DISTINCT {compiled.typed.safe_sql} FROM ({rows})").fetchall()
    traced = [t for t in column_traces(TABLE, text, ProblemPlace("")) if t.column == "x"]
    if len(values) > 1:
        assert max(t.rank for t in traced) >= RANK["confidential"]
    if "x" not in text:
        assert traced == []
