"""Knowledge time beyond one view: joins that never match in time, queries of datasets that hide when rows are known.

What a feature may read of its own row is proven where it is compiled (`sql.leakage`); a query over other datasets
writes a new contract, and here it is held against theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mlc_compiler.analysis.subject import Subject
from mlc_compiler.conventions import duration_text
from mlc_compiler.diagnostics import Related, Sink
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import BoundModel, Project
from mlc_compiler.ir import Column, Dataset
from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.records import dataclass
from mlc_compiler.spec.dataset import Dataset as DatasetSpec
from mlc_compiler.spec.feature_view import FeatureView, Join
from mlc_compiler.sql.flows import ColumnFlow
from mlc_compiler.sql.mentions import mentions
from mlc_compiler.sql.query_flows import query_flows
from mlc_compiler.sql.query_rows import Sight, compared_times, sights, times_of

_CHOOSING = ("filter", "condition", "key", "window")


# --- joins -----------------------------------------------------------------------------------------------------------
def check_tolerances(project: Project, sink: Sink) -> None:
    """Report joins whose tolerance is over before the joined rows arrive, or before the online snapshot is renewed."""
    for view in project.views.values():
        for name, join in view.spec.joins.items():
            if join.tolerance is not None and not join.static:
                dataset = project.datasets.get(join.dataset or name)
                if dataset is not None and join.as_of == dataset.spec.event_time:
                    _tolerance(view, name, join, dataset, sink)


def _tolerance(view: Document[FeatureView], name: str, join: Join, dataset: Document[DatasetSpec], sink: Sink) -> None:
    delay, refresh, tolerance = dataset.spec.delay, view.spec.online.refresh, join.tolerance or 0.0
    late, stale = duration_text(delay), duration_text(refresh)
    at, allowed = view.at("joins", name, "tolerance"), duration_text(tolerance)
    related = [Related("delay", late, dataset.at("delay" if delay else "event_time"))]
    if tolerance <= delay and delay:
        sink.error(
            "MLC344",
            at,
            f"rows of `{dataset.name}` arrive {late} after their time, and are too old {allowed} after it: the join "
            "never matches, and all its columns are missing",
            related=related,
            help=f"use a tolerance above {duration_text(delay + refresh)}: the delay and one refresh of the snapshot",
        )
    elif tolerance < delay + refresh:
        sink.warn(
            "MLC344",
            at,
            f"when served, the snapshot is up to {stale} old and rows arrive {late} late: a row is too old "
            f"{allowed} after its time, so columns that training has are missing up to "
            f"{round(100 * min(1.0, (delay + refresh - tolerance) / refresh))} % of the time",
            related=[*related, Related("refresh", stale, view.at("online", "refresh"))],
            help=f"use a tolerance of {duration_text(delay + refresh)} or more, or refresh more often",
        )


# --- queries over datasets -------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Reading:
    """A dataset that is a query, the datasets around it, and the first model that reads it."""

    project: Project
    document: Document[DatasetSpec]
    dataset: Dataset
    datasets: Mapping[str, Dataset]
    bound: BoundModel
    used: Related


def check_queries(subject: Subject, sink: Sink) -> None:
    """Report datasets made by queries that know more of a row than was known when it says."""
    done: set[str] = set()
    for bound, model in subject.pairs():
        queries = [d for d in model.datasets if d.source.format == "query" and d.name not in done]
        datasets = {d.name: d for d in model.datasets} if queries else {}
        for dataset in queries:
            done.add(dataset.name)
            document = subject.project.datasets[dataset.name]
            used = _used(bound, model, dataset)
            _query(_Reading(subject.project, document, dataset, datasets, bound, used), sink)


def _used(bound: BoundModel, model: ResolvedModel, dataset: Dataset) -> Related:
    """Return the way by which a dataset reaches a prediction: a join, an aggregate, or the rows themselves."""
    for view in bound.views:
        for name, join in view.spec.joins.items():
            if (join.dataset or name) == dataset.name:
                return Related("reaches", f"join `{name}` of `{view.name}`", view.at("joins", name).name())
        for name, feature in view.spec.features.items():
            if feature.over == dataset.name:
                return Related("reaches", f"feature `{name}` of `{view.name}`", view.at("features", name).name())
    role = "rows" if dataset.name == model.features.spine else "data"
    return Related("reaches", f"{role} of `{bound.name}`", bound.document.at("features"))


def _query(reading: _Reading, sink: Sink) -> None:
    dataset, datasets = reading.dataset, reading.datasets
    read = [datasets[name] for name in dataset.source.reads if name in datasets]
    seen = _sights(dataset, read)
    for sight in seen:
        _report_sight(reading, sight, read, sink)
    told: set[tuple[str, ...]] = {(d.name, name) for sight in seen for name in sight.outcomes for d in read}
    for hidden in _hidden(dataset, datasets):
        key: tuple[str, ...] = (hidden.flow.dataset, hidden.source.name.lower())
        if not hidden.chooses and key not in told:
            key = (hidden.column.name, *key)
        if key not in told:
            told.add(key)
            _report_hidden(reading, hidden, sink)


def _sights(dataset: Dataset, read: Iterable[Dataset]) -> tuple[Sight, ...]:
    times = times_of((c.name, c.type) for d in read for c in d.columns)
    outcomes = frozenset(c.name.lower() for d in read for c in d.columns if c.known_at is not None)
    return sights(dataset.source.query or "", times, outcomes) if times else ()


def _report_sight(reading: _Reading, sight: Sight, read: Iterable[Dataset], sink: Sink) -> None:
    outcomes = [c for d in read for c in d.columns if c.name.lower() in sight.outcomes and c.known_at is not None]
    known = f"; and `{outcomes[0].name}` is known only at `{outcomes[0].known_at}`" if outcomes else ""
    query = reading.document.at("source", "query")
    (sink.error if outcomes or reading.dataset.event_time else sink.warn)(
        "MLC349",
        query.slice(*sight.within) if sight.within else query,
        f"`{sight.text}` sees what comes after a row: {sight.reason}{known}",
        related=[reading.used],
        help="leave it to a feature, which stops at the prediction: "
        '{aggregate: "avg(x)", over: DATASET, by: [key], window: 7d}; or bound it by time in the query',
    )


@dataclass(frozen=True, slots=True)
class _Hidden:
    """A column of a query made from, or chosen by, one that is known later than the query says."""

    column: Column
    dataset: Dataset
    source: Column
    flow: ColumnFlow

    @property
    def chooses(self) -> bool:
        return self.flow.flow in _CHOOSING


def _hidden(dataset: Dataset, datasets: Mapping[str, Dataset]) -> Iterator[_Hidden]:
    flows = query_flows(dataset, datasets)
    for column in dataset.columns:
        for flow in flows.get(column.name, ()):
            source = datasets[flow.dataset].column(flow.column) if flow.dataset in datasets else None
            if source is None or source.known_at is None or flow.flow == "time":
                continue
            found = _Hidden(column, datasets[flow.dataset], source, flow)
            if not _says_when(dataset, found, flows):
                yield found


def _says_when(dataset: Dataset, hidden: _Hidden, flows: Mapping[str, tuple[ColumnFlow, ...]]) -> bool:
    """Tell whether a query's column says to be known no earlier than its source, by the same times."""
    column, source = hidden.column, hidden.flow.dataset
    wanted = {(source, name) for name in _columns(hidden.source.known_at or "")}
    times = times_of((c.name, c.type) for c in hidden.dataset.columns)
    if wanted and {name for _, name in wanted} <= compared_times(dataset.source.query or "", times):
        return True  # the query says itself which of these rows were known when
    if (source, hidden.source.name.lower()) in wanted and not hidden.chooses:
        return True  # the time itself: it is known when it comes
    names = {c.name.lower(): c.name for c in dataset.columns}
    said = _columns((column.known_at if column.known_at is not None else dataset.event_time) or "")
    found = (flow for name in said for flow in flows.get(names.get(name, name), ()))
    return bool(wanted) and wanted <= {(f.dataset, f.column.lower()) for f in found if f.flow == "value"}


