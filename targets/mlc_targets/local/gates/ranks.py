"""Statistics of order (areas under curves, medians) as counts in cells of sorted values, summed over blocks.

All distinct values give the exact value. Resamples use at most `cells` cells of equal frequency, shifted to meet the
exact value, because counting 50,000 distinct scores in each of 1,000 resamples would take minutes.
"""

from __future__ import annotations

import numpy as np

from mlc_targets.local.gates.evaluation import Array, Codes
from mlc_targets.local.gates.statistic import Finish, Sample, Statistic, support

CELLS = 512
MEDIAN_CELLS = 4096  # a median reads one cell, where an area averages over all of them


def roc_auc(sample: Sample, cells: int = CELLS) -> Statistic:
    """Return the area under the ROC curve: the share of positive-negative pairs in order, ties counting half."""
    positive = sample.y == 1
    trials = float(min(positive.sum(), (~positive).sum()))
    return _of_counts(sample, sample.scores, (positive, ~positive), finish_auc, cells, trials)


def average_precision(sample: Sample, cells: int = CELLS) -> Statistic:
    """Return average precision: precision at each score, weighted by the recall that the score adds."""
    positive = sample.y == 1
    return _of_counts(sample, -sample.scores, (positive, ~positive), finish_precision, cells, float(positive.sum()))


def median(sample: Sample, values: Array, cells: int = MEDIAN_CELLS) -> Statistic:
    """Return the median of a value of each row [N]."""
    distinct, places = np.unique(values, return_inverse=True)
    everything = np.ones(len(values), dtype=bool)
    exact = float(np.median(values)) if len(values) else float("nan")
    cell, centres = _cells(places, distinct, cells)

    def finish(counts: Array) -> Array:
        return _weighted_median(counts, centres)

    sums = _counts(sample.codes, cell, everything, (sample.count, len(centres)))
    shift = exact - float(finish(sums.sum(axis=0, keepdims=True))[0]) if len(values) else 0.0
    return Statistic(sums, lambda counts: finish(counts) + shift, support(sample, everything), smooth=False)


def finish_auc(counts: Array) -> Array:
    """Return the area from counts of positives, then negatives, in ascending cells of score: [R, 2 cells] to [R]."""
    positive, negative = np.hsplit(counts, 2)
    below = np.cumsum(negative, axis=1) - negative / 2
    return np.asarray((positive * below).sum(axis=1) / (positive.sum(axis=1) * negative.sum(axis=1)))


def finish_precision(counts: Array) -> Array:
    """Return average precision from counts of positives, then negatives, in descending cells of score."""
    positive, negative = np.hsplit(counts, 2)
    found = np.cumsum(positive, axis=1)
    chosen = found + np.cumsum(negative, axis=1)
    precision = np.divide(found, chosen, out=np.zeros_like(found), where=chosen > 0)
    return np.asarray((positive * precision).sum(axis=1) / found[:, -1])


def _of_counts(
    sample: Sample, values: Array, masks: tuple[np.ndarray, ...], finish: Finish, cells: int, trials: float
) -> Statistic:  # fmt: skip
    """Return a statistic of the rows of each mask, counted in ascending cells of the values."""
    distinct, places = np.unique(values, return_inverse=True)
    cell, centres = _cells(places, distinct, cells)
    sums = np.hstack([_counts(sample.codes, cell, m, (sample.count, len(centres))) for m in masks])
    one = np.zeros(len(values), dtype=np.int64)
    whole = np.hstack([_counts(one, places, m, (1, len(distinct))) for m in masks])
    with np.errstate(all="ignore"):
        shift = float((finish(whole) - finish(sums.sum(axis=0, keepdims=True)))[0])
    return Statistic(sums, lambda counts: finish(counts) + shift, support(sample, *masks), trials)


def _cells(places: Codes, distinct: Array, cells: int) -> tuple[Codes, Array]:
    """Return the cell of each row and the cells' centres; equal values share a cell."""
    if len(distinct) <= cells:
        return places, distinct
    frequency = np.bincount(places, minlength=len(distinct))
    before = np.cumsum(frequency) - frequency
    _, of_value = np.unique(before * cells // len(places), return_inverse=True)
    weight = np.bincount(of_value, frequency)
    return of_value[places], np.bincount(of_value, frequency * distinct) / weight


def _counts(codes: Codes, cell: Codes, mask: np.ndarray, shape: tuple[int, int]) -> Array:
    """Return how many rows of the mask lie in each block and cell."""
    flat = codes[mask] * shape[1] + cell[mask]
    return np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)


def _weighted_median(counts: Array, centres: Array) -> Array:
    """Return the median of each row of counts: the mean of the two middle values where their number is even."""
    reached = np.cumsum(counts, axis=1)
    half = reached[:, -1:] / 2
    lower = centres[np.argmax(reached >= half, axis=1)]
    upper = centres[np.argmax(reached > half, axis=1)]
    return np.where(half[:, 0] > 0, (lower + upper) / 2, np.nan)
