"""Metrics with their intervals: of a split, of its slices, of the difference between two models on the same rows."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from mlc_compiler.metrics import Metric
from mlc_compiler.records import dataclass
from mlc_targets.local.gates.evaluation import Array, Estimate, Evaluation, Source
from mlc_targets.local.gates.intervals import Blocks, Bounds, blocks_of, bounds, generator
from mlc_targets.local.gates.metrics import MEASURES, definition, statistic, why_undefined
from mlc_targets.local.gates.statistic import Sample, Statistic, combined


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """The rows of an evaluation that are judged together, all of them or a slice, with the blocks of all."""

    evaluation: Evaluation
    blocks: Blocks
    seed: int
    mask: np.ndarray | None = None

    @classmethod
    def of(cls, evaluation: Evaluation, seed: int) -> Rows:
        """Return all rows."""
        return cls(evaluation, blocks_of(evaluation.blocks, evaluation.rows, evaluation.block_unit, seed), seed)

    def where(self, mask: np.ndarray) -> Rows:
        """Return the rows of a mask over all rows, within these."""
        return Rows(self.evaluation, self.blocks, self.seed, mask if self.mask is None else mask & self.mask)

    @property
    def count(self) -> int:
        return self.evaluation.rows if self.mask is None else int(self.mask.sum())

    @property
    def units(self) -> int:
        """Return how many days, groups or rows these are."""
        if self.blocks.independent_rows:
            return self.count
        if self.mask is None:
            return self.blocks.units
        values = self.evaluation.blocks
        return 0 if values is None else len(np.unique(values[self.mask]))

    def column(self, name: str) -> np.ndarray:
        """Return a slice's column as text, of all rows of the evaluation."""
        return np.asarray(self.evaluation.slices[name]).astype(str)

    def values(self, name: str) -> np.ndarray:
        """Return a slice's column as text, of these rows."""
        values = self.column(name)
        return values if self.mask is None else values[self.mask]

    def sample(self, source: Source = "model") -> Sample:
        """Return labels, scores and blocks of these rows; the evaluation must have no problem with the source."""
        scores = np.asarray(self.evaluation.scores_of(source), dtype=np.float64)
        y = np.asarray(self.evaluation.y_true, dtype=np.float64)
        threshold = self.evaluation.threshold_of(source)
        everything = Sample(y, scores, threshold, self.blocks.codes, self.blocks.count)
        return everything if self.mask is None else everything.at(self.mask)


@dataclass(frozen=True, slots=True)
class Interval:
    """A value with bounds, NaN with a reason where missing; `pair` are both sides of a difference."""

    value: float
    low: float
    high: float
    reason: str = ""
    pair: tuple[float, float] | None = None


def interval(rows: Rows, metric: Metric, confidence: float, source: Source = "model") -> Interval:
    """Return a metric of some rows with its interval."""
    problem = _problem(rows, source)
    if problem:
        return Interval(math.nan, math.nan, math.nan, problem)
    sample = rows.sample(source)
    found = statistic(rows.evaluation.task, metric.name, sample)
    if not math.isfinite(found.value):
        return Interval(math.nan, math.nan, math.nan, _undefined(metric.name, source, sample))
    scale = metric.better == "higher" and metric.low == 0
    return bounded(rows, found, confidence, (metric.low, metric.high), f"{source} {metric.name}", logit=scale)


def difference(rows: Rows, metric: Metric, confidence: float, other: Source) -> Interval:
    """Return model minus other on the same rows and blocks; of absolute values where zero is best."""
    sources: tuple[Source, Source] = ("model", other)
    pair = []
    for source in sources:
        problem = _problem(rows, source)
        if problem:
            return Interval(math.nan, math.nan, math.nan, problem)
        sample = rows.sample(source)
        pair.append(statistic(rows.evaluation.task, metric.name, sample))
        if not math.isfinite(pair[-1].value):
            return Interval(math.nan, math.nan, math.nan, _undefined(metric.name, source, sample))
    zero = metric.better == "zero"

    def subtract(values: Array) -> Array:
        first, second = np.abs(values) if zero else values
        return np.asarray(first - second)

    found = unbounded(combined(pair, subtract))
    result = bounded(rows, found, confidence, (None, None), f"{metric.name} {other}")
    return replace(result, pair=(pair[0].value, pair[1].value))


def _problem(rows: Rows, source: Source) -> str:
    return rows.evaluation.problem(source) or ("" if rows.count else "there are no rows")


def _undefined(name: str, source: Source, sample: Sample) -> str:
    whose = "" if source == "model" else f" of the {source}"
    return f"{name}{whose} is undefined: {why_undefined(name, sample)}"


def unbounded(found: Statistic) -> Statistic:
    """Return a statistic that is no share of anything: a difference at 0 is not a proportion at its end."""
    return Statistic(found.sums, found.finish, found.support, smooth=found.smooth)


def bounded(
    rows: Rows, found: Statistic, confidence: float, limits: tuple[float | None, float | None], key: str,
    *, logit: bool = False,
) -> Interval:  # fmt: skip
    """Return a defined statistic with its interval; `key` names the random numbers."""
    independent = rows.blocks.independent_rows
    random = generator(rows.seed, key)
    around: Bounds = bounds(found, confidence, limits, random, independent=independent, logit=logit)
    reason = around.reason.replace("blocks", rows.blocks.unit) if around.reason else ""
    return Interval(found.value, around.low, around.high, reason)


def measure(
    evaluation: Evaluation, metric: str, confidence: float = 0.95, seed: int = 0, source: Source = "model"
) -> Estimate:
    """Return a metric of a split with its interval; raises KeyError for a metric that the task has not."""
    rows = Rows.of(evaluation, seed)
    return _estimate(rows, definition(evaluation.task, metric), confidence, source)


def measure_all(evaluation: Evaluation, confidence: float = 0.95, seed: int = 0) -> dict[str, Estimate]:
    """Return every metric of the evaluation's task, by name."""
    rows = Rows.of(evaluation, seed)
    names = sorted(MEASURES[evaluation.task])
    return {name: _estimate(rows, definition(evaluation.task, name), confidence) for name in names}


def measure_slices(
    evaluation: Evaluation, column: str, metric: str, confidence: float = 0.95, seed: int = 0, min_rows: int = 1
) -> tuple[tuple[str, Estimate], ...]:
    """Return a metric in each value of a column that has `min_rows` rows, sorted by that value."""
    rows = Rows.of(evaluation, seed)
    values = rows.values(column)
    known = definition(evaluation.task, metric)
    names, counts = np.unique(values, return_counts=True)
    return tuple(
        (str(name), _estimate(rows.where(values == name), known, confidence))
        for name, count in zip(names, counts, strict=True)
        if count >= min_rows
    )


def _estimate(rows: Rows, metric: Metric, confidence: float, source: Source = "model") -> Estimate:
    found = interval(rows, metric, confidence, source)
    value, low, high = (finite(x) for x in (found.value, found.low, found.high))
    return Estimate(
        metric.name, value, low, high, confidence, rows.count, rows.units, rows.blocks.unit, found.reason
    )  # fmt: skip


def finite(value: float) -> float | None:
    """Return a number that JSON can hold, None for NaN and infinities."""
    return value if math.isfinite(value) else None
