"""Columns of queries that would lose the classification of what they are made from, because nobody wrote one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlc_compiler.analysis.traces import RANK
from mlc_compiler.diagnostics import Related, Sink
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import Project
from mlc_compiler.ir import Column, Dataset
from mlc_compiler.middle.datasets import declared_datasets
from mlc_compiler.spec.dataset import Column as SpecColumn
from mlc_compiler.spec.dataset import Dataset as DatasetSpec
from mlc_compiler.sql.flows import ColumnFlow
from mlc_compiler.sql.query_flows import query_flows


def check_inherited(project: Project, sink: Sink) -> None:
    """Report each column of a query that takes its values from a marked column and writes no mark of its own."""
    queries = [d for d in project.datasets.values() if d.spec.source.format == "query"]
    if not queries or not any(
        _is_marked(column) for d in project.datasets.values() for column in d.spec.columns.values()
    ):
        return
    datasets = declared_datasets(project)
    for document in queries:
        for name, flows in query_flows(datasets[document.name], datasets).items():
            _column(project, document, name, list(_marked(flows, datasets)), sink)


def _is_marked(column: SpecColumn | Column) -> bool:
    return column.classification != "public" or column.sensitive


def _marked(flows: tuple[ColumnFlow, ...], datasets: Mapping[str, Dataset]) -> Iterator[tuple[str, Column]]:
    """Yield the marked columns whose values flow, as read from their own datasets' documents."""
    for flow in flows:
        column = datasets[flow.dataset].column(flow.column) if flow.dataset in datasets else None
        if column is not None and flow.flow == "value" and _is_marked(column):
            yield flow.dataset, column


def _column(
    project: Project, document: Document[DatasetSpec], name: str, sources: list[tuple[str, Column]], sink: Sink
) -> None:
    written = document.spec.columns[name].model_fields_set
    if not sources or "classification" in written or "sensitive" in written:
        return
    dataset, source = max(sources, key=lambda found: (RANK[found[1].classification], found[1].sensitive))
    marks = [f"classification: {source.classification}"] if source.classification != "public" else []
    marks += ["sensitive: true"] if source.sensitive else []
    words = " and ".join(mark.split(": ")[1] if "class" in mark else "sensitive" for mark in marks)
    sink.error(
        "MLC355",
        document.at("columns", name).name(),
        f"column `{name}` of the query `{document.name}` comes from `{dataset}.{source.name}`, which is {words}, "
        "and has no mark of its own",
        related=(Related("from", source.name, project.datasets[dataset].at("columns", source.name)),),
        help=f"write `{', '.join(marks)}`, or the mark that holds for what the query makes of it, such as public",
    )
