"""How often a share of rows that come in days or groups passes, by the judge's rule: the jackknife's t interval over
blocks, and Wilson's beside it.

Hits of a block are beta-binomial, and so are the outcomes that it has of the rows. Days of few hits pull the share down
and the width of its interval up at once; Edgeworth's terms of the blocks' own moments say by how much, up to the
second order (Hall 1992, 2.4). Simulations agree within a point wherever `is_rough` does not say otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from mlc_compiler.metrics import MAX_BLOCKS
from mlc_compiler.probability import normal_cdf, normal_quantile, spread_cdf, t_quantile
from mlc_compiler.records import dataclass

_CELLS = 48
_FAR = 6.0
_WIDEST = 0.99  # of an intraclass correlation: at 1 a beta has no density
_LEAST = 1e-4
_FEW_MISSES = 12.0
_ROUGH = 0.175
_NODES = ((-math.sqrt(3), 1 / 6), (0.0, 2 / 3), (math.sqrt(3), 1 / 6))  # Gauss and Hermite's of three points


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Yes-or-no outcomes in blocks: how many, of how many rows in how many days or groups, and how alike those are."""

    count: int
    rows: int
    units: int
    icc: float


@dataclass(frozen=True, slots=True)
class _Block:
    """Moments of what one block brings to a share: its hits less those that its outcomes have on average.

    `error` is the standard deviation, over the mean number of outcomes. `kurtosis` is given how many outcomes blocks
    have; by how much those vary, `sizes`, and the variances that go with them, `weights`, both squared and relative,
    and `pull` is the covariance of the two. `empty` is the chance of a block without outcomes.
    """

    error: float
    skewness: float
    kurtosis: float
    sizes: float
    weights: float
    pull: float
    empty: float


@lru_cache(maxsize=8192)
def share_pass_probability(limit: float, value: float, of: Outcomes, confidence: float, *, higher: bool) -> float:
    """Return the chance that a share of this true value clears a `min`, or a `max`, at the confidence."""
    if of.units < 2 or of.count < 1:
        return 0.0
    if not 0 < limit < 1 or not 0 < value < 1:
        return float(limit <= value if higher else limit >= value)
    block = _block(of.count / of.rows, of.rows / of.units, value, min(of.icc, _WIDEST))
    floor = _floor(limit if higher else 1 - limit, of, confidence)
    share = _Share(limit, value, block, of.units, confidence, floor if higher else 1 - floor, higher)
    apart = block.weights - 4 * block.pull + 4 * block.sizes  # of samples' true variances
    spread = math.sqrt(max(apart, 0.0) / of.units)
    found = sum(weight * share.passes(math.exp((spread * y - spread * spread / 2) / 2)) for y, weight in _NODES)
    return min(max(found, 0.0), 1.0)


def is_rough(value: float, of: Outcomes, *, higher: bool) -> bool:
    """Tell whether moments do not say to a point how often a share passes: few misses, or few days and uneven ones."""
    if of.units < 2 or of.count < 1 or not 0 < value < 1:
        return False
    if of.count * min(value, 1 - value) < _FEW_MISSES:
        return True
    block = _block(of.count / of.rows, of.rows / of.units, value, min(of.icc, _WIDEST))
    first, second = _bends(value, block, of.units) if higher else (0.0, 0.0)
    return abs(first) + second + 0.75 * _noise(block, of.units, of.units) > _ROUGH


def _floor(limit: float, of: Outcomes, confidence: float) -> float:
    """Return the least share whose Wilson bound reaches the limit; of all rows, which can be counted, in whole ones."""
    z = normal_quantile((1 + confidence) / 2)
    least = of.count * limit + z * math.sqrt(of.count * limit * (1 - limit))
    return (math.ceil(least - 1e-9) - 0.5 if of.count >= of.rows else least) / of.count


@dataclass(frozen=True, slots=True)
class _Share:
    """A share of a true value and what it has to clear: its limit by the jackknife, and the floor by Wilson."""

    limit: float
    value: float
    block: _Block
    units: int
    confidence: float
    floor: float
    higher: bool

    def passes(self, factor: float) -> float:
        """Return the chance of passing where the true error is that of moments times a factor."""
        block, blocks = self.block, min(self.units, MAX_BLOCKS)
        informing = max(blocks * (1 - block.empty), 2.0)
        t = t_quantile((1 + self.confidence) / 2, max(round(informing) - 1, 1))
        error = factor * block.error / math.sqrt(self.units)
        degrees = 2 / max(_noise(block, self.units, informing), _LEAST)
        skew, kurt = block.skewness / math.sqrt(self.units), block.kurtosis / self.units
        side = 1 if self.higher else -1
        start = max(side * (self.limit - self.value) / error, side * (self.floor - self.value) / error, -_FAR)
        if start >= _FAR:
            return 0.0
        step, total = (_FAR - start) / _CELLS, 0.0
        before = _edgeworth(side * start, skew, kurt)
        for cell in range(1, _CELLS + 1):
            after = _edgeworth(side * (start + cell * step), skew, kurt)
            z = side * (start + (cell - 0.5) * step)
            total += abs(after - before) * self._clears(z, error, t, degrees)
            before = after
        return total

    def _clears(self, z: float, error: float, t: float, degrees: float) -> float:
        """Return the chance that the interval of a share so many errors from its true value clears the limit."""
        shown = self.value + z * error
        if not 0 < shown < 1:
            return 1.0
        nearer = shown / self.value if shown < self.value else (1 - shown) / (1 - self.value)
        variance = max(self._variance(z), nearer * nearer) + self.block.sizes / self.units
        if not self.higher:
            return spread_cdf((self.limit - shown) / (t * error * math.sqrt(variance)), degrees)
        first, second = _bends(shown, self.block, min(self.units, MAX_BLOCKS))
        variance *= max(1 + first * math.sqrt(variance) + second * variance, _LEAST)
        room = (_logit(shown) - _logit(self.limit)) * shown * (1 - shown)
        return spread_cdf(room / (t * error * math.sqrt(variance)), degrees)

    def _variance(self, z: float) -> float:
        """Return the variance that the jackknife finds on average, over the true one, given what shows."""
        block = self.block
        curved = (block.kurtosis - block.skewness**2) / 2 + max(block.weights - 2 * block.pull + block.sizes, 0.0)
        return 1 + block.skewness / math.sqrt(self.units) * z + curved / self.units * (z * z - 1)


