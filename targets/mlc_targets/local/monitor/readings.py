"""Signals computed: one reading each, a value for every feature that it watches or the reason why there is none."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from mlc_compiler.backend.target import ExecutionError
from mlc_compiler.ir import Signal
from mlc_compiler.records import dataclass
from mlc_targets.local.data.relations import open_datasets
from mlc_targets.local.monitor.distances import UndefinedError, by_chance, distance
from mlc_targets.local.monitor.estimate import expected
from mlc_targets.local.monitor.plan import Plan
from mlc_targets.local.monitor.profiles import Profile, feature_profile, score_profile
from mlc_targets.local.monitor.rows import Rows, label_codes, labelled_rows, live_rows, observed_delay
from mlc_targets.local.online import greatest_known
from mlc_targets.local.package.bundle import REFERENCE_FILE, Array, Package
from mlc_targets.local.serve.answer import decide, threshold_of

if TYPE_CHECKING:
    import duckdb

FALSE_ALARMS = 0.01
"""Share of windows without any change in which one feature or another of a signal may exceed its bound."""
Span = tuple[dt.datetime, dt.datetime]


@dataclass(frozen=True, slots=True)
class Reading:
    """What came of one signal: `values` by feature, "" where it is of no feature; `reasons` of those without a value.

    `start` and `end` (UTC without a zone) bound when its `rows` were predicted; `unlabelled` are left out of them.
    """

    signal: Signal
    values: Mapping[str, float] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    rows: int = 0
    start: dt.datetime | None = None
    end: dt.datetime | None = None
    unlabelled: int | None = None

    @property
    def computed(self) -> bool:
        """Return whether there is a value at all."""
        return bool(self.values)


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What every signal is computed from."""

    plan: Plan
    package: Package
    now: dt.datetime
    live: Rows
    labelled: Rows | None
    delay: float
    unlabelled_reason: str
    profiles: Mapping[str, Profile]
    profiles_reason: str

    def window(self, signal: Signal) -> Span:
        """Return from when to when a signal's rows were predicted; for labels, when they had time to come."""
        end = self.now - dt.timedelta(seconds=self.delay if signal.type == "performance" else 0.0)
        return end - dt.timedelta(seconds=signal.window), end


def read_signals(
    plan: Plan, package: Package, root: Path, clock: dt.datetime, now: dt.datetime | None = None
) -> tuple[Reading, ...]:
    """Return a reading of each signal, in the plan's order.

    `now` is by default the greatest known time in the data where all datasets with a time are closed (`until`), and
    else `clock`. Raises ExecutionError: data that can't be read, MLC487.
    """
    connection = open_datasets(package.manifest.datasets, root)
    try:
        given = _naive(now) if now else greatest_known(connection, package.manifest.datasets)
        job = _job(connection, plan, package, given or _naive(clock))
    finally:
        connection.close()
    return tuple(_read(job, signal) for signal in plan.signals)


def _naive(moment: dt.datetime) -> dt.datetime:
    """Return a moment in UTC without a zone, as tables hold it."""
    return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment


# --- what is read of the data ----------------------------------------------------------------------------------------
def _job(connection: duckdb.DuckDBPyConnection, plan: Plan, package: Package, now: dt.datetime) -> Job:
    longest = max((s.window for s in plan.signals if s.type != "performance"), default=0.0)
    live = live_rows(connection, package, (now - dt.timedelta(seconds=longest), now))
    labelled, delay, reason = _labelled(connection, plan, package, now)
    profiles, missing = _profiles(plan, package)
    return Job(plan, package, now, live, labelled, delay, reason, profiles, missing)


def _labelled(
    connection: duckdb.DuckDBPyConnection, plan: Plan, package: Package, now: dt.datetime
) -> tuple[Rows | None, float, str]:
    """Return the rows with their labels and how late these come, or why there are none."""
    longest = max((s.window for s in plan.signals if s.type == "performance"), default=None)
    if longest is None:
        return None, 0.0, "no signal asks for labels"
    if package.manifest.training_sql is None:
        return None, 0.0, "the package keeps no query of the label: an older mlc made it"
    try:
        delay = observed_delay(connection, package, now) if plan.label_delay is None else plan.label_delay
        if delay is None:
            return None, 0.0, "no label has ever been known"
        end = now - dt.timedelta(seconds=delay)
        return labelled_rows(connection, package, (end - dt.timedelta(seconds=longest), end), now), delay, ""
    except ExecutionError as error:  # labels may be late or broken while features are fine
        return None, 0.0, f"{error.finding.message}: {error.finding.note}"


def _profiles(plan: Plan, package: Package) -> tuple[Mapping[str, Profile], str]:
    """Return the reference profile of each feature, or why there are none."""
    try:
        kept: dict[str, Any] = json.loads((package.folder / REFERENCE_FILE).read_text("utf-8"))
        split = kept.get("split", plan.reference)
        if split != plan.reference:
            return {}, f"the package keeps profiles of the {split} fold, not of {plan.reference}"
        return {name: feature_profile(profile) for name, profile in kept["features"].items()}, ""
    except (OSError, ValueError, KeyError, TypeError) as error:
        return {}, f"the package's {REFERENCE_FILE} cannot be used: {error!r}"


