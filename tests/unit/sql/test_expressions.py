from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from mlc_compiler import ir
from mlc_compiler.sql.expressions import Compiled
from mlc_compiler.sql.functions import AGGREGATES, FUNCTIONS
from mlc_compiler.sql.rows import compile_row

ROWS = ir.Dataset(
    "rows",
    ir.Source("parquet"),
    (
        ir.Column("a", "int64"),
        ir.Column("i", "int32"),
        ir.Column("x", "float64"),
        ir.Column("f", "float32"),
        ir.Column("money", "decimal"),
        ir.Column("s", "string", enum=("red", "blue")),
        ir.Column("ok", "bool"),
        ir.Column("t", "timestamp"),
        ir.Column("u", "timestamp"),
        ir.Column("d", "date"),
        ir.Column("Strange name", "int64"),
    ),
    event_time="t",
)
VALUES = {
    "a": "CAST(7 AS BIGINT)", "i": "CAST(3 AS INTEGER)", "x": "CAST(2.5 AS DOUBLE)", "f": "CAST(0.5 AS FLOAT)",
    "money": "CAST(1.25 AS DECIMAL(9, 2))", "s": "'red'", "ok": "TRUE", "t": "TIMESTAMP '2013-07-04 02:30:15'",
    "u": "TIMESTAMP '2013-07-04 05:00:15'", "d": "DATE '2013-07-04'", "Strange name": "CAST(1 AS BIGINT)",
}  # fmt: skip
ZONE = "America/New_York"


def compiled(text: str, zone: str = ZONE) -> Compiled:
    return compile_row(text, ROWS, zone)


def value(text: str, zone: str = ZONE, **values: str) -> Any:
    result = compiled(text, zone)
    assert not result.problems, [problem.message for problem in result.problems]
    columns = ", ".join(f'{sql} AS "{name}"' for name, sql in {**VALUES, **values}.items())
    connection = duckdb.connect(config={"threads": 1})
    row = connection.execute(f"SELECT {result.typed.safe_sql} FROM (SELECT {columns})").fetchone()
    assert row is not None
    return str(row[0]) if result.typed.type in ("timestamp", "date") and row[0] is not None else row[0]


@pytest.mark.parametrize(
    ("text", "type_", "expected"),
    [
        ("a + i * 2", "int64", 13),
        ("(a + i) * 2", "int64", 20),
        ("-a + 1", "int64", -6),
        ("a / 2", "float64", 3.5),
        ("a % 4", "int64", 3),
        ("x * 2", "float64", 5.0),
        ("f + money", "float64", 1.75),
        ("2147483647 + 1", "int64", 2147483648),
        ("case when ok then 2000000000 else 0 end * 2", "int64", 4_000_000_000),
        ("a between 5 and 7 and not s = 'blue'", "bool", True),
        ("s in ('red', 'blue')", "bool", True),
        ("a not in (1, 2)", "bool", True),
        ("s like 'r%' or false", "bool", True),
        ("x is null", "bool", False),
        ("x is not distinct from 2.5", "bool", True),
        ("ok is true", "bool", True),
        ("case s when 'red' then 1 when 'blue' then 2 end", "int64", 1),
        ("case when a > 100 then 'big' else 'small' end", "string", "small"),
        ("coalesce(null, x, 1)", "float64", 2.5),
        ("if(a > 1, a, x)", "float64", 7.0),
        ("cast(x as int64)", "int64", 3),
        ("a::string || '-' || s", "string", "7-red"),
        ("'it''s'", "string", "it's"),
        ("round(x)", "float64", 3.0),
        ("substr(s, 2) || upper(s)", "string", "edRED"),
        ("split_part('a,b', ',', 2)", "string", "b"),
        ("minutes_between(t, u)", "float64", 150.0),
        ("days_between(d, cast(u as date))", "float64", 0.0),
        ("t + INTERVAL '3 hours' > u", "bool", True),
        ("u - INTERVAL 150 MINUTES = t", "bool", True),
        ('"Strange name" + 1', "int64", 2),
        ("rows.a", "int64", 7),
        ("A + ROWS.A", "int64", 14),
        ("hash_bucket('x', 10) < 10", "bool", True),
        ("'two\nlines'", "string", "two\nlines"),
        ("TIMESTAMP '2013-07-04T04:30:15+02:00' = t", "bool", True),
    ],
)
def test_expressions_are_typed_and_computed(text: str, type_: str, expected: object) -> None:
    assert compiled(text).typed.type == type_
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hour(t)", 22),
        ("day(t)", 3),
        ("dayofweek(t)", 3),
        ("isodow(d)", 4),
        ("cast(t as date)", "2013-07-03"),
        ("cast(d as timestamp)", "2013-07-04 04:00:00"),
        ("start_of('day', t)", "2013-07-03 04:00:00"),
        ("start_of('year', t)", "2013-01-01 05:00:00"),
    ],
)
def test_calendar_functions_read_the_timezone_of_the_project(text: str, expected: object) -> None:
    assert value(text) == expected


