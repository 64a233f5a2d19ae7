"""How often a ratio of two groups' rates passes, by the very rule of the run's judge: the score test of each pair of
groups where rows are independent, and the jackknife's t test beside it where they come in days or groups.

What the two groups show is summed over exactly, binomial by binomial; of rows that vary together by day it is normal.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache

from mlc_compiler.metrics import MAX_BLOCKS
from mlc_compiler.probability import chi_square_quantile, normal_cdf, normal_quantile, t_quantile
from mlc_compiler.records import dataclass

_PARTS = 16
_SHOWN = 120  # counts of the second group that are looked at one by one; of more, the middle of each stretch
_COARSE = 40
_FEW_DEGREES = 10
_EQUAL = 20
_FAR = 5.2
_FLOOR = 1e-12
_CERTAIN = 2.0
_MANY = 30  # hits and misses from which on the logarithm of a rate is nearly normal
_NODES = (
    (0.0, 0.4571428571428571),
    (1.154405394739968, 0.2401231786050127),
    (2.366759410734541, 0.030757123967586),
    (3.750439717725742, 0.0005482688559722),
)  # Gauss and Hermite's of seven points, those of one side


@dataclass(frozen=True, slots=True)
class Clusters:
    """Days or groups of rows: how many there are, and how rows of one vary together.

    `effects` are how many times the variance of independent rows both rates have, `shared` is the intraclass
    correlation of rows of the two groups in one day.
    """

    units: int
    effects: tuple[float, float] = (1.0, 1.0)
    shared: float = 0.0


Pair = tuple[float, float]
Counts = tuple[int, int]
Widths = tuple[Pair, ...]  # values with their weights


@lru_cache(maxsize=8192)
def ratio_pass_probability(
    limit: float, rates: Pair, counts: Counts, confidence: float, clusters: Clusters | None = None
) -> float:
    """Return the chance that the smaller of two rates over the larger passes `min: limit`; no clusters: single rows."""
    if limit <= 0:
        return 1.0
    if limit >= 1 or min(counts) < 1:
        return 0.0
    z = normal_quantile((1 + confidence) / 2)
    if clusters is None:
        return 1.0 if _surely(limit, rates, counts, (1.0, 1.0), z) else _summed(limit, rates, counts, z, ())
    blocks = max(min(clusters.units, MAX_BLOCKS), 2)
    informing = blocks * (1 - (1 - 1 / blocks) ** min(counts))
    t = t_quantile((1 + confidence) / 2, max(round(informing) - 1, 1))
    if _surely(limit, rates, counts, clusters.effects, t):
        return 1.0
    widths = tuple((t * spread, weight) for spread, weight in _spreads(blocks - 1))
    if max(clusters.effects) > 1:
        return _clustered(limit, rates, counts, clusters, widths, z)
    return _summed(limit, rates, counts, z, widths)


def _surely(limit: float, rates: Pair, counts: Counts, effects: Pair, width: float) -> bool:
    """Tell cheaply of rates far inside of the limit, both ways, that they pass nearly always."""
    sizes = [count / effect for count, effect in zip(counts, effects, strict=True)]
    if min(size * min(rate, 1 - rate) for rate, size in zip(rates, sizes, strict=True)) < _MANY:
        return False
    error = math.sqrt(sum((1 - rate) / (rate * size) for rate, size in zip(rates, sizes, strict=True)))
    room = -math.log(limit) - abs(math.log(rates[0] / rates[1]))
    return room >= (2 * width + _CERTAIN) * error


def rate_rows_needed(
    limit: float, rates: Pair, other: int, confidence: float, clusters: Callable[[int], Clusters | None], wanted: float
) -> int | None:  # fmt: skip
    """Return the rows that the smaller group needs for a ratio to pass often enough; None: more than the other.

    `clusters` tells how so many rows of it vary together.
    """
    low, high = 1, max(other, 1)
    if ratio_pass_probability(limit, rates, (high, other), confidence, clusters(high)) < wanted:
        return None
    while high - low > max(1, high // 100):
        middle = (low + high) // 2
        enough = ratio_pass_probability(limit, rates, (middle, other), confidence, clusters(middle)) >= wanted
        low, high = (low, middle) if enough else (middle, high)
    return high


@lru_cache(maxsize=256)
def _spreads(degrees: int) -> Widths:
    """Return values of an estimated standard error over the true one with their weights (Wilson and Hilferty 1931)."""
    if degrees < _FEW_DEGREES:
        quantiles = (chi_square_quantile((i + 0.5) / _EQUAL, degrees) for i in range(_EQUAL))
        return tuple((math.sqrt(quantile / degrees), 1 / _EQUAL) for quantile in quantiles)
    spread = 2 / (9 * degrees)
    nodes = [(side * node, weight) for node, weight in _NODES for side in ((-1, 1) if node else (1,))]
    return tuple((max(1 - spread + node * math.sqrt(spread), 0.0) ** 1.5, weight) for node, weight in nodes)


# --- rows that do not vary together ----------------------------------------------------------------------------------
def _summed(limit: float, rates: Pair, counts: Counts, z: float, widths: Widths) -> float:
    """Sum over what the smaller group shows, as the second: the other passes between two counts of its own."""
    if counts[1] > counts[0]:
        rates, counts = rates[::-1], counts[::-1]
    first, total = _Binomial(counts[0], rates[0]), 0.0
    ends = _Ends(limit, counts, z, first.low, first.high)
    for hits, weight in _Binomial(counts[1], rates[1]).stretches(coarse=bool(widths)):
        least, most = ends.least(hits), ends.most(hits)
        if least > most:
            continue
        share = hits / counts[1]
        if not widths:
            total += weight * first.between(least, most)
            continue
        for width, part in widths:
            low, high = _jackknifed(limit, share, counts, width)
            total += weight * part * first.between(max(least, low), min(most, high))
    return min(max(total, 0.0), 1.0)


class _Binomial:
    """A binomial variable in the range where it has any weight; nothing beyond `_FAR` standard deviations."""

    def __init__(self, count: int, chance: float) -> None:
        middle, spread = count * chance, math.sqrt(count * chance * (1 - chance))
        self.low = max(math.floor(middle - _FAR * spread) - 3, 0)
        self.high = min(math.ceil(middle + _FAR * spread) + 3, count)
        self.below = [0.0]
        logit = math.log(chance) - math.log1p(-chance)
        log = math.lgamma(count + 1) - math.lgamma(self.low + 1) - math.lgamma(count - self.low + 1)
        term = math.exp(log + self.low * logit + count * math.log1p(-chance))
        odds = math.exp(logit)
        for k in range(self.low, self.high + 1):
            self.below.append(self.below[-1] + term)
            term *= (count - k) / (k + 1) * odds

    def between(self, least: int, most: int) -> float:
        """Return P(least <= X <= most)."""
        least, most = max(least, self.low), min(most, self.high)
        return self.below[most - self.low + 1] - self.below[least - self.low] if least <= most else 0.0

    def stretches(self, *, coarse: bool) -> Iterator[tuple[float, float]]:
        """Yield the middle of each stretch of values with its probability: of single values where there are few."""
        values = self.high - self.low + 1
        step = values // _COARSE | 1 if coarse or values > _SHOWN else 1  # odd: its middle is a count
        for k in range(self.low, self.high + 1, step):
            last = min(k + step - 1, self.high)
            weight = self.between(k, last)
            if weight > _FLOOR:
                yield (k + last) / 2, weight


class _Ends:
    """The counts of the first group between which neither group is below the limit by the score test.

    They are asked for by rising hits of the second group, and looked for beside those before: they rise with them.
    """

    def __init__(self, limit: float, counts: Counts, z: float, low: int, high: int) -> None:
        self._limit, self._counts, self._z = limit, counts, z
        self._low, self._high = low, high
        self._before: dict[bool, Pair] = {}

    def least(self, hits: float) -> int:
        """Return the least count of the first group that the test does not hold for below the limit."""
        limit, counts, z = self._limit, self._counts, self._z
        slope = limit * counts[0] / counts[1]
        return self._first(False, hits, slope, lambda k: score(limit, (k, hits), counts) >= z)

    def most(self, hits: float) -> int:
        """Return the largest count of the first group with which the second is not below the limit either."""
        limit, counts, z = self._limit, self._counts[::-1], self._z
        slope = self._counts[0] / self._counts[1] / limit
        return self._first(True, hits, slope, lambda k: score(limit, (hits, k), counts) < z) - 1

    def _first(self, upper: bool, hits: float, slope: float, holds: Callable[[int], bool]) -> int:
        """Return the first count of which it holds, above the range where it holds of none in it."""
        at, before = self._before.get(upper, ((self._low + self._high) / 2, hits))
        guess, step = min(max(round(at + slope * (hits - before)), self._low), self._high), 1
        above = guess if holds(guess) else guess + 1
        if above == guess:
            while above > self._low and holds(max(above - step, self._low)):
                above, step = max(above - step, self._low), 2 * step
            below = max(above - step, self._low - 1)
        else:
            below = guess
            while above <= self._high and not holds(above):
                below, above, step = above, min(above + step, self._high + 1), 2 * step
        while above - below > 1:
            middle = (below + above) // 2
            below, above = (below, middle) if holds(middle) else (middle, above)
        self._before[upper] = (float(above), hits)
        return above


def score(ratio: float, hits: Pair, counts: Counts) -> float:
    """Return how many errors the first rate lies above the ratio times the second, at the likeliest rates there.

    Koopman 1984; Miettinen and Nurminen 1985.
    """
    (k, j), (n, m) = hits, counts
    apart = k / n - ratio * j / m
    linear = k + ratio * j + ratio * n + m
    root = math.sqrt(max(linear * linear - 4 * ratio * (n + m) * (k + j), 0.0))
    likeliest = min(2 * (k + j) / (linear + root), 1.0)
    own = min(ratio * likeliest, 1.0)
    error = math.sqrt(own * (1 - own) / n + ratio * ratio * likeliest * (1 - likeliest) / m)
    return apart / error if error > 0 else math.copysign(math.inf, apart)


def _jackknifed(limit: float, share: float, counts: Counts, width: float) -> tuple[int, int]:
    """Return between which counts the first group passes by so many of the blocks' errors."""
    low, high = _roots(limit, share, counts, width, (0.0, 0.0))
    return math.ceil(counts[0] * low - 1e-9), math.floor(counts[0] * min(high, 1.0) + 1e-9)