def _noise(block: _Block, units: int, blocks: float) -> float:
    """Return the relative variance of the jackknife's variance: that of a chi-square is 2 over its degrees."""
    return 2 / (blocks - 1) + (2 * block.weights + block.kurtosis - block.skewness**2) / units


def _bends(shown: float, block: _Block, blocks: int) -> tuple[float, float]:
    """Return how much wider the bent logit scale makes the interval, by the third and the fourth moments of blocks."""
    inside, step = shown * (1 - shown), block.error / blocks
    second, third = (2 * shown - 1) / inside, 2 * (1 - 3 * inside) / (inside * inside)
    excess = 2 * block.weights + block.kurtosis
    return -second * block.skewness * step, (second * second / 4 * (excess + 2) + third / 3 * (excess + 3)) * step**2


def _edgeworth(z: float, skew: float, kurt: float) -> float:
    density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    second = kurt / 24 * (z**3 - 3 * z) + skew * skew / 72 * (z**5 - 10 * z**3 + 15 * z)
    return normal_cdf(z) - density * (skew / 6 * (z * z - 1) + second)


# --- moments of one block --------------------------------------------------------------------------------------------
@lru_cache(maxsize=4096)
def _block(share: float, rows: float, value: float, icc: float) -> _Block:
    """Return the moments of a block of so many rows, a share of which are outcomes: k - n p with n and k random."""
    e, n = _beta_moments(value, icc), _outcomes(share, rows, icc)
    apart, yes_no, turned = [-value, 1.0], [0.0, 1.0, -1.0], [1.0, -2.0]
    squared, thirds = _times(apart, apart), _times(yes_no, turned)
    own, daily = _mean(yes_no, e), _mean(squared, e)
    both = _mean(_times(yes_no, yes_no), e)
    variance = n[1] * own + n[2] * daily
    third = (
        n[1] * _mean(thirds, e) + 3 * n[2] * _mean(_times(yes_no, apart), e) + n[3] * _mean(_times(squared, apart), e)
    )
    fourth = n[1] * (own - 6 * both) + n[2] * (3 * both + 4 * _mean(_times(thirds, apart), e))
    fourth += 6 * n[3] * _mean(_times(yes_no, squared), e) + n[4] * _mean(_times(squared, squared), e)
    squares = own * own * n[2] + 2 * own * daily * n[3] + daily * daily * n[4]
    return _Block(
        math.sqrt(variance) / n[1],
        third / math.pow(variance, 1.5),
        (fourth - 3 * squares) / (variance * variance),
        n[2] / (n[1] * n[1]) - 1,
        squares / (variance * variance) - 1,
        (own * n[2] + daily * n[3]) / (variance * n[1]) - 1,
        0.0 if share >= 1 else _empty(share, rows, icc),
    )


def _beta_moments(mean: float, icc: float) -> list[float]:
    """Return E[r^i] of the chance that a day has, to the fourth."""
    found, size = [1.0], 1 / icc - 1 if icc else 0.0
    for i in range(4):
        found.append(found[-1] * ((mean * size + i) / (size + i) if icc else mean))
    return found


def _outcomes(share: float, rows: float, icc: float) -> list[float]:
    """Return E[n^i] of the outcomes that a block has, to the fourth: all its rows, or beta-binomially many."""
    if share >= 1:
        return [rows**i for i in range(5)]
    falling, moments = [1.0], _beta_moments(share, icc)
    for i in range(4):
        falling.append(falling[-1] * max(rows - i, 0.0))
    one, two, three, four = (f * m for f, m in zip(falling[1:], moments[1:], strict=True))
    return [1.0, one, two + one, three + 3 * two + one, four + 6 * three + 7 * two + one]


def _empty(share: float, rows: float, icc: float) -> float:
    """Return the chance of a block without an outcome."""
    if not icc:
        return math.pow(1 - share, rows)
    size = 1 / icc - 1
    other = (1 - share) * size
    return math.exp(math.lgamma(other + rows) + math.lgamma(size) - math.lgamma(other) - math.lgamma(size + rows))


def _times(left: Sequence[float], right: Sequence[float]) -> list[float]:
    """Return the product of two polynomials, by their coefficients from the constant on."""
    found = [0.0] * (len(left) + len(right) - 1)
    for i, x in enumerate(left):
        for j, y in enumerate(right):
            found[i + j] += x * y
    return found


def _mean(polynomial: Sequence[float], moments: Sequence[float]) -> float:
    return sum(c * e for c, e in zip(polynomial, moments, strict=False))


def _logit(p: float) -> float:
    return math.log(p / (1 - p))
