"""A metric as sums over blocks and a function of the sums: resamples of blocks cost no pass over the rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlc_compiler.records import dataclass
from mlc_targets.local.gates.evaluation import Array, Codes

Finish = Callable[[Array], Array]
"""From sums [R, k] to values [R]; NaN where the metric is undefined."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Rows to measure: labels, scores, the operating point, and the block of each row (0 to `count` - 1)."""

    y: Array
    scores: Array
    threshold: float
    codes: Codes
    count: int

    def sums(self, *columns: Array) -> Array:
        """Return the sum of each column [N] over each block: [B, number of columns]."""
        return np.stack([np.bincount(self.codes, c, self.count) for c in columns], axis=1)

    def at(self, mask: np.ndarray) -> Sample:
        """Return the rows of a mask; blocks keep their numbers."""
        return Sample(self.y[mask], self.scores[mask], self.threshold, self.codes[mask], self.count)


@dataclass(frozen=True, slots=True, eq=False)
class Statistic:
    """`sums` [B, k] and the function that finishes them.

    `support` counts the blocks that inform the value. `trials` is the number of yes-or-no outcomes behind a value in
    [0, 1]; `proportion` says that the value is exactly their mean. `smooth` is false where the value jumps between
    resamples (medians, smallest over largest), which the jackknife cannot follow.
    """

    sums: Array
    finish: Finish
    support: int
    trials: float | None = None
    proportion: bool = False
    smooth: bool = True

    @property
    def value(self) -> float:
        """Return the value over all blocks, NaN where undefined."""
        return float(self.resampled(np.ones((1, len(self.sums))))[0])

    def resampled(self, weights: Array) -> Array:
        """Return the value [R] of each row of weights [R, B]: how often each block is drawn."""
        with np.errstate(all="ignore"):
            return self.finish(weights @ self.sums)

    def without_each(self) -> Array:
        """Return the value without each block in turn: [B]."""
        with np.errstate(all="ignore"):
            return self.finish(self.sums.sum(axis=0) - self.sums)


def ratio(sample: Sample, numerator: Array, denominator: Array, *, proportion: bool = False) -> Statistic:
    """Return the ratio of two sums over rows."""
    sums = sample.sums(numerator, denominator)
    trials = float(sums[:, 1].sum()) if proportion else None
    return Statistic(sums, quotient, _blocks_with(sums[:, 1]), trials, proportion)


def quotient(sums: Array) -> Array:
    """Return the first column over the second, NaN where that is 0."""
    return np.where(sums[:, 1] > 0, sums[:, 0] / sums[:, 1], np.nan)


def combined(
    parts: Sequence[Statistic], combine: Callable[[Array], Array], *, smooth: bool = True
) -> Statistic:  # fmt: skip
    """Return one statistic of several over the same blocks; `combine` takes their values [number of parts, R]."""
    edges = np.cumsum([0, *(part.sums.shape[1] for part in parts)])

    def finish(sums: Array) -> Array:
        values = [p.finish(sums[:, a:b]) for p, a, b in zip(parts, edges[:-1], edges[1:], strict=True)]
        return combine(np.stack(values))

    trials = [part.trials for part in parts if part.trials is not None]
    return Statistic(
        np.hstack([part.sums for part in parts]),
        finish,
        min(part.support for part in parts),
        min(trials) if len(trials) == len(parts) else None,
        smooth=smooth and all(part.smooth for part in parts),
    )


def support(sample: Sample, *masks: np.ndarray) -> int:
    """Return how many blocks have rows, for the mask that has fewest of them."""
    return min(_blocks_with(np.bincount(sample.codes, mask, sample.count)) for mask in masks)


def _blocks_with(amounts: NDArray[Any]) -> int:
    return int(np.count_nonzero(amounts))
