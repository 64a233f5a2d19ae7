"""Times the analysis of 1,000 features beside sqlglot's own lineage on the same expressions, in the same run.

Both read the same generated columns, as expressions of a feature view and as one SELECT a view. mlc parses, types,
writes SQL and follows value and implicit flows; sqlglot.lineage follows values, a column at a time. A third row is the
pass over `query:` datasets, which is built on sqlglot's parser. Machines differ: compare the ratios.
Nothing here decides a test.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import time
from collections.abc import Callable

from mlc_compiler import ir
from mlc_compiler.sql import calls, expressions, graph, mentions, parser, query, query_flows, views
from mlc_compiler.sql.definitions import FeatureDefinition, ViewDefinition
from mlc_compiler.sql.flows import direct_flows

BUDGET = 1.0
COLUMNS = tuple(f"c{i}" for i in range(12))
FORMS = (
    "{a} + {b} * 2", "case when {a} > {b} then {c} else 0 end", "coalesce({a}, {b}) / ({c} + 1)",
    "if({a} is null, {b}, {a})", "round({a} - {b}, 2)", "greatest({a}, {b}, {c})", "abs({a}) > {n}",
    "cast({a} as string) || '-' || cast({b} as string)", "{a} between {n} and {n} + 10 and {b} <> {c}", "ln({a} + {n})",
)  # fmt: skip


def texts(count: int) -> list[str]:
    """Return different expressions of ten forms."""
    made = []
    for i in range(count):
        a, b, c = (COLUMNS[(i * step + i // 12) % 12] for step in (1, 5, 7))
        made.append(FORMS[i % len(FORMS)].format(a=a, b=b, c=c, n=i + 1))
    return made


def a_dataset() -> ir.Dataset:
    columns = (ir.Column("at", "timestamp"), *(ir.Column(name, "int64") for name in COLUMNS))
    return ir.Dataset("rows", ir.Source("parquet"), columns, (), "at")


def a_view(number: int, members: list[str]) -> ViewDefinition:
    features = tuple(FeatureDefinition(f"f{i}", text) for i, text in enumerate(members))
    return ViewDefinition(f"view{number}", a_dataset(), "at", ("at", *COLUMNS), features)


def forget() -> None:
    """Empty what mlc remembers, so that a run is not answered from memory."""
    for module in (parser, views, mentions, query, query_flows, graph, calls, expressions):
        for value in vars(module).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()


def cpu(work: Callable[[], object], runs: int) -> float:
    """Return the median CPU seconds of a piece of work, each time from empty memories."""
    found = []
    for _ in range(runs):
        forget()
        started = time.process_time()
        work()
        found.append(time.process_time() - started)
    return statistics.median(found)


def of_expressions(groups: list[list[str]]) -> None:
    for number, members in enumerate(groups):
        view = a_view(number, members)
        compiled = views.compiled_view(view)
        assert not compiled.problems, compiled.problems[0]
        direct_flows(view)


def selects(groups: list[list[str]]) -> list[str]:
    return [f"SELECT {', '.join(f'{t} AS f{i}' for i, t in enumerate(g))} FROM rows WHERE c0 > 0" for g in groups]


def of_queries(groups: list[list[str]]) -> None:
    rows = a_dataset()
    for number, text in enumerate(selects(groups)):
        columns = tuple(ir.Column(f"f{i}", "int64") for i in range(len(groups[number])))
        query.parse_query(text, frozenset(("rows",)))
        made = ir.Dataset(f"q{number}", ir.Source("query", query=text, reads=("rows",)), columns)
        assert query_flows.query_flows(made, {"rows": rows})["f0"]


def of_sqlglot(groups: list[list[str]]) -> None:
    from sqlglot.lineage import lineage

    schema = {"rows": {"at": "TIMESTAMP", **dict.fromkeys(COLUMNS, "BIGINT")}}
    for number, text in enumerate(selects(groups)):
        for i in range(len(groups[number])):
            lineage(f"f{i}", text, schema=schema, dialect="duckdb")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--features", type=int, default=1_000)
    arguments.add_argument("--per-view", type=int, default=10)
    arguments.add_argument("--runs", type=int, default=3)
    options = arguments.parse_args()
    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    every = texts(options.features)
    groups = [every[i : i + options.per_view] for i in range(0, len(every), options.per_view)]
    of_queries(groups[:1]), of_sqlglot(groups[:1])  # imports
    ours = cpu(lambda: of_expressions(groups), options.runs)
    queries = cpu(lambda: of_queries(groups), options.runs)
    theirs = cpu(lambda: of_sqlglot(groups), 1)
    print(f"{options.features:,} features, {len(groups):,} views; CPU seconds")
    print(f"{'mlc, expressions: parse, type, all flows':<48}{ours:>8.3f}   budget {BUDGET:.1f}")
    print(f"{'mlc, queries: one pass, all flows':<48}{queries:>8.3f}")
    print(f"{'sqlglot.lineage: values only':<48}{theirs:>8.3f}")
    print(f"sqlglot.lineage takes {theirs / ours:.0f}x of expressions, {theirs / queries:.0f}x of queries")


if __name__ == "__main__":
    main()
