"""How each feature depends on each column: by which flow, softened by what, and so how closely it is to be kept.

A value keeps its column's classification, and so does what it filters or decides. What is only found by it (a key, a
time) is pseudonymous at most: it is about somebody whom it does not name. Declassifiers are those of
`sql.declassifiers`; no other form makes a value more public, and none takes the mark `sensitive` away.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from mlc_compiler.conventions import CLASSIFICATIONS
from mlc_compiler.ir import Dataset
from mlc_compiler.records import dataclass
from mlc_compiler.sql.declassifiers import Declassifier, Guard, Softened, softened
from mlc_compiler.sql.definitions import FeatureDefinition, ProblemPlace, ViewDefinition
from mlc_compiler.sql.flows import DirectFlows, Flow, direct_flows
from mlc_compiler.sql.graph import cycles, ordered, uses

RANK: Mapping[str, int] = {name: index for index, name in enumerate(CLASSIFICATIONS)}
_FOUND_BY = ("key", "time", "window")
_SOFTER: Mapping[Declassifier, tuple[str, tuple[str, ...]]] = {
    "hash": ("pseudonymous", ("pii",)),
    "band": ("confidential", ("pseudonymous", "pii")),
    "count": ("internal", ("confidential", "pseudonymous", "pii")),
}
"""What each declassifier makes of which classifications; a special category stays what it is."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One way from a column to a feature: how closely the value is kept there, and the features on the way.

    `constant` is where a value of the column is written out.
    """

    dataset: str
    column: str
    flow: Flow
    level: str
    sensitive: bool = False
    enumerated: bool = False
    through: tuple[str, ...] = ()
    at: ProblemPlace | None = None
    constant: ProblemPlace | None = None

    @property
    def source(self) -> str:
        return f"{self.dataset}.{self.column}"

    @property
    def rank(self) -> int:
        return RANK[self.level]


Traces = tuple[Trace, ...]


def worst(traces: Sequence[Trace]) -> Trace | None:
    """Return the trace that is kept most closely, the first of equals."""
    return max(traces, key=lambda trace: trace.rank, default=None)


def view_traces(view: ViewDefinition, least: int) -> dict[str, Traces]:
    """Return the traces of each feature; a guard of `least` rows or more releases what it guards."""
    direct = direct_flows(view)
    graph = {name: tuple(use.feature for use in flows.features) for name, flows in direct.items()}
    looping = {name for loop in cycles(graph) for name in loop}
    done: dict[str, Traces] = {}
    for name in ordered(graph, looping):
        feature = view.feature(name)
        if feature is not None:
            done[name] = _distinct([*_own(view, feature, done, least), *_found_by(view, direct[name])])
    return done


def column_traces(dataset: Dataset, text: str | None, place: ProblemPlace) -> Traces:
    """Return the traces of an expression over the rows of one dataset."""
    return tuple(t for soft in softened(text or "") for t in _column(dataset, soft, place))


def soften(level: str, by: Sequence[Declassifier]) -> str:
    """Return what declassifiers, innermost first, make of a classification.

    >>> soften("pii", ("hash",)), soften("pii", ("band", "hash")), soften("special", ("count",))
    ('pseudonymous', 'confidential', 'special')
    """
    for form in by:
        softer, of = _SOFTER[form]
        level = softer if level in of else level
    return level


def _own(view: ViewDefinition, feature: FeatureDefinition, done: Mapping[str, Traces], least: int) -> Iterator[Trace]:
    """Yield the traces of what an expression or aggregate mentions."""
    at = ProblemPlace(view.document, ("spec", "features", feature.name))
    if feature.aggregate is not None:
        over = feature.aggregate.over
        yield from column_traces(over, feature.aggregate.text, at.at("aggregate"))
        for trace in column_traces(over, feature.aggregate.where, at.at("where")):
            yield replace(trace, flow="filter")
        return
    joins = {join.name.lower(): join.dataset for join in view.joins}
    used = {name.lower(): name for name in uses(view, feature)}
    for soft in softened(feature.expr or ""):
        mention, place = soft.mention, at.at("expr")
        if mention.qualifier is None and mention.name.lower() in used:
            yield from _through(view, used[mention.name.lower()], soft, done, least, place)
        else:
            yield from _column(joins.get((mention.qualifier or "").lower(), view.spine), soft, place)


def _column(dataset: Dataset, soft: Softened, place: ProblemPlace) -> Iterator[Trace]:
    wanted = soft.mention.name.lower()
    for column in dataset.columns:
        if column.name.lower() == wanted:
            yield Trace(
                dataset.name,
                column.name,
                soft.mention.flow,
                soften(_known(column.classification), soft.by),
                column.sensitive,
                bool(column.enum) or column.type == "bool",
                (),
                place.slice(soft.mention.span),
                place.slice(soft.constant) if soft.constant else None,
            )


def _through(
    view: ViewDefinition, used: str, soft: Softened, done: Mapping[str, Traces], least: int, place: ProblemPlace
) -> Iterator[Trace]:
    """Yield the traces of another feature, as this one takes them over."""
    released = soft.released_by is not None and _counts_rows_of(view, soft.released_by, used, least)
    for trace in done.get(used, ()):
        flow = soft.mention.flow if trace.flow == "value" else trace.flow
        level = min("internal", trace.level, key=RANK.__getitem__) if released else soften(trace.level, soft.by)
        at = place.slice(soft.mention.span)
        yield replace(trace, flow=flow, level=level, through=(*trace.through, used), at=at)


def _counts_rows_of(view: ViewDefinition, guard: Guard, used: str, least: int) -> bool:
    """Tell whether a guard counts, to `least` or more, the very rows that the feature `used` aggregates."""
    counting = next((f for f in view.features if f.name.lower() == guard.count.lower()), None)
    guarded = view.feature(used)
    if counting is None or guarded is None or counting.aggregate is None or guarded.aggregate is None:
        return False
    same = replace(counting.aggregate, text="") == replace(guarded.aggregate, text="")
    return same and guard.least >= least and counting.aggregate.text.replace(" ", "").lower() == "count(*)"


def _found_by(view: ViewDefinition, direct: DirectFlows) -> Iterator[Trace]:
    """Yield the traces of keys, times and orders: rows found by a value are about somebody whom they do not name."""
    datasets = view.datasets
    for flow in direct.columns:
        column = datasets[flow.dataset].column(flow.column) if flow.dataset in datasets else None
        if column is not None and flow.flow in _FOUND_BY:
            level = min(_known(column.classification), "pseudonymous", key=RANK.__getitem__)
            shown = bool(column.enum) or column.type == "bool"
            yield Trace(flow.dataset, flow.column, flow.flow, level, column.sensitive, shown, (), flow.at)


def _known(classification: str) -> str:
    """Return a classification; one that nobody knows, of an older snapshot, is kept most closely."""
    return classification if classification in RANK else CLASSIFICATIONS[-1]


def _distinct(traces: Sequence[Trace]) -> Traces:
    """Return the most closely kept trace of each column and flow; those with a constant stand for themselves."""
    found: dict[tuple[str, str, ProblemPlace | None], Trace] = {}
    for trace in traces:
        key = (trace.source, trace.flow, trace.constant)
        if key not in found or trace.rank > found[key].rank:
            found[key] = trace
    return tuple(found.values())
