"""How the columns of a query come from those of datasets, and which names it gets wrong."""

from __future__ import annotations

import pytest

from mlc_compiler import ir
from mlc_compiler.sql.query_flows import query_flows, query_problems


def a_dataset(name: str, columns: str, query: str | None = None) -> ir.Dataset:
    source = ir.Source("parquet") if query is None else ir.Source("query", query=query, reads=("t", "u", "v"))
    return ir.Dataset(name, source, tuple(ir.Column(column, "int64") for column in columns.split()))


DATASETS = {d.name: d for d in (a_dataset("t", "a b c k z"), a_dataset("u", "b k x v"), a_dataset("v", "k w"))}


def flows(query: str, column: str = "a") -> str:
    found = query_flows(a_dataset("q", column, query), DATASETS)[column]
    return " ".join(sorted(f"{flow.dataset}.{flow.column}/{flow.flow}" for flow in found))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT a FROM t", "t.a/value"),
        ("SELECT A FROM t AS Some", "t.a/value"),
        ("SELECT t.a + 1 + 1 AS a FROM t", "t.a/value"),
        ("SELECT 1 AS a FROM t", ""),
        ("SELECT * FROM t", "t.a/value"),
        ("SELECT * EXCLUDE (b) REPLACE (c + 1 AS a) FROM t", "t.c/value"),
        ("FROM t SELECT a", "t.a/value"),
        # what only decides
        ("SELECT a FROM t WHERE b > 1", "t.a/value t.b/filter"),
        ("SELECT a FROM t GROUP BY a HAVING max(c) > 1", "t.a/key t.a/value t.c/filter"),
        ("SELECT count(*) AS a FROM t GROUP BY b", "t.b/key"),
        ("SELECT sum(a) AS a FROM t GROUP BY ALL", "t.a/value"),
        ("SELECT sum(a) AS a, b FROM t GROUP BY 2", "t.a/value t.b/key"),
        ("SELECT CASE WHEN a > 1 THEN b ELSE c END AS a FROM t", "t.a/condition t.b/value t.c/value"),
        ("SELECT CASE a WHEN b THEN 1 END AS a FROM t", "t.a/condition t.b/condition"),
        ("SELECT if(b > 1, a, c) AS a FROM t", "t.a/value t.b/condition t.c/value"),
        ("SELECT nullif(a, b) AS a FROM t", "t.a/value t.b/condition"),
        ("SELECT row_number() OVER (PARTITION BY b ORDER BY c) AS a FROM t", "t.b/window t.c/window"),
        ("SELECT sum(a) OVER w AS a FROM t WINDOW w AS (ORDER BY b)", "t.a/value t.b/window"),
        ("SELECT a FROM t QUALIFY row_number() OVER (ORDER BY z) = 1", "t.a/value t.z/filter"),
        ("SELECT sum(a) FILTER (WHERE b > 1) AS a FROM t", "t.a/value t.b/filter"),
        ("SELECT first(a ORDER BY b) AS a FROM t", "t.a/value t.b/window"),
        ("SELECT a FROM t ORDER BY b", "t.a/value"),
        ("SELECT a FROM t ORDER BY b LIMIT 3", "t.a/value t.b/window"),
        ("SELECT DISTINCT a FROM t", "t.a/key t.a/value"),
        ("SELECT DISTINCT ON (b) a FROM t ORDER BY c", "t.a/value t.b/key t.c/window"),
        # joins
        ("SELECT u.x AS a FROM t JOIN u ON t.k = u.k", "t.k/key u.k/key u.x/value"),
        ("SELECT x AS a FROM t LEFT JOIN u USING (k)", "t.k/key u.k/key u.x/value"),
        ("SELECT w AS a FROM t NATURAL JOIN v", "t.k/key v.k/key v.w/value"),
        ("SELECT a FROM t ASOF JOIN u ON t.k = u.k AND t.b >= u.b", "t.a/value t.b/key t.k/key u.b/key u.k/key"),
        ("SELECT a FROM (t JOIN u ON t.k = u.k)", "t.a/value t.k/key u.k/key"),
        ("SELECT a FROM t, u WHERE t.k = u.k", "t.a/value t.k/filter u.k/filter"),
        # queries inside
        ("WITH q AS (SELECT max(a) AS m, k FROM t WHERE z > 1 GROUP BY k) SELECT m AS a FROM q",
         "t.a/value t.k/key t.z/filter"),
        ("WITH t AS (SELECT b AS a FROM t) SELECT a FROM t", "t.b/value"),
        ("WITH RECURSIVE r(a) AS (SELECT a FROM t UNION ALL SELECT r.a + u.b FROM r, u) SELECT a FROM r",
         "t.a/value u.b/value"),
        ("SELECT m.a FROM (SELECT a FROM t WHERE c > 1) AS m", "t.a/value t.c/filter"),
        ("SELECT a FROM (SELECT a, b FROM t) AS m(x, a)", "t.b/value"),
        ("SELECT (SELECT max(x) FROM u WHERE u.k = t.k) AS a FROM t", "t.k/filter u.k/filter u.x/value"),
        ("SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.k = t.k)", "t.a/value t.k/filter u.k/filter"),
        ("SELECT a FROM t WHERE b IN (SELECT x FROM u)", "t.a/value t.b/filter u.x/filter"),
        ("SELECT a FROM t, LATERAL (SELECT x FROM u WHERE u.k = t.k) AS l WHERE l.x > 1",
         "t.a/value t.k/filter u.k/filter u.x/filter"),
        # several queries
        ("SELECT a FROM t UNION ALL SELECT b FROM u WHERE x > 1", "t.a/value u.b/value u.x/filter"),
        ("SELECT a FROM t UNION SELECT b FROM u", "t.a/key t.a/value u.b/key u.b/value"),
        ("SELECT a FROM t UNION ALL BY NAME SELECT k, b AS a FROM u", "t.a/value u.b/value"),
        ("SELECT a FROM t EXCEPT SELECT b FROM u", "t.a/key t.a/value u.b/key"),
        ("(SELECT a FROM t) ORDER BY a LIMIT 1", "t.a/value t.a/window"),
        # other shapes
        ("SELECT list_transform(a, b -> b + c) AS a FROM t", "t.a/value t.c/value"),
        ("SELECT a.b.c AS a FROM t", "t.a/value"),
        ("SELECT b AS y, y + c AS a FROM t", "t.b/value t.c/value"),
        ("SELECT a FROM t PIVOT (sum(b) FOR c IN (1, 2))", "t.a/value t.b/value t.c/value t.k/value t.z/value"),
        ("SELECT i AS a FROM t, unnest([t.b]) AS w(i)", "t.b/value"),
    ],
)  # fmt: skip
def test_a_column_depends_on_values_and_on_what_decides(query: str, expected: str) -> None:
    assert flows(query) == expected
    assert query_problems(a_dataset("q", "a", query), DATASETS) == ()