def test_in_utc_no_timezone_is_written() -> None:
    assert compiled("hour(t)", "UTC").typed.sql == 'hour("t")'


@pytest.mark.parametrize(
    "text",
    [
        "a / 0", "x % 0", "ln(0)", "ln(-1.5)", "log10(0)", "sqrt(-4)", "power(-1, 0.5)", "power(10, 1000)", "exp(1e6)",
        "cast('seven' as int64)", "cast(1e300 as int64)", "9223372036854775807 + a", "abs(-9223372036854775807 - 1)",
        "a * 9000000000000000000", "a / (i - 3)", "null + 1", "cast('nan' as float64)",
    ],
)  # fmt: skip
def test_what_is_not_defined_is_null(text: str) -> None:
    assert value(text) is None


def test_a_float_column_that_is_not_finite_reads_as_null() -> None:
    assert value("x is null", x="'nan'::DOUBLE") is True
    assert value("x + 1", x="'inf'::DOUBLE") is None


@pytest.mark.parametrize(
    ("text", "code", "caret", "help"),
    [
        ("", "MLC301", "", "write a column"),
        ("a +", "MLC301", "+", ""),
        ("a ; drop table x", "MLC301", ";", "delete it"),
        ("a -- secret", "MLC301", "--", "YAML"),
        ("a /* x */", "MLC301", "/*", "YAML"),
        ("'never ends", "MLC301", "'never ends", "close it"),
        ("a @ 1", "MLC301", "@", ""),
        ("(a", "MLC301", "a", ""),
        ("select a from rows", "MLC305", "select", "joins"),
        ("a + (select 1)", "MLC305", "select", "joins"),
        ("sum(a) over (partition by s)", "MLC301", "over", "aggregate"),
        ("exists (select 1)", "MLC305", "exists", "count"),
        ("now()", "MLC305", "now", "predict_at"),
        ("t < current_date", "MLC305", "current_date", "predict_at"),
        ("random()", "MLC305", "random", "hash_bucket"),
        ("read_csv('/etc/passwd')", "MLC305", "read_csv", "Dataset"),
        ("getenv('HOME')", "MLC305", "getenv", "Dataset"),
        ("log(x)", "MLC305", "log", "ln(x) or log10(x)"),
        ("roud(x)", "MLC305", "roud", "did you mean `round`?"),
        ("pow(x, 2)", "MLC305", "pow", "did you mean `power`?"),
        ("avg(x)", "MLC315", "avg", "aggregate"),
        ("aa + 1", "MLC304", "aa", "did you mean `a`?"),
        ("row.a", "MLC304", "row.a", "did you mean `rows.a`?"),
        ("s + 1", "MLC306", "s", "cast"),
        ("s = 1", "MLC306", "s = 1", "cast"),
        ("t = '2013-01-01'", "MLC306", "t = '2013-01-01'", "TIMESTAMP"),
        ("u - t", "MLC306", "u - t", "minutes_between"),
        ("a and ok", "MLC306", "a", "compare"),
        ("ok > false", "MLC306", "ok > false", ""),
        ("a = null", "MLC306", "null", "is null"),
        ("case when a then 1 end", "MLC306", "a", "compare"),
        ("case when ok then 1 else s end", "MLC306", "case when ok then 1 else s end", "cast"),
        ("round(x, a)", "MLC306", "a", "round"),
        ("hour(d)", "MLC306", "d", "hour"),
        ("lower(a)", "MLC306", "a", "lower"),
        ("coalesce(a)", "MLC306", "coalesce(a)", "coalesce"),
        ("x::string", "MLC306", "x::string", "round"),
        ("s::timestamp", "MLC306", "s::timestamp", "declare"),
        ("cast(a as json)", "MLC306", "json", "one of"),
        ("t + INTERVAL '1 month'", "MLC301", "INTERVAL '1 month'", "30 days"),
        ("DATE '2013-02-30'", "MLC301", "DATE '2013-02-30'", "DATE"),
        ("99999999999999999999", "MLC306", "99999999999999999999", ".0"),
        ("a < 5 < i", "MLC306", "a < 5 < i", ""),
    ],
)  # fmt: skip
def test_mistakes_are_found_where_they_stand(text: str, code: str, caret: str, help: str) -> None:
    problems = compiled(text).problems
    assert [problem.code for problem in problems] == [code], problems
    start, end = problems[0].span
    assert text[start:end] == caret
    assert help in problems[0].help
    assert problems[0].message


