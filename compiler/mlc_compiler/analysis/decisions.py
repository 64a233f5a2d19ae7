"""How a rollout decides: P(abort) by Argo's counting rule, and the smallest failure limit and holds that decide well.

A step aborts on the failure after `failure_limit`. Where windows only touch, measurements are independent and the
number of failures is binomial. Where they overlap, one error fails several measurements: no formula is exact, so
bounds are given. Every k-th measurement shares nothing (from below), and if more than `limit` fail, then of one of the
k such series more than limit // k do (from above).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from mlc_compiler.probability import binomial_sf, normal_cdf, poisson_cdf
from mlc_compiler.records import dataclass

FALSE_ABORTS = 0.05
MISSES = 0.20
LONGEST_HOLD = 14 * 86_400.0
_EXACT = 20_000
_FEW = 50.0


@dataclass(frozen=True, slots=True)
class Chance:
    """A probability, or the bounds that it lies between."""

    low: float
    high: float

    @property
    def exact(self) -> bool:
        return self.low == self.high


@dataclass(frozen=True, slots=True)
class Trial:
    """A step: measurements, and the probabilities that one fails for a healthy and for a harmful version."""

    count: int
    healthy: float | None
    harmful: float


@dataclass(frozen=True, slots=True)
class Solution:
    """A failure limit and how many times as long to hold, with what comes of them."""

    failure_limit: int
    longer: float
    false_abort: float
    miss: float


@lru_cache(maxsize=4096)
def aborts(count: int, fails: float, limit: int, overlap: int = 1) -> Chance:
    """Return P(abort) of one step."""
    if overlap <= 1:
        chance = _more_than(limit, count, fails)
        return Chance(chance, chance)
    apart = -(-count // overlap)
    low = _more_than(limit, apart, fails)
    return Chance(low, max(low, min(1.0, overlap * _more_than(limit // overlap, apart, fails))))


def any_abort(trials: Sequence[tuple[int, float]], limit: int, overlap: int = 1) -> Chance:
    """Return P(abort) of a rollout whose steps have these measurements, each of which fails with that probability."""
    steps = [aborts(count, fails, limit, overlap) for count, fails in trials]
    return Chance(1.0 - math.prod(1.0 - s.low for s in steps), 1.0 - math.prod(1.0 - s.high for s in steps))


def measurements_to_abort(fails: float, limit: int) -> float:
    """Return how many measurements it takes on average until one more than the limit has failed."""
    return (limit + 1) / fails if fails > 0 else math.inf


def solve(trials: Sequence[Trial], longest: float) -> Solution | None:
    """Return the smallest factor on all holds, and the smallest failure limit with it, that decide well.

    `longest` is the longest hold of the steps now. None where two weeks of holding do not tell one from the other.
    """
    if found := _with(trials, 1.0):
        return found
    low, high = 1.0, 2.0
    while (found := _with(trials, high)) is None:
        low, high = high, high * 2
        if high * longest > LONGEST_HOLD or high * max(t.count for t in trials) > _EXACT:
            return None
    while high - low > 0.05 * high:
        middle = (low + high) / 2
        better = _with(trials, middle)
        low, high, found = (low, middle, better) if better else (middle, high, found)
    return found


def _with(trials: Sequence[Trial], longer: float) -> Solution | None:
    """Return the smallest failure limit that decides well with holds so many times as long, None without one."""
    counts = [math.floor(t.count * longer + 1e-9) for t in trials]
    least, most = 0, min(counts) - 1
    while least < most:  # false aborts fall with the limit
        middle = (least + most) // 2
        least, most = (least, middle) if _false(trials, counts, middle) <= FALSE_ABORTS else (middle + 1, most)
    false_abort = _false(trials, counts, least)
    miss = 1.0 - any_abort([(c, t.harmful) for c, t in zip(counts, trials, strict=True)], least).low
    fits = least >= 0 and false_abort <= FALSE_ABORTS and miss <= MISSES
    return Solution(least, longer, false_abort, miss) if fits else None


def _false(trials: Sequence[Trial], counts: Sequence[int], limit: int) -> float:
    known = [(c, t.healthy) for c, t in zip(counts, trials, strict=True) if t.healthy is not None]
    return any_abort(known, limit).low


def _more_than(limit: int, count: int, fails: float) -> float:
    """Return P(more than `limit` of `count` fail); of very many by a Poisson or normal distribution."""
    if limit >= count or fails <= 0:
        return 0.0
    if fails >= 1:
        return 1.0
    if count <= _EXACT:
        return binomial_sf(limit, count, fails)
    mean = count * fails
    if mean < _FEW:
        return 1.0 - poisson_cdf(min(limit, 1000), mean)
    return 1.0 - normal_cdf((limit + 0.5 - mean) / math.sqrt(mean * (1.0 - fails)))
