"""Every column that a feature or a label depends on: by its value, or only by deciding which rows, keys or times count.

Read off the syntax trees alone: an expression that does not type yet has its flows all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace

from mlc_compiler.ir import Dataset
from mlc_compiler.records import dataclass
from mlc_compiler.sql.definitions import (
    AggregateDefinition,
    FeatureDefinition,
    JoinDefinition,
    LabelDefinition,
    ProblemPlace,
    ViewDefinition,
)
from mlc_compiler.sql.graph import cycles, ordered, uses
from mlc_compiler.sql.mentions import Flow, Mention, mentions

__all__ = ["ColumnFlow", "DirectFlows", "Flow", "direct_flows", "feature_flows", "label_flows", "row_flows"]

_ORDERED = ("first", "last")


@dataclass(frozen=True, slots=True)
class ColumnFlow:
    """A dependency on a dataset's column; `at` is the place that says so, and no part of what the flow is."""

    dataset: str
    column: str
    flow: Flow
    at: ProblemPlace | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class FeatureUse:
    """A use of another feature of the same view."""

    feature: str
    flow: Flow
    at: ProblemPlace | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DirectFlows:
    """What one feature reads itself: columns, and features of its view."""

    columns: tuple[ColumnFlow, ...]
    features: tuple[FeatureUse, ...] = ()


def feature_flows(view: ViewDefinition, name: str) -> tuple[ColumnFlow, ...]:
    """Return every column that a feature depends on, each flow once; features that it uses are followed through."""
    direct = direct_flows(view)
    graph = {n: tuple(use.feature for use in flows.features) for n, flows in direct.items()}
    looping = {n for loop in cycles(graph) for n in loop}
    done = {n: direct[n].columns for n in looping}  # a circle is a finding of its own
    for feature in ordered(graph, looping):
        flows = direct[feature]
        done[feature] = _unique((*flows.columns, *(flow for use in flows.features for flow in _through(use, done))))
    return done.get(name, ())


def _through(use: FeatureUse, done: Mapping[str, tuple[ColumnFlow, ...]]) -> Iterator[ColumnFlow]:
    """Yield what a used feature depends on: a value that only decides is no value of the user."""
    for flow in done.get(use.feature, ()):
        yield flow if use.flow == "value" or flow.flow != "value" else replace(flow, flow=use.flow)


def direct_flows(view: ViewDefinition) -> dict[str, DirectFlows]:
    """Return what each feature of a view reads itself."""
    reader = _Reader(view)
    return {feature.name: reader.feature(feature) for feature in view.features}


def label_flows(view: ViewDefinition, label: LabelDefinition, document: str = "") -> tuple[ColumnFlow, ...]:
    """Return every column that a label over the view's spine depends on; `document` is the model's, as Kind/name."""
    reader, at = _Reader(view), ProblemPlace(document, ("spec", "label"))
    found = list(_texts(view.spine, label.expr, at.at("expr")))
    found += _known(view.spine, [flow.column for flow in found])
    found += _texts(view.spine, label.known_at, at.at("known_at"), "time")
    if label.aggregate is not None:
        found += reader.aggregate(label.aggregate, at)
    elif label.horizon is not None:
        found += reader.predicted
    return _unique(found)


def row_flows(view: ViewDefinition, where: str | None = None, document: str = "") -> tuple[ColumnFlow, ...]:
    """Return the columns that decide which rows a model of this view is about, and when each is predicted."""
    own = _texts(view.spine, view.where, ProblemPlace(view.document, ("spec", "where")), "filter")
    model = _texts(view.spine, where, ProblemPlace(document, ("spec", "where")), "filter")
    return _unique((*own, *model, *_Reader(view).predicted))