def test_independent_mistakes_are_all_reported() -> None:
    problems = compiled("roud(x) + nope * lower(a)").problems
    assert [problem.code for problem in problems] == ["MLC305", "MLC304", "MLC306"]


def test_a_constant_outside_the_enum_is_a_warning() -> None:
    result = compiled("s = 'green'")
    assert [(problem.code, problem.warning) for problem in result.problems] == [("MLC326", True)]
    assert not result.failed
    assert result.typed.type == "bool"


@pytest.mark.parametrize(
    "text", ["(" * 5000 + "a" + ")" * 5000, "+".join("a" * 3000), "not " * 2000 + "ok", "a" * 20_000]
)
def test_huge_expressions_are_refused_not_crashed_on(text: str) -> None:
    assert [problem.code for problem in compiled(text).problems] == ["MLC301"]


def test_a_chain_of_cases_does_not_grow_beyond_its_text() -> None:
    text = "a"
    for _ in range(40):
        text = f"case {text} when 1 then 2 else 3 end"
    assert len(compiled(text).typed.sql) < 20 * len(text)


def test_the_canonical_text_ignores_layout_case_and_redundant_parentheses() -> None:
    first = compiled("A+ i*2>3 AND  COALESCE(x,(1))!=2").typed.canonical
    assert first == compiled("((a + (I * 2)) > 3)\n and coalesce(X, 1) <> 2").typed.canonical
    assert first != compiled("(a + i) * 2 > 3 and coalesce(x, 1) <> 2").typed.canonical


def test_the_result_must_have_the_expected_type() -> None:
    assert compile_row("a", ROWS, expect="bool").problems[0].code == "MLC306"
    assert compile_row("null", ROWS).problems[0].code == "MLC306"
    assert compile_row("a > 1", ROWS, expect="bool").problems == ()


def test_every_function_says_what_it_means_and_runs() -> None:
    arguments = {
        "number": "x", "digits": "1", "any": "a", "bool": "ok", "string": "s", "count": "2",
        "calendar": "t", "clock": "t", "moment": "u", "unit": "'week'", "timestamp": "t",
    }  # fmt: skip
    for function in FUNCTIONS:
        assert function.meaning
        listed = [arguments[kind] for kind in function.parameters]
        text = f"{function.name}({', '.join([*listed[:-1], '1'] if function.name == 'nullif' else listed)})"
        assert value(text) is not None, text


def test_the_documentation_lists_every_function_with_its_meaning() -> None:
    text = (Path(__file__).parents[3] / "docs" / "expressions.md").read_text(encoding="utf-8")
    meanings = [*((f.name, f.meaning) for f in FUNCTIONS), *((a.name, a.meaning) for a in AGGREGATES)]
    for name, meaning in meanings:
        line = next((line for line in text.splitlines() if re.match(rf"\| `{name}[(`]", line)), "")
        assert line.endswith(f"| {meaning} |"), name