# --- signals ---------------------------------------------------------------------------------------------------------
def _read(job: Job, signal: Signal) -> Reading:
    start, end = job.window(signal)
    empty = Reading(signal, start=start, end=end)
    if signal.type == "performance":
        return _performance(job, signal, empty)
    rows = job.live.within(start, end)
    if not len(rows):
        return replace(empty, reasons={"": "no row was predicted in the window"})
    return _SIGNALS[signal.type](job, signal, rows, replace(empty, rows=len(rows)))


def _names(job: Job, signal: Signal) -> tuple[str, ...]:
    return signal.features or tuple(feature.name for feature in job.package.manifest.features)


def _feature_drift(job: Job, signal: Signal, rows: Rows, reading: Reading) -> Reading:
    names = _names(job, signal)
    alpha = FALSE_ALARMS / len(names)
    return _collected(reading, {name: partial(_drift, job, signal, name, rows, alpha) for name in names})


def _drift(job: Job, signal: Signal, name: str, rows: Rows, alpha: float) -> float:
    if name not in job.profiles or name not in rows.columns:
        raise UndefinedError(job.profiles_reason or "the package keeps no profile of it")
    return _apart(signal, job.profiles[name], rows.columns[name], alpha)


def _prediction_drift(job: Job, signal: Signal, rows: Rows, reading: Reading) -> Reading:
    def value() -> float:
        profile = score_profile(job.package.manifest.reference)
        if profile is None:
            raise UndefinedError("the package keeps no reference scores")
        scores = decide(job.package.manifest, rows.scores).live
        return _apart(signal, profile, np.asarray(scores, dtype=np.float64), FALSE_ALARMS)

    return _collected(reading, {"": value})


def _apart(signal: Signal, profile: Profile, column: Array, alpha: float) -> float:
    """Return a column's distance; one beyond the bound by what chance alone may do is not known, and no alarm."""
    value = distance(signal.method, profile, column)
    if signal.max is not None and value > signal.max:
        chance = by_chance(signal.method, profile, column, alpha)
        if value <= chance:
            raise UndefinedError(
                f"{value:.4g} is above {signal.max:g}, but {len(column):,} rows reach {chance:.4g} by chance"
            )
    return value


def _data_quality(job: Job, signal: Signal, rows: Rows, reading: Reading) -> Reading:
    return _collected(reading, {name: partial(_missing_rate, rows, name) for name in _names(job, signal)})


def _missing_rate(rows: Rows, name: str) -> float:
    """Return the share of values that are null or infinite."""
    if name not in rows.columns:
        raise UndefinedError("the package has no such feature")
    column = rows.columns[name]
    missing = ~np.isfinite(column) if column.dtype.kind == "f" else column == ""
    return float(np.mean(missing))


def _estimated(job: Job, signal: Signal, rows: Rows, reading: Reading) -> Reading:
    manifest = job.package.manifest
    found = partial(expected, manifest.task, signal.metric or "", rows.scores, threshold_of(manifest))
    return _collected(reading, {"": found})


def _performance(job: Job, signal: Signal, empty: Reading) -> Reading:
    if job.labelled is None:
        return replace(empty, reasons={"": job.unlabelled_reason})
    start, end = job.window(signal)
    rows = job.labelled.within(start, end)
    known = np.array([not _missing(label) for label in rows.labels or ()], dtype=bool)
    rows, unlabelled = rows.at(known), int((~known).sum())
    reading = replace(empty, rows=len(rows), unlabelled=unlabelled)
    return _collected(reading, {"": partial(_realised, job, signal, rows)})


def _missing(label: object) -> bool:
    return label is None or (isinstance(label, float) and math.isnan(label))


def _realised(job: Job, signal: Signal, rows: Rows) -> float:
    from mlc_targets.local.gates.metrics import statistic, why_undefined
    from mlc_targets.local.gates.statistic import Sample

    manifest, name = job.package.manifest, signal.metric or ""
    if not len(rows):
        raise UndefinedError("no row of the window has a known label")
    codes = label_codes(manifest, rows.labels or ())
    one_block = np.zeros(len(rows), dtype=np.int64)
    sample = Sample(codes, rows.scores.astype(np.float64), threshold_of(manifest), one_block, 1)
    value = statistic(manifest.task, name, sample).value
    if not math.isfinite(value):
        raise UndefinedError(why_undefined(name, sample))
    return value


def _collected(reading: Reading, asked: Mapping[str, Callable[[], float]]) -> Reading:
    """Return the reading with the values that there are and the reasons of those that there are not."""
    values, reasons = {}, {}
    for name, compute in asked.items():
        try:
            values[name] = compute()
        except (ValueError, KeyError) as error:
            reasons[name] = str(error)
    return replace(reading, values=values, reasons=reasons)


_SIGNALS: Mapping[str, Callable[[Job, Signal, Rows, Reading], Reading]] = MappingProxyType({
    "feature_drift": _feature_drift,
    "prediction_drift": _prediction_drift,
    "data_quality": _data_quality,
    "estimated_performance": _estimated,
})  # fmt: skip
