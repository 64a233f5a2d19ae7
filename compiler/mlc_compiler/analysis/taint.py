"""Classified values that reach a place which `project.privacy` does not open to them, each with its whole way there."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import replace

from mlc_compiler import ir
from mlc_compiler.analysis.subject import Subject
from mlc_compiler.analysis.traces import RANK, Trace, Traces, column_traces, view_traces, worst
from mlc_compiler.conventions import CLASSIFICATIONS, admits
from mlc_compiler.diagnostics import Place, Related, Sink
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import BoundModel, Project, SelectedFeature
from mlc_compiler.middle.datasets import declared_datasets
from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.middle.views import view_definition
from mlc_compiler.records import dataclass
from mlc_compiler.spec.dataset import Column, Dataset
from mlc_compiler.spec.feature_view import FeatureView
from mlc_compiler.spec.gate import Gate, GateCheck
from mlc_compiler.spec.project import Privacy
from mlc_compiler.sql.definitions import ProblemPlace

_SOFTEN = "count, band or hash the value, aggregate it behind `if(n >= {rows}, value, null)`, or leave the feature out"


@dataclass(frozen=True, slots=True)
class _Way:
    """What reaches a place: the trace, the names between column and place, and what stands where."""

    trace: Trace
    names: tuple[str, ...]
    at: Place
    related: tuple[Related, ...] = ()


def check_taint(subject: Subject, traces: ModelTraces, sink: Sink) -> None:
    """Report each feature, log, group and class that brings values where they are not admitted."""
    project = subject.project
    tightest = _tightest(project.spec.privacy)
    guarded = {name for name, d in project.datasets.items() if _is_guarded(d.spec, tightest)}
    for bound, resolved in subject.pairs():
        shown = bound.document.spec.serving.log_classification
        if not admits(tightest, shown) or any(d.name in guarded for d in resolved.datasets):
            _Judge(project, bound, resolved, traces, sink).judge()


def _tightest(privacy: Privacy) -> str:
    """Return the classification that every place admits."""
    limits: list[str] = [getattr(privacy, name) for name in Privacy.model_fields if name != "min_rows"]
    return min(limits, key=RANK.__getitem__)


def _is_guarded(dataset: Dataset, tightest: str) -> bool:
    open_ = CLASSIFICATIONS[: RANK[tightest] + 1]
    return any(column.classification not in open_ for column in dataset.columns.values())


class ModelTraces:
    """The traces of a project's views, each view's computed once."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self._views: dict[str, dict[str, Traces]] = {}

    @functools.cached_property
    def datasets(self) -> dict[str, ir.Dataset]:
        """The project's datasets as declared; many projects never ask."""
        return declared_datasets(self.project)

    def of(self, view: str) -> dict[str, Traces]:
        """Return the traces of a view's features, by name."""
        if view not in self._views:
            spec = self.project.spec
            definition = view_definition(self.project.views[view], self.datasets, spec.timezone)
            self._views[view] = view_traces(definition, spec.privacy.min_rows)
        return self._views[view]

    def rows(self, view: Document[FeatureView], bound: BoundModel) -> Traces:
        """Return the traces of what chooses the rows of a model: its view's `where` and its own."""
        spine = self.datasets[bound.spine.name]
        return (
            *column_traces(spine, view.spec.where, ProblemPlace(view.label, ("spec", "where"))),
            *column_traces(spine, bound.document.spec.where, ProblemPlace(bound.document.label, ("spec", "where"))),
        )

    def label(self, bound: BoundModel) -> Traces:
        """Return the traces of a model's label."""
        label, at = bound.document.spec.label, ProblemPlace(bound.document.label, ("spec", "label"))
        if label.expr is not None:
            return column_traces(self.datasets[bound.spine.name], label.expr, at.at("expr"))
        return column_traces(self.datasets[label.over or bound.spine.name], label.aggregate, at.at("aggregate"))


