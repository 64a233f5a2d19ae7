"""Folds that do not know of one another: what is judged was neither learned from nor chosen by.

A time split leaves out rows whose label was not known when the next fold starts, so a missing `gap` leaks nothing; what
is left to prove is that the split is by time where the rows lie in time, and that gates judge on rows of their own.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from mlc_compiler.analysis.subject import Subject
from mlc_compiler.conventions import duration_text, number_text
from mlc_compiler.diagnostics import Place, Related, Sink
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import BoundModel
from mlc_compiler.metrics import metric
from mlc_compiler.probability import normal_quantile
from mlc_compiler.spec.gate import Gate
from mlc_compiler.spec.model import Model, Search

FEW = 100
"""Keys with fewer values are categories that a model learns about, not entities that it meets for the first time."""
REPEATED = 1.5
"""Rows of one key, on average, from which on its rows are taken to repeat."""

Entry = Mapping[str, Any]  # JSON of the lock


def check_splits(subject: Subject, sink: Sink) -> None:
    """Report splits that let folds know of one another, and gates on rows that chose what they judge."""
    for bound, _ in subject.pairs():
        spine = subject.lock.datasets.get(bound.spine.name, {})
        if bound.document.spec.split.strategy == "random":
            _out_of_order(bound, spine, sink)
            _shared_entities(bound, spine, sink)
        if bound.document.spec.split.strategy == "time":
            _emptied(bound, spine, subject.lock.models.get(bound.name, {}), sink)
        for gate in bound.gates:
            if gate.spec.split == "validation":
                _judged_by_what_chose(bound.document, gate, sink)


# --- random splits ---------------------------------------------------------------------------------------------------
def _out_of_order(bound: BoundModel, spine: Entry, sink: Sink) -> None:
    """Report rows with a time that are parted at random."""
    time = bound.spine.spec.event_time
    if time is None:
        return
    first, last = (_column(spine, time).get(end) for end in ("min", "max"))
    if first is not None and first == last:
        return  # a snapshot of one moment has no order
    label, at = bound.document.spec.label, bound.document.at("split", "strategy")
    reach = f" ({first[:10]} to {last[:10]})" if isinstance(first, str) and isinstance(last, str) else ""
    overlap = label.aggregate is not None and label.horizon is not None
    message = f"rows are parted at random though they lie in time{reach}: training rows lie after the rows that judge"
    if overlap:
        by = f" of one {', '.join(label.by)}" if label.by else ""
        apart = duration_text(label.horizon or 0)
        message += f", and two rows{by} less than {apart} apart count the same events in both folds"
    related = [Related("event_time", time, bound.spine.at("event_time"))]
    (sink.error if overlap else sink.warn)(
        "MLC345", at, message, related=related, help="use `strategy: time`", fix="time"
    )


def _shared_entities(bound: BoundModel, spine: Entry, sink: Sink) -> None:
    """Report the entity that features are looked up by and whose rows are spread over the folds."""
    keys = {name: at for name, at in _keys(bound) if (name,) != tuple(bound.spine.spec.primary_key)}
    rows, group = spine.get("rows"), bound.document.spec.split.group
    counted = {name: _column(spine, name).get("distinct") for name in keys}
    entities = {n: c for n, c in counted.items() if rows and c and c >= FEW and rows / c >= REPEATED}
    if not entities or set(entities) & set(group):
        return
    name = max(sorted(entities), key=lambda n: entities[n])
    sink.warn(
        "MLC346",
        bound.document.at("split", "strategy"),
        f"rows of one `{name}` lie in all folds: {rows:,} rows have {entities[name]:,} values of it, "
        f"{number_text(round(rows / entities[name], 1))} rows each, and features are looked up by it",
        note="the test fold can't tell whether the model recognises what it has seen",
        related=[Related("key", name, keys[name])],
        help=f"use `strategy: group, group: [{name}]`, or split by time",
    )


def _keys(bound: BoundModel) -> Iterator[tuple[str, Place]]:
    """Yield the columns by which the model's features take other rows, and where they are named."""
    taken = {(feature.view, feature.name) for feature in bound.features}
    for view in bound.views:
        for name, feature in view.spec.features.items():
            if (view.name, name) in taken:
                yield from ((key, view.at("features", name, "by", i)) for i, key in enumerate(feature.by))
        for name, join in view.spec.joins.items():
            yield from ((key, view.at("joins", name, "on", i)) for i, key in enumerate(join.on))


