"""Datasets as the release has them: columns, compiled checks, the snapshot that the lock names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlc_compiler import ir
from mlc_compiler.diagnostics import Related, Sink, nearest
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.lock import LockFile
from mlc_compiler.frontend.project import Project
from mlc_compiler.middle.problems import report, report_expression
from mlc_compiler.spec.dataset import DataCheck, Dataset
from mlc_compiler.sql.expressions import compile_expression
from mlc_compiler.sql.links import event_time_problem
from mlc_compiler.sql.query import parse_query
from mlc_compiler.sql.query_flows import query_problems
from mlc_compiler.sql.scope import dataset_scope, prepared_scope


def resolve_datasets(project: Project, lock: LockFile, sink: Sink) -> dict[str, ir.Dataset]:
    """Return every dataset by name; what is wrong with columns, checks and queries goes to the sink."""
    found = {name: _dataset(project, document, lock, sink) for name, document in sorted(project.datasets.items())}
    _check_query_cycles(found, project, sink)
    for dataset in found.values():
        report(query_problems(dataset, found), project, sink)
    return found


def declared_datasets(project: Project) -> dict[str, ir.Dataset]:
    """Return every dataset as its spec declares it, by name, without checks: what flows where needs no more."""
    return {name: _declared(project, document) for name, document in sorted(project.datasets.items())}


def _declared(project: Project, document: Document[Dataset]) -> ir.Dataset:
    spec = document.spec
    return ir.Dataset(
        name=document.name,
        source=_source(project, document, Sink()),
        columns=_columns(spec),
        primary_key=tuple(spec.primary_key),
        event_time=spec.event_time,
        delay=spec.delay,
        overwrite=spec.updates == "overwrite",
        owner=project.owner(document),
        origin=document.from_(""),
    )


def _check_query_cycles(datasets: Mapping[str, ir.Dataset], project: Project, sink: Sink) -> None:
    """Report queries that read each other in a circle, each circle once, from its first name."""
    for name in datasets:
        circle = _way_back(name, datasets)
        if circle and name == min(circle):
            sink.error(
                "MLC209",
                project.datasets[name].at("source", "query"),
                f"datasets are queries of each other in a circle: {' <- '.join([*circle, name])}",
                related=[
                    Related(other, "query", project.datasets[other].at("source", "query")) for other in circle[1:]
                ],
                help="let one of them read files",
            )


def _way_back(name: str, datasets: Mapping[str, ir.Dataset]) -> list[str]:
    """Return a shortest way from a dataset over what it reads back to itself; empty when there is none."""
    ways = [[name]]
    seen: set[str] = set()
    for way in ways:
        for read in datasets[way[-1]].source.reads:
            if read == name:
                return way
            if read in datasets and read not in seen:
                seen.add(read)
                ways.append([*way, read])
    return []


def _dataset(project: Project, document: Document[Dataset], lock: LockFile, sink: Sink) -> ir.Dataset:
    spec = document.spec
    _column_references(document, sink)
    columns = _columns(spec)
    bare = ir.Dataset(document.name, ir.Source("parquet"), columns, tuple(spec.primary_key), spec.event_time)
    problem = event_time_problem(bare)
    if problem is not None:
        sink.error(problem.code, document.at("event_time"), problem.message, help=problem.help, fix=problem.fix)
    _knowledge_times(document, bare, project.spec.timezone, sink)
    entry = lock.datasets.get(document.name, {})
    return ir.Dataset(
        name=document.name,
        source=_source(project, document, sink),
        columns=columns,
        primary_key=tuple(spec.primary_key),
        event_time=spec.event_time,
        delay=spec.delay,
        overwrite=spec.updates == "overwrite",
        checks=tuple(_checks(document, bare, project.spec.timezone, sink)),
        until=spec.history.until if spec.history else None,
        freshness=spec.freshness.max_age if spec.freshness else None,
        license=spec.license,
        owner=project.owner(document),
        description=document.metadata.description or "",
        digest=lock.dataset_digest(document.name),
        rows=entry.get("rows"),
        origin=document.from_(""),
    )


def _knowledge_times(document: Document[Dataset], bare: ir.Dataset, timezone: str, sink: Sink) -> None:
    """Report a `known_at` that is no time: of a column that nothing reads, nobody else would say so."""
    for name, column in document.spec.columns.items():
        if column.known_at is not None:
            compiled = compile_expression(column.known_at, prepared_scope(bare, timezone), expect="timestamp")
            report_expression(compiled.problems, document.at("columns", name, "known_at"), sink)


def _columns(spec: Dataset) -> tuple[ir.Column, ...]:
    return tuple(
        ir.Column(
            name,
            c.type,
            c.required,
            c.unique,
            tuple(c.enum or ()),
            c.minimum,
            c.maximum,
            c.pattern,
            c.classification,
            c.known_at,
            c.description or "",
            c.sensitive,
        )
        for name, c in spec.columns.items()
    )


def _source(project: Project, document: Document[Dataset], sink: Sink) -> ir.Source:
    source = document.spec.source
    reads: tuple[str, ...] = ()
    wanted = "query" if source.format in ("query", "sql") else "path"
    if getattr(source, wanted) is None and not (wanted == "path" and source.url):
        sink.error(
            "MLC102",
            document.at("source"),
            f"a source of format {source.format} needs `{wanted}`",
            help="add e.g. `path: data/rows.parquet`" if wanted == "path" else "add the SELECT as `query:`",
        )
    if source.query and source.format == "query":
        parsed = parse_query(source.query, frozenset(project.datasets))
        if parsed.problem:
            at, problem = document.at("source", "query"), parsed.problem
            place = at.slice(*problem.within) if problem.within else at
            sink.error("MLC330", place, problem.message, help=problem.help, fix=problem.fix)
        reads = parsed.reads
    return ir.Source(
        source.format,
        source.path,
        source.url,
        source.query,
        reads,
        source.connection.secret if source.connection else None,
        source.delimiter,
        source.header,
    )


def _column_references(document: Document[Dataset], sink: Sink) -> None:
    """Report columns that the dataset's own fields name and that it has not."""
    spec = document.spec
    named = [(("primary_key", i), name) for i, name in enumerate(spec.primary_key)]
    for index, check in enumerate(spec.checks):
        named += [(("checks", index, *path), name) for path, name in _named_columns(check)]  # type: ignore[misc]
    for path, name in named:
        if name not in spec.columns:
            near = nearest(name, spec.columns)
            sink.error(
                "MLC331",
                document.at(*path),
                f"dataset `{document.name}` has no column `{name}`",
                help=f"did you mean `{near}`?" if near else f"its columns are {', '.join(spec.columns)}",
                fix=near or "",
            )