class _Reader:
    """Reads the flows of one view's fields; holds what its names mean."""

    def __init__(self, view: ViewDefinition) -> None:
        self._view = view
        self._joins = {join.name.lower(): join for join in view.joins}
        self.predicted = tuple(_texts(view.spine, view.predict_at, _field(view, "predict_at"), "time"))

    def feature(self, feature: FeatureDefinition) -> DirectFlows:
        at = _field(self._view, "features", feature.name)
        if feature.aggregate is not None:
            return DirectFlows(_unique(self.aggregate(feature.aggregate, at)))
        used = {name.lower(): name for name in uses(self._view, feature)}
        features: list[FeatureUse] = []
        columns: list[ColumnFlow] = []
        joined: dict[str, list[str]] = {}
        for mention in mentions(feature.expr or ""):
            place = at.at("expr").slice(mention.span)
            if mention.qualifier is None and mention.name.lower() in used:
                features.append(FeatureUse(used[mention.name.lower()], mention.flow, place))
                continue
            join = self._joins.get((mention.qualifier or "").lower())
            found = _column(join.dataset if join else self._view.spine, mention, place, mention.flow)
            columns += found
            if join is not None:
                joined.setdefault(join.name, []).extend(flow.column for flow in found)
        for join in self._view.joins:
            if join.name in joined:
                columns += self._join(join, joined[join.name])
        return DirectFlows(_unique(columns), tuple(dict.fromkeys(features)))

    def _join(self, join: JoinDefinition, columns: list[str]) -> Iterator[ColumnFlow]:
        """Yield what decides which row of a joined dataset is taken."""
        at = _field(self._view, "joins", join.name)
        yield from self._keys(join.dataset, join.on, at.at("on"))
        if join.as_of is None:
            return
        yield ColumnFlow(join.dataset.name, join.as_of, "time", at.at("as_of"))
        yield from _known(join.dataset, [*columns, *join.on, join.as_of])
        yield from self.predicted

    def _keys(self, other: Dataset, names: Iterable[str], at: ProblemPlace) -> Iterator[ColumnFlow]:
        for index, name in enumerate(names):
            for dataset in (other, self._view.spine):
                yield ColumnFlow(dataset.name, name, "key", at.at(index))

    def aggregate(self, aggregate: AggregateDefinition, at: ProblemPlace) -> Iterator[ColumnFlow]:
        """Yield what an aggregate below `at` reads: values, the filter, keys, times and the order of rows."""
        over = aggregate.over
        read = list(_texts(over, aggregate.text, at.at("aggregate")))
        read += _texts(over, aggregate.where, at.at("where"), "filter")
        yield from read
        yield from self._keys(over, aggregate.by, at.at("by"))
        columns = [flow.column for flow in read] + list(aggregate.by)
        on_event = aggregate.window_on == "event_time"
        if over.event_time and (on_event or not columns):
            columns.append(over.event_time)
        yield from _known(over, columns)
        yield from self.predicted
        if any(word in aggregate.text.lower() for word in _ORDERED):
            order = (*over.primary_key, *([over.event_time] if over.event_time else []))
            yield from (ColumnFlow(over.name, name, "window", at.at("aggregate")) for name in order)


def _field(view: ViewDefinition, *path: str) -> ProblemPlace:
    return ProblemPlace(view.document, ("spec", *path))


def _texts(dataset: Dataset, text: str | None, at: ProblemPlace, flow: Flow = "value") -> Iterator[ColumnFlow]:
    """Yield the columns of a dataset that an expression over its rows reads; `flow` overrides value."""
    for mention in mentions(text) if text else ():
        yield from _column(dataset, mention, at.slice(mention.span), mention.flow if flow == "value" else flow)


def _column(dataset: Dataset, mention: Mention, at: ProblemPlace, flow: Flow) -> tuple[ColumnFlow, ...]:
    wanted = mention.name.lower()
    for column in dataset.columns:
        if column.name == mention.name or column.name.lower() == wanted:
            return (ColumnFlow(dataset.name, column.name, flow, at),)
    return ()


def _known(dataset: Dataset, names: Iterable[str]) -> Iterator[ColumnFlow]:
    """Yield the columns that say when others become known: what `known_at` reads, else the event time."""
    for name in dict.fromkeys(names):
        column = dataset.column(name)
        if column is not None and column.known_at is not None:
            at = ProblemPlace(f"Dataset/{dataset.name}", ("spec", "columns", name, "known_at"))
            yield from _texts(dataset, column.known_at, at, "time")
        elif dataset.event_time is not None:
            at = ProblemPlace(f"Dataset/{dataset.name}", ("spec", "event_time"))
            yield ColumnFlow(dataset.name, dataset.event_time, "time", at)


def _unique(flows: Iterable[ColumnFlow]) -> tuple[ColumnFlow, ...]:
    return tuple(dict.fromkeys(flows))