def _roots(limit: float, share: float, counts: Counts, width: float, more: Pair) -> Pair:
    """Return the rates between which the first group passes: roots of quadratics, for its error is that of the rate.

    `more` is what days add to the variance of either difference.
    """
    square = width * width
    c, other = square / max(counts[0] - 1, 1), share * (1 - share) / max(counts[1] - 1, 1)
    linear, free = 2 * limit * share + c, limit * limit * share * share - square * (limit * limit * other + more[0])
    low = (linear + math.sqrt(max(linear * linear - 4 * (1 + c) * free, 0.0))) / (2 * (1 + c))
    linear, free = 2 * share + c * limit, share * share - square * (other + more[1])
    inside = linear * linear - 4 * (1 + c) * free
    return low, (linear - math.sqrt(inside)) / (2 * (1 + c)) / limit if inside > 0 else 1.0


# --- rows that vary together -----------------------------------------------------------------------------------------
def _clustered(
    limit: float, rates: Pair, counts: Counts, clusters: Clusters, widths: Widths, z: float
) -> float:  # fmt: skip
    """Return the chance where rows of a day vary together: rates are normal, and so correlated as their days are."""
    (p, q), total = rates, 0.0
    own, other = p * (1 - p) * clusters.effects[0] / counts[0], q * (1 - q) * clusters.effects[1] / counts[1]
    both = clusters.shared / max(clusters.units, 1) * math.sqrt(p * (1 - p) * q * (1 - q))
    days, others = own - p * (1 - p) / counts[0], other - q * (1 - q) / counts[1]
    more = (
        days - 2 * limit * both + limit * limit * others,
        limit * limit * days - 2 * limit * both + others,
    )
    rest = math.sqrt(max(own - both * both / other, _FLOOR))
    ends = _Ends(limit, counts, z, 0, counts[0])
    for part in range(_PARTS):
        apart = normal_quantile((part + 0.5) / _PARTS) * math.sqrt(other)
        share, middle = min(max(q + apart, 0.0), 1.0), p + both / other * apart
        least = (ends.least(share * counts[1]) - 0.5) / counts[0]
        most = (ends.most(share * counts[1]) + 0.5) / counts[0]
        for width, weight in widths:
            low, high = _roots(limit, share, counts, width, more)
            low, high = max(low, least), min(high, most)
            total += weight * max(normal_cdf((high - middle) / rest) - normal_cdf((low - middle) / rest), 0.0)
    return min(total / _PARTS, 1.0)