class _Judge:
    """Compares what reaches each place of one model with what the place admits."""

    def __init__(
        self, project: Project, bound: BoundModel, resolved: ResolvedModel, traces: ModelTraces, sink: Sink
    ) -> None:
        self.project, self.bound, self.resolved, self.traces, self.sink = project, bound, resolved, traces, sink
        self.privacy = project.spec.privacy

    def judge(self) -> None:
        compiled = {(f.view, f.name): f for f in self.resolved.features.features}
        for feature in self.bound.features:
            if (feature.view, feature.name) in compiled:
                self._feature(feature, compiled[feature.view, feature.name])
        label = self.traces.label(self.bound)
        self._constants(label)
        self._request_log(label)
        self._classes(label)
        for gate in self.bound.gates:
            for index, check in enumerate(gate.spec.checks):
                self._groups(gate, index, check)

    # --- features ---
    def _feature(self, feature: SelectedFeature, compiled: ir.Feature) -> None:
        """Report the first place that a feature's values may not reach; the others lie behind it."""
        traces = self.traces.of(feature.view)[feature.name]
        values = [t for t in traces if t.flow == "value" and not t.enumerated]
        kept = values if compiled.kind in ("category", "text") else []
        looked_up = [t for t in traces if t.flow in ("value", "key")] if compiled.online else []
        for place, what, reaching in (
            ("model_input", "the inputs of the model", traces),
            ("image", "the image, whose package keeps the values of categories", kept),
            ("monitor_sample", "the samples that the monitor compares with", kept if self._is_watched(feature) else []),
            ("online_snapshot", "the online snapshot", looked_up),
        ):
            trace = worst(reaching)
            if trace is not None and not self._admits(place, trace.level):
                self._report(place, what, self._way(feature, trace), _SOFTEN.format(rows=self.privacy.min_rows))
                return

    def _constants(self, label: Traces) -> None:
        """Report values of columns that expressions write out: git keeps them, cards and plans print them."""
        features = [t for f in self.bound.features for t in self.traces.of(f.view).get(f.name, ())]
        rows = [t for view in self.bound.views for t in self.traces.rows(view, self.bound)]
        told: set[ProblemPlace] = set()
        for trace in (*features, *rows, *label):
            column = self.project.datasets[trace.dataset].spec.columns[trace.column]
            written = trace.constant
            if written is None or trace.enumerated or written in told or self._admits("card", column.classification):
                continue
            told.add(written)
            way = _Way(replace(trace, level=column.classification), ("constant", self.bound.name), self._place(written))
            what = "the card, plans and pull requests, which print the constant"
            self._report("card", what, way, "join a dataset that lists the values, or give the column an `enum`")

    def _is_watched(self, feature: SelectedFeature) -> bool:
        signals = self.bound.monitor.spec.signals if self.bound.monitor else []
        return any(s.type == "feature_drift" and (not s.features or feature.name in s.features) for s in signals)

    def _way(self, feature: SelectedFeature, trace: Trace) -> _Way:
        names = tuple(f"{feature.view}.{name}" for name in (*trace.through, feature.name))
        taken = Related("input", feature.name, self.bound.document.at("features", feature.entry))
        return _Way(trace, (*names, self.bound.name), self._place(trace.at), (taken,))

    # --- logs, classes, groups ---
    def _request_log(self, label: Traces) -> None:
        serving = self.bound.document.spec.serving
        if serving.mode != "online" or serving.runtime or not serving.log_requests:
            return
        shown = self.bound.document.at("serving", "log_classification")
        if not admits(self.privacy.request_log, serving.log_classification):
            self.sink.error(
                "MLC350",
                shown,
                f"the request log of `{self.bound.name}` shows values up to {serving.log_classification}, "
                f"and request logs admit {self.privacy.request_log}",
                related=self._limit("request_log"),
                help=f"let the log show less, or set `privacy.request_log: {serving.log_classification}` "
                f"in {self.project.document.place.file}",
                fix=self.privacy.request_log,
            )
        trace = worst([t for t in label if t.flow == "value"])
        if trace is not None and not self._admits("request_log", trace.level):
            way = _Way(trace, ("label", self.bound.name), self.bound.document.at("serving", "log_requests"))
            self._report("request_log", "the request log, which repeats predictions", way, "log no requests")

    def _classes(self, label: Traces) -> None:
        """Report labels whose classes would be label values of metrics."""
        if self.bound.document.spec.task != "multiclass_classification":
            return
        trace = worst([t for t in label if t.flow == "value" and not t.enumerated])
        if trace is not None and not self._admits("metric_label", trace.level):
            way = _Way(trace, ("label", self.bound.name), self.bound.document.at("label"))
            self._report("metric_label", "the metrics, which count classes by name", way, "give the column an `enum`")

    def _groups(self, gate: Document[Gate], index: int, check: GateCheck) -> None:
        """Report groups whose names and sizes tell of few: `enum` fixes the names, `min_rows` the sizes."""
        for field, name in group_fields(check):
            column = self.bound.spine.spec.columns.get(name)
            if column is None or self._admits("metric_label", column.classification) or self._is_crowd(column, check):
                continue
            listed = bool(column.enum) or column.type == "bool"
            advice = "" if listed else f"give `{name}` an `enum`, and "
            trace = Trace(self.bound.spine.name, name, "value", column.classification)
            way = _Way(trace, (f"groups of {gate.name}",), gate.at("checks", index, *field))
            help = f"{advice}judge groups of `min_rows: {self.privacy.min_rows}` or more"
            self._report("metric_label", "evidence and reports, which name the groups", way, help)

    def _is_crowd(self, column: Column, check: GateCheck) -> bool:
        return bool(column.enum or column.type == "bool") and check.min_rows >= self.privacy.min_rows

    # --- findings ---
    def _admits(self, place: str, level: str) -> bool:
        return admits(getattr(self.privacy, place), level)

    def _report(self, place: str, what: str, way: _Way, help: str) -> None:
        trace, limit = way.trace, getattr(self.privacy, place)
        column = self.project.datasets[trace.dataset].spec.columns[trace.column]
        declared = self.project.datasets[trace.dataset].at("columns", trace.column)
        marked = "classification" in column.model_fields_set
        as_ = "" if trace.level == column.classification else f", here {trace.level}"
        chain = " -> ".join((f"{trace.source} ({column.classification})", *way.names, place))
        self.sink.error(
            "MLC350",
            way.at,
            f"`{trace.source}` is {column.classification}{as_}, and reaches {what}; `{place}` admits {limit}",
            note=_FLOWS.get(trace.flow, ""),
            related=(
                Related("way", chain),
                Related("classified", column.classification, declared.at("classification") if marked else declared),
                *way.related,
                *self._limit(place),
            ),
            help=f"{help}, or set `privacy.{place}: {trace.level}` in {self.project.document.place.file}",
        )

    def _limit(self, place: str) -> Sequence[Related]:
        privacy, limit = self.project.spec.privacy, getattr(self.project.spec.privacy, place)
        set_ = place in privacy.model_fields_set
        return [Related("admits", f"{place}: {limit}", self.project.document.at("privacy", place))] if set_ else []

    def _place(self, at: ProblemPlace | None) -> Place:
        if at is None:
            return self.bound.document.at("features")
        document = next(d for d in self.project.documents() if d.label == at.document)
        place = document.place.at(*at.path)
        return place.slice(*at.within) if at.within else place


_FLOWS = {
    "filter": "it chooses the rows",
    "condition": "it decides the value",
    "key": "rows are found by it",
    "time": "it says what is known",
    "window": "it orders the rows",
}


def group_fields(check: GateCheck) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the columns that a check slices or groups by, each with its field of the check."""
    yield from ((("slices", position), name) for position, name in enumerate(check.slices))
    if check.group is not None:
        yield ("group",), check.group