def test_a_flow_points_at_its_name_in_the_query() -> None:
    query = "SELECT\n  'é' AS e, a\nFROM t WHERE b > 1"
    found = query_flows(a_dataset("q", "a", query), DATASETS)["a"]
    assert [query[slice(*flow.at.within)] for flow in found if flow.at and flow.at.within] == ["a", "b"]


def test_a_dataset_of_files_has_no_flows() -> None:
    assert query_flows(DATASETS["t"], DATASETS) == {}


@pytest.mark.parametrize(
    ("query", "code", "marked", "fix"),
    [
        ("SELECT aa AS a FROM t", "MLC333", "aa", "a"),
        ("SELECT t.aa AS a FROM t", "MLC333", "aa", "a"),
        ("SELECT a FROM t WHERE s.b > 1 AND s.b < 3", "MLC333", "s", ""),
        ("SELECT a FROM t ORDER BY bb LIMIT 2", "MLC333", "bb", "b"),
        ("SELECT a FROM (SELECT b FROM t) AS m", "MLC333", "a", ""),
        ("SELECT a FROM t AS x, t AS y", "MLC333", "a", ""),
        ("SELECT x.a FROM t AS x JOIN t AS y ON b = 1", "MLC333", "b", ""),
    ],
)
def test_an_unknown_name_is_told_once_at_its_place(query: str, code: str, marked: str, fix: str) -> None:
    (problem,) = query_problems(a_dataset("q", "a", query), DATASETS)
    assert (problem.code, problem.fix) == (code, fix)
    assert problem.at.within is not None
    assert query[slice(*problem.at.within)] == marked


@pytest.mark.parametrize(
    "query",
    [
        "SELECT a FROM t AS x JOIN t AS y USING (a)",
        "SELECT a FROM t AS x NATURAL JOIN t AS y",
        "SELECT a FROM t AS x SEMI JOIN t AS y ON x.a = y.a",
        "SELECT x.a FROM t AS x JOIN t AS y ON x.a = y.a ORDER BY a",
        "SELECT a FROM t WHERE EXISTS (SELECT 1 FROM t AS y WHERE y.a = 1)",
    ],
)
def test_a_name_that_one_table_gives_is_not_ambiguous(query: str) -> None:
    assert query_problems(a_dataset("q", "a", query), DATASETS) == ()


def test_a_declared_column_that_the_query_does_not_give_is_told_at_the_contract() -> None:
    (problem,) = query_problems(a_dataset("q", "total", "SELECT sum(a) AS totals FROM t"), DATASETS)
    assert (problem.code, problem.at.path, problem.fix) == ("MLC334", ("spec", "columns", "total"), "totals")
