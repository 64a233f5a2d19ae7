"""Flows and queries: nothing raises or takes long, whatever the text; what compiles reads nothing that has no flow."""

from __future__ import annotations

import itertools
import time

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from flight_features import a_view, expr
from mlc_compiler import ir
from mlc_compiler.lineage.graph import Edge, Lineage, Node
from mlc_compiler.sql.expressions import compile_expression
from mlc_compiler.sql.flows import feature_flows
from mlc_compiler.sql.inference import feature_facts
from mlc_compiler.sql.query import parse_query
from mlc_compiler.sql.query_flows import query_flows, query_problems
from mlc_compiler.sql.scope import dataset_scope
from mlc_compiler.sql.views import compiled_view

LONGEST = 1.0  # seconds; a loaded machine still stays far below
WORDS = """SELECT FROM WHERE WITH AS ( ) , * + = < > . a b t u t.a "a" 'x' 1 2.5 GROUP BY HAVING ORDER LIMIT JOIN ON
 USING UNION ALL CASE WHEN THEN END OVER PARTITION QUALIFY DISTINCT EXISTS IN NOT NULL sum( count( read_csv( now( `t`
 :: [ ] { } ; -- /* */ DROP TABLE DELETE INSERT INTO VALUES UNNEST( PIVOT LATERAL x -> $1 ? @ é FOR UPDATE TOP"""
words = st.sampled_from([*WORDS.split(), "\n", "\t", "\0", "\u202e", "\u0430"])
soup = st.lists(words, max_size=40).map(" ".join)
started = soup.map(lambda text: f"SELECT a FROM t {text}")
repeated = st.tuples(words, st.integers(1, 3000)).map(lambda pair: f"SELECT {pair[0] * pair[1]} a FROM t"[:12_000])
DATASETS = {
    name: ir.Dataset(name, ir.Source("parquet"), (ir.Column("a", "int64"), ir.Column("b", "int64"))) for name in "tu"
}


@settings(max_examples=500)
@given(text=st.one_of(st.text(max_size=300), soup, started, repeated))
def test_no_query_raises_or_takes_long_and_every_problem_lies_inside_it(text: str) -> None:
    begun = time.process_time()
    parsed = parse_query(text, frozenset(DATASETS))
    source = ir.Source("query", query=text, reads=parsed.reads)
    made = ir.Dataset("made", source, (ir.Column("a", "int64"),))
    if parsed.problem is None:
        flows = query_flows(made, DATASETS).get("a", ())
        assert {flow.dataset for flow in flows} <= set(DATASETS)
        query_problems(made, DATASETS)
    elif parsed.problem.within is not None:
        start, end = parsed.problem.within
        assert 0 <= start < end <= max(len(text), 1)
    assert parsed.problem is None or parsed.problem.help
    assert time.process_time() - begun < LONGEST


names = st.sampled_from(["distance", "origin", "dest", "carrier", "weather.temp", "planes.year", "1", "'JFK'"])
texts = st.recursive(
    names,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "*", "=", "<", "and", "||"]), inner).map(" ".join),
        st.tuples(inner, inner, inner).map(lambda t: f"case when {t[0]} = {t[1]} then {t[2]} else {t[1]} end"),
        st.tuples(inner, inner).map(lambda t: f"if({t[0]} is null, {t[1]}, {t[0]})"),
        st.tuples(inner, inner).map(lambda t: f"coalesce({t[0]}, {t[1]})"),
        inner.map(lambda text: f"({text})"),
    ),
    max_leaves=6,
)


@settings(max_examples=300)
@given(text=texts)
def test_all_that_a_compiled_feature_reads_flows_into_it(text: str) -> None:
    view = a_view(expr("f", text))
    feature = compiled_view(view).feature("f")
    assume(feature is not None)
    assert feature is not None
    read = {r.column.name if "." in r.column.name else f"flights.{r.column.name}" for r in feature.typed.reads}
    flowing = {f"{f.dataset}.{f.column}" for f in feature_flows(view, "f") if f.flow in ("value", "condition")}
    assert read == flowing


@settings(max_examples=300)
@given(text=texts)
def test_a_feature_that_compiles_has_facts(text: str) -> None:
    view = a_view(expr("f", text))
    facts = feature_facts(view, "f")
    assert (facts is None) == (compiled_view(view).feature("f") is None)
    assert facts is None or facts.nullable == bool(facts.why)


LARGE = ["(" * 5000, "1+" * 4000 + "1", "not " * 2400, "-" * 9000, "a" * 9999, "'" * 9999, "a." * 4999, "((a)" * 2000]


@settings(max_examples=60)
@given(text=st.one_of(st.sampled_from(LARGE), st.tuples(words, st.integers(1, 20_000)).map(lambda p: p[0] * p[1])))
def test_no_expression_takes_long(text: str) -> None:
    begun = time.process_time()
    compiled = compile_expression(text, dataset_scope(DATASETS["t"], "UTC"))
    assert time.process_time() - begun < LONGEST
    assert all(problem.help for problem in compiled.problems if problem.code == "MLC301")


nodes = st.integers(0, 6).map(lambda number: Node("column", f"d.c{number}"))
graphs = st.lists(st.tuples(nodes, nodes), max_size=15).map(
    lambda pairs: Lineage.of(Edge(a, b, "value") for a, b in pairs)
)


@given(graph=graphs, a=nodes, b=nodes)
def test_upstream_and_downstream_are_each_others_mirror_and_a_path_joins_them(graph: Lineage, a: Node, b: Node) -> None:
    assume(a != b)
    assert (b in set(graph.downstream(a))) == (a in set(graph.upstream(b))) == bool(graph.path(a, b))
    path = graph.path(a, b)
    assert all(first.target == second.source for first, second in itertools.pairwise(path))