def _columns(expression: str) -> tuple[str, ...]:
    return tuple(mention.name.lower() for mention in mentions(expression)) if expression else ()


def _report_hidden(reading: _Reading, hidden: _Hidden, sink: Sink) -> None:
    column, time, document = hidden.column, hidden.source.known_at, reading.document
    origin = reading.project.datasets[hidden.flow.dataset].at("columns", hidden.source.name)
    related = [Related("known_at", f"{hidden.source.name}: {time}", origin), reading.used, *_label_of(reading, hidden)]
    said = column.known_at or document.spec.event_time
    counts = f"count as known at `{said}`" if said else "have no time at all"
    source = f"`{hidden.flow.dataset}.{hidden.source.name}`, known only at `{time}`"
    if hidden.chooses:
        within = hidden.flow.at.within if hidden.flow.at else None
        query = document.at("source", "query")
        sink.error(
            "MLC343",
            query.slice(*within) if within else query,
            f"the rows of `{document.name}` depend on {source}, and {counts}",
            related=related,
            help=f"let the query carry `{time}`, and say `event_time: {time}`; or leave the condition to features",
        )
        return
    sink.error(
        "MLC343",
        document.at("columns", column.name).name(),
        f"values of `{column.name}` are made from {source}, and {counts}",
        note="an outcome under another name",
        related=related,
        help=f"let the query carry `{time}`, and say `known_at: {time}`",
    )


def _label_of(reading: _Reading, hidden: _Hidden) -> Iterator[Related]:
    """Yield the label of the model, where the hidden column is what it predicts."""
    expression = reading.bound.document.spec.label.expr
    own = hidden.flow.dataset == reading.bound.spine.name
    if expression and own and hidden.source.name.lower() in _columns(expression):
        yield Related("predicts", expression, reading.bound.document.at("label", "expr"))
