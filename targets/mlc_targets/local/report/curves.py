"""The numbers behind the plots: curves thinned to what a screen shows, bins, daily means."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlc_compiler.records import dataclass
from mlc_targets.local.gates.evaluation import Array, Evaluation
from mlc_targets.local.gates.measure import Rows, bounded
from mlc_targets.local.gates.statistic import ratio
from mlc_targets.local.report.svg import Point

POINTS = 160


def roc(y: Array, scores: Array) -> tuple[Point, ...]:
    """Return (false-positive rate, true-positive rate), ascending; empty without both classes."""
    hits, misses = _counts(y, scores)
    if not hits[-1] or not misses[-1]:
        return ()
    return _thinned(np.r_[0, misses / misses[-1]], np.r_[0, hits / hits[-1]])


def precision_recall(y: Array, scores: Array) -> tuple[Point, ...]:
    """Return (recall, precision), recall ascending; empty without positives."""
    hits, misses = _counts(y, scores)
    if not hits[-1]:
        return ()
    chosen = hits + misses
    seen = chosen >= max(1, 0.002 * chosen[-1])  # the first few rows would only draw noise
    return _thinned(hits[seen] / hits[-1], hits[seen] / chosen[seen])


def thresholds(y: Array, scores: Array) -> tuple[tuple[Point, ...], tuple[Point, ...], tuple[Point, ...]]:
    """Return recall, precision and the share predicted positive at a hundred thresholds; empty without positives."""
    at = np.linspace(0, 1, 101)
    chosen = len(y) - np.searchsorted(np.sort(scores), at)
    hits = (y == 1).sum() - np.searchsorted(np.sort(scores[y == 1]), at)
    if not hits[0]:
        return (), (), ()
    known = chosen >= max(1, 0.002 * len(y))
    recall, share = zip(at, hits / hits[0], strict=True), zip(at, chosen / len(y), strict=True)
    precision = zip(at[known], hits[known] / chosen[known], strict=True)
    first, second, third = (tuple((float(a), float(b)) for a, b in curve) for curve in (recall, precision, share))
    return first, second, third


def _counts(y: Array, scores: Array) -> tuple[Array, Array]:
    """Return positives and negatives at or above each distinct score, from the highest score down."""
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.r_[np.diff(scores[order]) != 0, True])
    hits = np.cumsum(y[order])[last]
    return hits, last + 1 - hits


def _thinned(x: Array, y: Array) -> tuple[Point, ...]:
    """Return at most POINTS points, evenly spaced along the curve."""
    way = np.r_[0, np.cumsum(np.hypot(np.diff(x), np.diff(y)))]
    kept = np.unique(np.searchsorted(way, np.linspace(0, way[-1], POINTS)))
    return tuple((float(a), float(b)) for a, b in zip(x[kept], y[kept], strict=True))


@dataclass(frozen=True, slots=True)
class Interval:
    """A point with a vertical interval; `rows` behind it."""

    x: float
    y: float
    low: float | None
    high: float | None
    rows: int


def calibration(evaluation: Evaluation, confidence: float, seed: int, bins: int = 10) -> tuple[Interval, ...]:
    """Return mean score and share of positives in bins of equal frequency, with the share's interval."""
    scores = np.asarray(evaluation.scores, dtype=np.float64)
    edges = np.unique(np.quantile(scores, np.linspace(0, 1, bins + 1)))
    of_bin = np.clip(np.searchsorted(edges, scores, side="right") - 1, 0, max(len(edges) - 2, 0))
    rows = Rows.of(evaluation, seed)
    return tuple(_in_bin(rows, of_bin == k, confidence) for k in range(max(len(edges) - 1, 1)) if (of_bin == k).any())


def _in_bin(rows: Rows, mask: np.ndarray, confidence: float) -> Interval:
    part = rows.where(mask)
    sample = part.sample()
    share = ratio(sample, sample.y, np.ones(len(sample.y)), proportion=True)
    found = bounded(part, share, confidence, (0.0, 1.0), "calibration", logit=True)
    known = bool(np.isfinite(found.low))
    return Interval(
        float(sample.scores.mean()),
        found.value,
        found.low if known else None,
        found.high if known else None,
        part.count,
    )


def histogram(values: Array, low: float, high: float, bins: int) -> tuple[float, ...]:
    """Return the share of values in equal bins of a range."""
    counts = np.histogram(np.clip(values, low, high), bins=bins, range=(low, high))[0]
    return tuple(float(c) for c in counts / max(len(values), 1))


def by_day(days: np.ndarray, values: Array) -> tuple[Point, ...]:
    """Return the mean of values on each day, in order."""
    known, codes = np.unique(days, return_inverse=True)
    means = np.bincount(codes, values) / np.bincount(codes)
    return tuple((float(d), float(m)) for d, m in zip(known, means, strict=True))


def bands_by_day(days: np.ndarray, values: Array, quantiles: Sequence[float]) -> tuple[tuple[Point, ...], ...]:
    """Return quantiles of values on each day: one curve a quantile."""
    known = np.unique(days)
    found = np.array([np.quantile(values[days == day], quantiles) for day in known]).T
    return tuple(tuple((float(d), float(v)) for d, v in zip(known, row, strict=True)) for row in found)


def density(x: Array, y: Array, low: float, high: float, cells: int = 36) -> Array:
    """Return counts of points in a square grid over one range: [cells of y, cells of x]."""
    span = (low, high)
    clipped = (np.clip(y, low, high), np.clip(x, low, high))
    return np.histogram2d(*clipped, bins=cells, range=(span, span))[0]


def confusion(y: Array, guess: Array, classes: int) -> np.ndarray:
    """Return counts [actual, predicted]."""
    flat = y.astype(np.int64) * classes + guess.astype(np.int64)
    return np.bincount(flat, minlength=classes * classes).reshape(classes, classes)
