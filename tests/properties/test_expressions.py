"""Expressions: nothing that is typed in raises, and what compiles means what DuckDB itself would read."""

from __future__ import annotations

import functools
import math
import re

import duckdb
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mlc_compiler import ir
from mlc_compiler.sql.expressions import Compiled
from mlc_compiler.sql.rows import compile_row

COLUMNS = {"a": "int64", "b": "int64", "x": "float64", "y": "float64", "p": "bool", "q": "bool", "s": "string"}
ROWS = ir.Dataset("rows", ir.Source("parquet"), tuple(ir.Column(name, type_) for name, type_ in COLUMNS.items()))
ROW = "SELECT 7::BIGINT AS a, 3::BIGINT AS b, 2.5::DOUBLE AS x, -1.25::DOUBLE AS y, TRUE AS p, FALSE AS q, 'red' AS s"

WORDS = """a b x s p and or not in is null like between case when then else end select from ( ) , + - * / % = <> <
 . :: ' " ; -- /* hour( cast( as int64 interval 3 1.5 1e400 99999999999999999999 '3 hours' over now() @ {0} é"""
words = st.sampled_from([*WORDS.split(), "\n", "\t", "\0"])
soup = st.lists(words, max_size=25).map(" ".join)


@functools.cache
def engine() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


def compiled(text: str) -> Compiled:
    return compile_row(text, ROWS)


@settings(max_examples=600)
@given(text=st.one_of(st.text(max_size=200), soup))
def test_no_text_raises_and_every_problem_lies_inside_it(text: str) -> None:
    result = compiled(text)
    for problem in result.problems:
        start, end = problem.span
        assert 0 <= start < end
        assert end <= max(len(text), 1)
        assert re.fullmatch(r"MLC3\d\d", problem.code)
    assert result.failed == (result.typed.type == "unknown")


numbers = st.recursive(
    st.sampled_from(["a", "b", "x", "y", "1", "2", "0.5", "-3"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*"]), inner).map(" ".join),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"- {text}"),
        inner.map(lambda text: f"abs({text})"),
        st.tuples(inner, inner).map(lambda pair: f"coalesce({pair[0]}, {pair[1]})"),
    ),
    max_leaves=8,
)
conditions = st.recursive(
    st.one_of(
        st.sampled_from(["p", "q", "s = 'red'", "s like 'r%'", "a is null", "not p"]),
        st.tuples(numbers, st.sampled_from(["<", "<=", "=", "<>", ">"]), numbers).map(" ".join),
        st.tuples(numbers, numbers, numbers).map(lambda t: f"{t[0]} between {t[1]} and {t[2]}"),
        st.tuples(numbers, numbers).map(lambda t: f"{t[0]} not in ({t[1]}, 4)"),
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join),
        inner.map(lambda text: f"not {text}"),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"case when {text} then p else q end"),
    ),
    max_leaves=6,
)


@settings(max_examples=300)
@given(text=st.one_of(numbers, conditions))
def test_operators_bind_as_they_do_in_duckdb(text: str) -> None:
    result = compiled(text)
    assert not result.problems, text
    connection = engine()
    mine, theirs = (
        connection.execute(f"SELECT CAST({sql} AS DOUBLE) FROM ({ROW})").fetchone()
        for sql in (result.typed.safe_sql, text)
    )
    assert mine is not None
    assert theirs is not None
    assume(mine[0] is not None or theirs[0] is None)
    assert mine == theirs or math.isclose(mine[0], theirs[0], rel_tol=1e-12, abs_tol=1e-12), text


@settings(max_examples=300)
@given(text=st.one_of(numbers, conditions))
def test_the_canonical_text_is_an_expression_of_the_same_meaning(text: str) -> None:
    result = compiled(text)
    again = compiled(result.typed.canonical)
    assert again.typed.canonical == result.typed.canonical
    assert again.typed.sql == result.typed.sql
    spaced = compiled("(" + text.replace(" ", " \n ").upper().replace("'RED'", "'red'").replace("'R%'", "'r%'") + ")")
    assert spaced.typed.canonical == result.typed.canonical
