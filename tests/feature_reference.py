"""The meaning of features by brute force: for each row of the spine, a loop over every other row, and no SQL."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

Row = Mapping[str, Any]
EARLIEST = datetime(1, 1, 1)  # noqa: DTZ001 - the engine's timestamps are naive UTC
Moment = Callable[[Row], datetime | None]


@dataclass(frozen=True)
class Rows:
    """A dataset: `known` says when each column is known, columns without an entry when the row is."""

    rows: Sequence[Row]
    key: tuple[str, ...]
    event_time: str
    delay: timedelta
    known: Mapping[str, Moment]

    def row_known(self, row: Row) -> datetime | None:
        event = row[self.event_time]
        return None if event is None else event + self.delay

    def known_at(self, row: Row, columns: Sequence[str]) -> datetime | None:
        """Return when all of `columns` are known: the latest of their times, None when one never is."""
        moments = [self.known[name](row) if name in self.known else self.row_known(row) for name in columns]
        return None if any(moment is None for moment in moments) else max(m for m in moments if m is not None)


@dataclass(frozen=True)
class Window:
    """Seconds from the prediction to the window's start and end; `on_event` measures the start in event time."""

    start: float
    end: float
    on_event: bool = False

    def holds(self, known: datetime, event: datetime | None, at: datetime) -> bool:
        low, high = at + timedelta(seconds=self.start), at + timedelta(seconds=self.end)
        moment = event if self.on_event else known
        return moment is not None and moment >= low and known < high


def clean(value: Any) -> Any:
    """Return a value as features see it: floats that are not finite are null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def aggregate(
    function: str,
    data: Rows,
    own: Row,
    at: datetime | None,
    by: Sequence[str],
    argument: tuple[str, ...],
    value: Callable[[Row], Any],
    window: Window,
    where: tuple[tuple[str, ...], Callable[[Row], bool | None]] | None = None,
    own_dataset: bool = False,
) -> Any:
    """Return an aggregate of `value` (which reads the columns `argument`) over the other rows in the window."""
    if at is None:
        return None
    columns = [*argument, *by, *(where[0] if where else ())]
    if window.on_event or not columns:
        columns.append(data.event_time)
    found = []
    for row in data.rows:
        if own_dataset and all(row[name] == own[name] for name in data.key):
            continue
        if any(own[name] is None or row[name] != own[name] for name in by):
            continue
        known = data.known_at(row, columns)
        if known is None or not window.holds(known, row[data.event_time], at):
            continue
        if where is not None and where[1](row) is not True:
            continue
        found.append((known, _tie(data, row), row))
    return _aggregated(function, found, value)


def _tie(data: Rows, row: Row) -> tuple[Any, ...]:
    """Return the order of rows known at the same time: event time, nulls first, then the key."""
    event = row[data.event_time]
    return (event is not None, event or EARLIEST, *(row[name] for name in data.key))


def _aggregated(function: str, found: list[tuple[datetime, Any, Row]], value: Callable[[Row], Any]) -> Any:
    if function == "count(*)":
        return len(found)
    ordered = sorted(((known, tie, clean(value(row))) for known, tie, row in found), key=lambda entry: entry[:2])
    values = [v for _, _, v in ordered if v is not None]
    if function == "count":
        return len(values)
    if function == "count_distinct":
        return len(set(values))
    if not values or (function == "stddev" and len(values) < 2):
        return None
    if function in ("sum", "avg"):
        total = math.fsum(values) if isinstance(values[0], float) else sum(values)
        return total / len(values) if function == "avg" else total
    if function == "stddev":
        return statistics.stdev(values)
    if function in ("first", "last"):
        return values[0] if function == "first" else values[-1]
    return min(values) if function == "min" else max(values)


def as_of(
    data: Rows,
    own: Row,
    at: datetime | None,
    on: Sequence[str],
    time: str,
    columns: Sequence[str],
    tolerance: float | None,
) -> Row | None:
    """Return the newest row by `time` that is known before the prediction and not ahead of it."""
    best: tuple[Any, ...] | None = None
    chosen: Row | None = None
    for row in data.rows:
        if at is None or any(own[name] is None or row[name] != own[name] for name in on) or row[time] is None:
            continue
        known = data.known_at(row, [*columns, *on, time])
        if known is None or known >= at or row[time] > at:
            continue
        order = (row[time], known, tuple(row[name] for name in data.key))
        if best is None or order > best:
            best, chosen = order, row
    if chosen is None or (
        tolerance is not None and at is not None and chosen[time] < at - timedelta(seconds=tolerance)
    ):
        return None
    return chosen
