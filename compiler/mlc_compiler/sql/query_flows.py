"""How the columns of a dataset that is a query come from the columns of the datasets that it reads.

One pass over sqlglot's tree. Its own lineage follows values only; here a column also depends on what decides which rows
there are: WHERE, join keys, groups, HAVING, CASE, windows, and ORDER BY where a LIMIT cuts.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

from mlc_compiler.diagnostics import nearest
from mlc_compiler.ir import Dataset
from mlc_compiler.records import dataclass
from mlc_compiler.sql.definitions import Problem, ProblemPlace
from mlc_compiler.sql.flows import ColumnFlow
from mlc_compiler.sql.query import parsed_select
from mlc_compiler.sql.query_text import QueryProblem
from mlc_compiler.sql.relations import Flows, Relation, Schema, UnknownName


@dataclass(frozen=True, slots=True)
class _Read:
    relation: Relation
    unknown: tuple[UnknownName, ...]


def query_flows(dataset: Dataset, datasets: Mapping[str, Dataset]) -> dict[str, tuple[ColumnFlow, ...]]:
    """Return what each declared column of a query depends on; nothing for a dataset of another format.

    A column that the pass can't find (a pivot makes it, say) depends on all that the query reads.
    """
    read = _read(dataset, datasets)
    if read is None:
        return {}
    at = _place(dataset)
    return {c.name: _placed(read.relation.column(c.name), at) for c in dataset.columns}


def query_problems(dataset: Dataset, datasets: Mapping[str, Dataset]) -> tuple[Problem, ...]:
    """Return the columns that a query reads and no dataset has, and those that it should give and does not."""
    read = _read(dataset, datasets)
    if read is None:
        return ()
    at = _place(dataset)
    problems = [_unknown(column, at) for column in read.unknown]
    if not problems and not read.relation.open:
        problems = [
            _not_given(c.name, dataset, read.relation) for c in dataset.columns if not read.relation.has(c.name)
        ]
    return tuple(problems)


def _unknown(unknown: UnknownName, at: ProblemPlace) -> Problem:
    near = nearest(unknown.name, unknown.there_is)
    listed = ", ".join(unknown.there_is[:8]) or "nothing"
    help = f"did you mean `{near}`?" if near else f"{'it reads' if unknown.tables else 'there is'} {listed}"
    place = at.slice(unknown.within) if unknown.within else at
    return Problem("MLC333", unknown.message, place, help=unknown.help or help, fix=near or "")


def _not_given(name: str, dataset: Dataset, relation: Relation) -> Problem:
    declared = {column.name.lower() for column in dataset.columns}
    given = [column for column in relation.names if column.lower() not in declared]
    near = nearest(name, given)
    help = f"did you mean `{near}`?" if near else f"select it, e.g. `... AS {name}`"
    at = ProblemPlace(f"Dataset/{dataset.name}", ("spec", "columns", name)).name()
    message = f"dataset `{dataset.name}` declares column `{name}`, which its query does not give"
    return Problem("MLC334", message, at, help=help, fix=near or "")


def _read(dataset: Dataset, datasets: Mapping[str, Dataset]) -> _Read | None:
    source = dataset.source
    if source.format != "query" or not source.query or not all(name in datasets for name in source.reads):
        return None
    schema = tuple((name, tuple(c.name for c in datasets[name].columns)) for name in source.reads)
    return _read_text(source.query, schema)


@functools.lru_cache(maxsize=1024)
def _read_text(text: str, schema: Schema) -> _Read | None:
    query = parsed_select(text)
    if isinstance(query, QueryProblem):
        return None
    from mlc_compiler.sql.query_walk import read_query  # imports sqlglot: only projects with queries pay

    relation, unknown = read_query(query, schema)
    return _Read(relation, unknown)


def _place(dataset: Dataset) -> ProblemPlace:
    return ProblemPlace(f"Dataset/{dataset.name}", ("spec", "source", "query"))


def _placed(flows: Flows, at: ProblemPlace) -> tuple[ColumnFlow, ...]:
    return tuple(
        ColumnFlow(name, column, flow, at.slice(within) if within else at)
        for (name, column, flow), within in flows.items()
    )
