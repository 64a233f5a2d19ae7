"""The feature tests of the specs, each with the query that its view compiles to, and what is tested of every view."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlc_compiler import ir
from mlc_compiler.diagnostics import Sink
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.lock import LockFile
from mlc_compiler.frontend.project import Project
from mlc_compiler.middle.datasets import resolve_datasets
from mlc_compiler.middle.views import view_definition
from mlc_compiler.spec.feature_view import FeatureTest, FeatureView
from mlc_compiler.sql.features import compile_view


def feature_tests(project: Project, lock: LockFile) -> tuple[ir.FeatureTest, ...]:
    """Return all tests of a project that has no errors, in order of view and file."""
    datasets = resolve_datasets(project, lock, Sink())
    return tuple(t for _, view in sorted(project.views.items()) for t in _of_view(project, view, datasets))


def _of_view(
    project: Project, view: Document[FeatureView], datasets: Mapping[str, ir.Dataset]
) -> Iterator[ir.FeatureTest]:
    if not view.spec.tests:
        return
    query = compile_view(view_definition(view, datasets, project.spec.timezone)).query
    if query is None:
        return
    for index, test in enumerate(view.spec.tests):
        yield ir.FeatureTest(
            view=view.name,
            name=test.name or f"test {index + 1}",
            given=tuple((name, tuple(_row(r) for r in rows)) for name, rows in sorted(test.given.items())),
            expect=tuple(_row(r) for r in test.expect),
            tolerance=test.tolerance,
            sql=query.batch_sql,
            primary_key=query.primary_key,
            datasets=tuple(datasets[n] for n in _names(query, test)),
            origin=view.from_(f"tests.{index}"),
        )


def parity_tests(project: Project, lock: LockFile) -> tuple[ir.ParityTest, ...]:
    """Return a test of each view that callers send rows of, in order, of a project that has no errors."""
    datasets = resolve_datasets(project, lock, Sink())
    tests = []
    for name, view in sorted(project.views.items()):
        query = compile_view(view_definition(view, datasets, project.spec.timezone)).query
        if query is not None and query.request:
            read = tuple(datasets[n] for n in sorted({query.spine, *query.datasets}))
            tests.append(ir.ParityTest(name, query, read, project.spec.timezone, view.from_("")))
    return tuple(tests)


def _row(row: Mapping[str, ir.Scalar]) -> tuple[tuple[str, ir.Scalar], ...]:
    return tuple(row.items())


def _names(query: ir.FeatureQuery, test: FeatureTest) -> list[str]:
    return sorted({*query.datasets, *test.given})