def _named_columns(check: DataCheck) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if check.missing_rate:
        yield ("missing_rate", "column"), check.missing_rate.column
    if check.range:
        yield ("range", "column"), check.range.column
    for position, name in enumerate(check.unique.columns if check.unique else ()):
        yield ("unique", "columns", position), name


def _checks(document: Document[Dataset], dataset: ir.Dataset, timezone: str, sink: Sink) -> Iterator[ir.DataCheck]:
    for index, check in enumerate(document.spec.checks):
        yield _check(document, dataset, index, check, timezone, sink)
    if document.spec.freshness:
        age = document.spec.freshness.max_age
        yield ir.DataCheck("freshness", "freshness", max=age, origin=document.from_("freshness"))


def _check(
    document: Document[Dataset], dataset: ir.Dataset, index: int, check: DataCheck, timezone: str, sink: Sink
) -> ir.DataCheck:
    origin, severity = document.from_(f"checks.{index}"), check.severity
    if check.row_count:
        count = check.row_count
        return ir.DataCheck("row_count", "row_count", min=count.min, max=count.max, severity=severity, origin=origin)
    if check.missing_rate:
        column = check.missing_rate.column
        return ir.DataCheck(
            f"missing_rate({column})",
            "missing_rate",
            (column,),
            max=check.missing_rate.max,
            severity=severity,
            origin=origin,
        )
    if check.unique:
        names = tuple(check.unique.columns)
        return ir.DataCheck(f"unique({', '.join(names)})", "unique", names, severity=severity, origin=origin)
    if check.range:
        wanted = check.range
        return ir.DataCheck(
            f"{wanted.statistic}({wanted.column})",
            "range",
            (wanted.column,),
            statistic=wanted.statistic,
            min=wanted.min,
            max=wanted.max,
            severity=severity,
            origin=origin,
        )
    text = check.expression or ""
    compiled = compile_expression(text, dataset_scope(dataset, timezone), expect="bool")
    report_expression(compiled.problems, document.at("checks", index, "expression"), sink)
    return ir.DataCheck(
        text,
        "expression",
        expression=compiled.typed.safe_sql,
        max=check.max_violations,
        severity=severity,
        origin=origin,
    )
