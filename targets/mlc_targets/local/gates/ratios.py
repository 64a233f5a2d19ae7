"""Intervals of a ratio between groups, the smallest rate over the largest: one bound for every pair of groups.

The smallest of several ratios clears a limit exactly if each pair of groups does, so that each pair is tested at the
full confidence and all must pass (intersection-union test, Berger 1982): a pair at the limit passes in the tail alone,
however many groups there are. A pair of independent rows takes the score interval of a ratio of two proportions
(Koopman 1984; Miettinen and Nurminen 1985); of blocks, the wider of it and Fieller's (1954) with the jackknife's
variances and Student's t, because no block shows a mistake that its rows have not made yet. The upper ends, of which
one suffices to fail, are at Bonferroni's level.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from mlc_compiler.metrics import MIN_BLOCKS
from mlc_compiler.probability import normal_quantile, t_quantile
from mlc_targets.local.gates.evaluation import Array
from mlc_targets.local.gates.intervals import Bounds
from mlc_targets.local.gates.statistic import Statistic

Room = Callable[[Array], Array]
"""By how much each pair clears a ratio [P], negative where it does not: falls as the ratio rises."""
_HALVINGS = 32


def ratio_bounds(rates: Sequence[Sequence[Statistic]], confidence: float, *, independent: bool) -> Bounds:
    """Return the interval of the smallest ratio; `rates` are those of the groups, for each rate that is compared."""
    short = min(_informing(statistic, independent) for groups in rates for statistic in groups)
    if short < MIN_BLOCKS:
        return Bounds(math.nan, math.nan, f"{short} blocks inform a group; an interval needs {MIN_BLOCKS}")
    several = sum(len(groups) * (len(groups) - 1) for groups in rates)
    lower, upper = (1 + confidence) / 2, 1 - (1 - confidence) / (2 * several)
    ends = [_of_pairs(groups, lower, upper, independent) for groups in rates]
    return Bounds(min(low for low, _ in ends), min(high for _, high in ends))


def _informing(statistic: Statistic, independent: bool) -> int:
    return round(statistic.trials or 0) if independent else statistic.support


def _of_pairs(groups: Sequence[Statistic], lower: float, upper: float, independent: bool) -> tuple[float, float]:
    """Return the smallest lower and upper end over all ordered pairs of groups."""
    rooms = [_score(groups, lower, upper)]
    if not independent:
        rooms.append(_fieller(groups, lower, upper))
    values = np.array([s.value for s in groups])
    first, second = _pairs(len(groups))
    with np.errstate(all="ignore"):
        ratios = np.minimum(np.where(values[second] > 0, values[first] / values[second], 1.0), 1.0)
        lows = np.min([_root(below, np.zeros_like(ratios), ratios) for below, _ in rooms], axis=0)
        highs = np.max([_root(above, ratios, np.ones_like(ratios)) for _, above in rooms], axis=0)
    return float(lows.min()), float(highs.min())


def _pairs(count: int) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.nonzero(~np.eye(count, dtype=bool))
    return first, second


def _root(room: Room, inside: Array, outside: Array) -> Array:
    """Return where the room turns negative between two ratios of each pair, the outer one where it does not."""
    outermost = np.where(room(outside) >= 0, outside, np.nan)
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        clear = room(middle) >= 0
        inside, outside = np.where(clear, middle, inside), np.where(clear, outside, middle)
    return np.where(np.isnan(outermost), inside, outermost)


def _score(groups: Sequence[Statistic], lower: float, upper: float) -> tuple[Room, Room]:
    """Return the room of the score test: the error is that of the likeliest rates at the ratio."""
    first, second = _pairs(len(groups))
    trials = np.array([s.trials or 0.0 for s in groups])
    hits = trials * np.array([s.value for s in groups])
    n, m, k, j = trials[first], trials[second], hits[first], hits[second]

    def distance(ratio: Array) -> Array:
        linear = k + ratio * j + ratio * n + m
        root = np.sqrt(np.maximum(linear * linear - 4 * ratio * (n + m) * (k + j), 0.0))
        likeliest = np.minimum(2 * (k + j) / (linear + root), 1.0)
        own = np.minimum(ratio * likeliest, 1.0)
        error = np.sqrt(own * (1 - own) / n + ratio * ratio * likeliest * (1 - likeliest) / m)
        apart = k / n - ratio * j / m
        return np.asarray(np.where(error > 0, apart / error, np.copysign(np.inf, apart)))

    low, high = normal_quantile(lower), normal_quantile(upper)
    return (lambda ratio: distance(ratio) - low), (lambda ratio: distance(ratio) + high)


def _fieller(groups: Sequence[Statistic], lower: float, upper: float) -> tuple[Room, Room]:
    """Return the room of the jackknife: the error is that of `first - ratio * second` over the blocks of both."""
    first, second = _pairs(len(groups))
    values = np.array([s.value for s in groups])
    left_out = np.stack([s.without_each() for s in groups])
    apart = np.where(np.isfinite(left_out), left_out, values[:, None])
    apart -= apart.mean(axis=1, keepdims=True)
    blocks = apart.shape[1]
    shared = (blocks - 1) / blocks * (apart @ apart.T)
    support = np.array([s.support for s in groups])
    degrees = np.minimum(support[first], support[second]) - 1
    own, other, both = shared[first, first], shared[second, second], shared[first, second]

    def room(ratio: Array, widths: Array) -> Array:
        error = np.sqrt(np.maximum(own - 2 * ratio * both + ratio * ratio * other, 0.0))
        return np.asarray(values[first] - ratio * values[second] + widths * error)

    low, high = (np.array([t_quantile(level, float(d)) for d in degrees]) for level in (lower, upper))
    return (lambda ratio: room(ratio, -low)), (lambda ratio: room(ratio, high))
