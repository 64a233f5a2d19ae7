"""Labels that come late: windows that end before them, trainings that start before them, and loops over predictions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mlc_compiler.analysis.figures import about, count
from mlc_compiler.analysis.variants import Variant
from mlc_compiler.conventions import duration_text
from mlc_compiler.diagnostics import Related, Sink
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import BoundModel
from mlc_compiler.spec.monitor import Monitor, Signal

DAY, HOUR = 86_400.0, 3600.0
FEWEST_ROWS = 30
"""Rows below which a window's metric says nothing."""


def check_labels(
    bound: BoundModel, document: Document[Monitor], variant: Variant, statistics: Mapping[str, Any], sink: Sink
) -> None:
    """Report what a monitor takes for known too early."""
    monitor = variant.model.monitor.spec if variant.model.monitor else document.spec
    _feedback(bound, variant, sink)
    _few_labels(document, monitor, statistics, sink)
    _labels(document, monitor, statistics, sink)
    _retraining(bound, document, monitor, statistics, sink)


def rows_of(statistics: Mapping[str, Any], signal: Signal) -> float:
    """Return the rows that a window of the signal holds."""
    return float(statistics.get("per_day", 0.0)) * signal.window / DAY


def _few_labels(document: Document[Monitor], monitor: Monitor, statistics: Mapping[str, Any], sink: Sink) -> None:
    """Report windows of a metric that hold next to no rows."""
    for index, signal in enumerate(monitor.signals):
        rows = rows_of(statistics, signal)
        if signal.type not in ("performance", "estimated_performance") or rows >= FEWEST_ROWS:
            continue
        enough = FEWEST_ROWS / rows * signal.window if rows > 0 else math.inf
        days = math.ceil(enough / DAY) if enough < 100 * 366 * DAY else 0
        sink.warn(
            "MLC708",
            document.at("signals", index, "window"),
            f"{duration_text(signal.window)} holds {count(rows, 'row')}: {signal.metric} of so few says nothing",
            help=f"use `window: {days}d` or longer" if days else "remove the signal",
        )


def _labels(document: Document[Monitor], monitor: Monitor, statistics: Mapping[str, Any], sink: Sink) -> None:
    """Report a stated label delay in which most labels have not come."""
    late, stated = _late(statistics), monitor.label_delay
    for index, signal in enumerate(monitor.signals):
        if signal.type != "performance":
            continue
        _short(document, index, signal, late if stated is None else stated, sink)
        if stated is not None and stated < late:
            sink.warn(
                "MLC710",
                document.at("label_delay"),
                f"`{signal.name}` takes labels as known after {duration_text(stated)}, but 5 % come later than "
                f"{about(late)}: the early ones are not like the others",
                help=f"remove `label_delay`, which is then measured, or use `{_hours(late)}`",
            )


def _short(document: Document[Monitor], index: int, signal: Signal, late: float, sink: Sink) -> None:
    """Report a window that is over long before its labels are known."""
    if signal.window < late:
        sink.warn(
            "MLC714",
            document.at("signals", index, "window"),
            f"`{signal.name}` looks at {duration_text(signal.window)}, whose labels take {about(late)}: what it tells "
            f"is {about(late)} to {about(late + signal.window)} old, and a window later it tells of other rows",
            help=f"use `window: {_hours(late)}` or longer; `estimated_performance` needs no labels",
        )


def _hours(seconds: float) -> str:
    return duration_text(math.ceil(seconds / HOUR) * HOUR)


def _late(statistics: Mapping[str, Any]) -> float:
    delay = statistics.get("label_delay") or {}
    return float(delay.get("p95", 0.0))


# --- retraining ------------------------------------------------------------------------------------------------------
def _retraining(
    bound: BoundModel, document: Document[Monitor], monitor: Monitor, statistics: Mapping[str, Any], sink: Sink
) -> None:
    """Report trainings that start before the last one can have shown anything."""
    retrain = monitor.retrain
    if retrain is None:
        return
    timeout = bound.document.spec.train.timeout
    late = monitor.label_delay if monitor.label_delay is not None else _late(statistics)
    paces = [("cooldown", retrain.cooldown)] if retrain.on else []
    paces += [("schedule", cadence(retrain.schedule))] if retrain.schedule else []
    for field, pace in paces:
        if pace < late + timeout:
            sink.warn(
                "MLC711",
                document.at("retrain", field),
                f"trainings may start every {about(pace)}, but the labels of what the last one predicts take "
                f"{about(late)}, and training itself up to {duration_text(timeout)}",
                related=[Related("timeout", duration_text(timeout), bound.document.at("train", "timeout"))],
                help=f"leave {about(late + timeout)} or more between two trainings",
            )


def _feedback(bound: BoundModel, variant: Variant, sink: Sink) -> None:
    """Report a model that is trained on what it has predicted itself."""
    output = bound.document.spec.serving.output
    if output is None or variant.overrides or all(d.name != output.dataset for d in variant.model.datasets):
        return
    sink.warn(
        "MLC712",
        bound.document.at("serving", "output", "dataset"),
        f"`{bound.name}` writes its predictions to `{output.dataset}` and reads features of it: each training learns "
        "what the last one said, and no drift shows",
        help="write predictions to a dataset that no feature reads, or keep a share of rows that no prediction touched",
    )


def cadence(schedule: str) -> float:
    """Return the mean seconds between two firings of a cron schedule.

    >>> [round(cadence(schedule) / 3600, 6) for schedule in ("0 4 * * 1", "*/15 * * * *", "0 0 1 * *")]
    [168.0, 0.25, 720.0]
    """
    sizes = (60, 24, 30, 12, 7)
    shares = [_chosen(field, size) / size for field, size in zip(schedule.split(" "), sizes, strict=True)]
    minutes, hours, days, months, weekdays = shares
    # Cron takes either where both the day of the month and that of the week are given.
    both = days < 1 and weekdays < 1
    chosen = min(1.0, days + weekdays) if both else days * weekdays
    return 60.0 / max(minutes * hours * chosen * months, 1e-9)


def _chosen(field: str, size: int) -> int:
    """Return how many of its values a cron field chooses."""
    total = 0
    for part in field.split(","):
        span, _, step = part.partition("/")
        low, _, high = span.partition("-")
        if low == "*":
            width = size
        elif low.isdigit() and high.isdigit():
            width = int(high) - int(low) + 1
        else:
            width = size if high else 1
        total += -(-width // int(step)) if step else width
    return max(1, min(total, size))
