"""Prediction drift: how far the latest live scores lie from the reference scores in the package."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable

import numpy as np

from mlc_targets.local.package.columns import Array
from mlc_targets.local.package.manifest import ScoreReference

FEWEST = 100
"""Fewer live scores give no value: chance alone would exceed common thresholds."""


class ScoreWindow:
    """The latest live scores, counted in the reference's bins."""

    def __init__(self, reference: ScoreReference, size: int) -> None:
        self._inner = np.array(reference.edges[1:-1], dtype=np.float64)
        self._reference = np.array(reference.counts, dtype=np.float64)
        self._counts = np.zeros(len(reference.counts), dtype=np.int64)
        self._bins: deque[int] = deque()
        self._size = size

    def add(self, scores: Array) -> None:
        """Take in scores; the oldest leave once the window is full."""
        if len(self._counts):
            self._add(np.searchsorted(self._inner, scores, side="right").tolist())

    def _add(self, bins: Iterable[int]) -> None:
        for number in bins:
            if len(self._bins) == self._size:
                self._counts[self._bins.popleft()] -= 1
            self._bins.append(number)
            self._counts[number] += 1

    def value(self) -> float:
        """Return the population stability index of the window, NaN below 100 scores or without a reference."""
        if len(self._bins) < FEWEST or not self._reference.sum():
            return math.nan
        return stability_index(self._reference, self._counts.astype(np.float64))


def stability_index(reference: Array, live: Array) -> float:
    """Return the population stability index, sum((q - p) ln(q / p)) over bins.

    Half a count is added to each bin of both histograms, so that an empty bin is rare rather than impossible
    (Jeffreys). 0 means alike; 0.1 and 0.25 are the customary bounds of a moderate and a major shift.
    """
    p = (reference + 0.5) / (reference.sum() + 0.5 * len(reference))
    q = (live + 0.5) / (live.sum() + 0.5 * len(live))
    return float(np.sum((q - p) * np.log(q / p)))