# --- time splits -----------------------------------------------------------------------------------------------------
def _emptied(bound: BoundModel, spine: Entry, measured: Entry, sink: Sink) -> None:
    """Report a fold that ends before the labels of its rows are known: all of it is left out."""
    spec, reach = bound.document.spec, _reach(bound, spine)
    delay = spec.label.horizon or measured.get("label_delay", {}).get("p95") or 0.0
    lost = delay + spec.split.gap
    if reach is None or not lost:
        return
    for fold in ("train", "validation"):
        lasts = getattr(spec.split, fold) * reach
        if 0 < lasts <= lost:
            certain = spec.label.horizon is not None or lasts <= spec.split.gap
            (sink.error if certain else sink.warn)(
                "MLC347",
                bound.document.at("split", fold),
                f"the {fold} fold lasts about {_about(lasts)}; {' and '.join(_waits(bound, delay))}, so no row of it "
                "is known when the next fold starts",
                related=[Related("label", "", bound.document.at("label").name())],
                help=f"give it more than {number_text(round(100 * lost / reach, 1))} % of the rows, or more history",
            )


def _waits(bound: BoundModel, delay: float) -> Iterator[str]:
    """Yield what lies between a row and the next fold, in words."""
    spec = bound.document.spec
    if spec.label.horizon:
        yield f"its labels look {_about(delay)} ahead"
    elif delay:
        yield f"its labels take {_about(delay)} (95 of 100) to be known"
    if spec.split.gap:
        yield f"the gap is {duration_text(spec.split.gap)}"


def _reach(bound: BoundModel, spine: Entry) -> float | None:
    """Return the seconds that the spine's rows span: as measured, or as its history says."""
    column = _column(spine, bound.spine.spec.event_time or "")
    history = bound.spine.spec.history
    first, last = column.get("min"), column.get("max")
    if isinstance(first, str) and isinstance(last, str):
        return (_moment(last) - _moment(first)).total_seconds()
    if history and history.since and history.until:
        return (date.fromisoformat(history.until) - date.fromisoformat(history.since)).total_seconds()
    return None


def _about(seconds: float) -> str:
    """Return a duration rounded for people.

    >>> _about(55 * 86_400 + 7), _about(5400)
    ('55 days', '1.5 hours')
    """
    unit, size = ("days", 86_400) if seconds >= 2 * 86_400 else ("hours", 3600)
    return f"{number_text(round(seconds / size, 1))} {unit}"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "")).replace(tzinfo=None)


def _column(spine: Entry, name: str) -> Entry:
    found: Entry = spine.get("columns", {}).get(name, {})
    return found


# --- gates -----------------------------------------------------------------------------------------------------------
def _judged_by_what_chose(model: Document[Model], gate: Document[Gate], sink: Sink) -> None:
    """Report a gate on the validation fold where that fold chose parameters or the operating point."""
    spec, at = model.spec, gate.at("split")
    trials = _tried(spec.search) if spec.search is not None else 1
    if trials > 1:
        sink.error(
            "MLC348",
            at,
            f"the gate judges on the rows that chose the best of {trials} trials: of {trials} equally good ones the "
            f"best looks {number_text(round(_best_of(trials), 2))} standard errors better than it is",
            related=[Related("search", f"{trials} trials", model.at("search"))],
            help="use `split: test`",
            fix="test",
        )
        return
    decision = spec.decision
    rule = next((n for n in ("max_false_positive_rate", "min_precision", "min_recall", "maximize")
                 if getattr(decision, n) is not None), None)  # fmt: skip
    if rule and any(_needs_threshold(c.metric) or c.fairness for c in gate.spec.checks):
        sink.warn(
            "MLC348",
            at,
            f"the gate judges on the rows that chose the threshold by `{rule}`: they meet it by construction",
            related=[Related("decision", rule, model.at("decision", rule))],
            help="use `split: test`",
            fix="test",
        )


def _needs_threshold(name: str | None) -> bool:
    found = metric(name) if name else None
    return found is not None and found.operating_point


def _tried(search: Search) -> int:
    """Return how many parameter sets a search compares: a grid takes all choices and five points of a range."""
    if search.method == "random":
        return search.trials
    return min(search.trials, math.prod(len(d.choice) if d.choice else 5 for d in search.space.values()))


@functools.lru_cache(maxsize=256)
def _best_of(count: int) -> float:
    """Return the expected largest of `count` standard normal values (Blom, 1958).

    >>> round(_best_of(20), 2)
    1.87
    """
    return normal_quantile((count - 0.375) / (count + 0.25))
