"""Two-sided intervals from blocks: which bound a gate may rely on when rows of one day are not independent.

Methods, chosen by simulation of day-correlated scores (coverage of the 95 % interval at 5, 12, 55 days; both classes
and the level drifting by day): delete-one-block jackknife with Student's t on blocks - 1 degrees covered
.93, .92, .94 (roc_auc) and .94, .94, .95 (brier); percentile bootstrap .74, .85, .92 and .81, .92, .95; BCa about the
same as percentile; percentile at widened levels (Hesterberg 2015) .85, .90, .93. So smooth statistics take the
jackknife (on the logit scale where higher is better in [0, 1], which keeps bounds inside and gains .005 to .02), and
those that jump between resamples (medians, smallest over largest) the bootstrap at Hesterberg's widened levels.
"""

from __future__ import annotations

import hashlib
import math

import numpy as np
from numpy.random import PCG64, Generator, SeedSequence

from mlc_compiler.metrics import MAX_BLOCKS, MIN_BLOCKS, RESAMPLES
from mlc_compiler.records import dataclass
from mlc_targets.local.gates.evaluation import Array, Codes
from mlc_targets.local.gates.statistic import Statistic

MAX_UNDEFINED = 0.01


@dataclass(frozen=True, slots=True)
class Bounds:
    """The ends of an interval; NaN with a reason where there is none."""

    low: float
    high: float
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """The block of each row (0 to `count` - 1), in how many units of what: 55 days, 8,000 rows.

    Independent units beyond MAX_BLOCKS are dealt at random into MAX_BLOCKS blocks: the spread between blocks of
    independent rows estimates the same variance, and 200 degrees of freedom lose 0.6 % of width.
    """

    codes: Codes
    count: int
    units: int
    unit: str

    @property
    def independent_rows(self) -> bool:
        return self.unit == "rows"


def generator(seed: int, key: str) -> Generator:
    """Return random numbers that depend on the seed and the name of what they are for, and on nothing else."""
    digest = hashlib.sha256(key.encode()).digest()
    return Generator(PCG64(SeedSequence([seed, int.from_bytes(digest[:8], "big")])))


def blocks_of(values: np.ndarray | None, rows: int, unit: str, seed: int) -> Blocks:
    """Return the blocks of rows; without values every row is its own."""
    if values is None:
        codes, units, unit = np.arange(rows, dtype=np.int64), rows, "rows"
    else:
        _, codes = np.unique(values, return_inverse=True)
        units = int(codes.max()) + 1 if rows else 0
    if units > MAX_BLOCKS:
        deal = generator(seed, f"blocks {units}").permutation(units) % MAX_BLOCKS
        codes = deal[codes]
    return Blocks(codes, min(units, MAX_BLOCKS), units, unit)


def bounds(
    statistic: Statistic, confidence: float, limits: tuple[float | None, float | None], seed: Generator,
    *, independent: bool = False, logit: bool = False,
) -> Bounds:  # fmt: skip
    """Return the two-sided interval of a statistic, inside the metric's limits.

    A proportion of independent rows takes Wilson's interval; of blocks, the wider of both at each end, because no
    resample can show a mistake that the rows have not made yet. The same holds at 0 and 1 for values in [0, 1].
    """
    value = statistic.value
    if not math.isfinite(value):
        return Bounds(math.nan, math.nan, "the value is undefined")
    exact = _wilson_of(statistic, value, confidence)
    if independent and statistic.proportion:
        return exact
    if statistic.support < MIN_BLOCKS:
        return Bounds(math.nan, math.nan, f"{statistic.support} blocks inform it; an interval needs {MIN_BLOCKS}")
    found = (
        _jackknife(statistic, value, confidence, logit) if statistic.smooth else _bootstrap(statistic, confidence, seed)
    )
    if found.reason:
        return found
    if statistic.proportion or (statistic.trials and value in (0.0, 1.0)):
        found = Bounds(min(found.low, exact.low), max(found.high, exact.high))
    return _inside(found, limits)


def wilson(successes: float, trials: float, confidence: float) -> Bounds:
    """Return Wilson's score interval of a proportion (Wilson 1927; Brown, Cai, DasGupta 2001)."""
    from scipy import stats  # the monitor computes metrics in images without scipy, and needs no interval

    if trials <= 0:
        return Bounds(math.nan, math.nan, "there are no trials")
    z = float(stats.norm.ppf((1 + confidence) / 2))
    share, shrink = successes / trials, 1 + z * z / trials
    centre = (share + z * z / (2 * trials)) / shrink
    half = z / shrink * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return Bounds(0.0 if share <= 0 else centre - half, 1.0 if share >= 1 else centre + half)


def quantile_bounds(values: Array, quantile: float, confidence: float) -> tuple[float, Bounds]:
    """Return a quantile (an observed value) and its distribution-free interval between order statistics.

    The number of values below the true quantile is binomial, whatever their distribution (Conover 1999, 3.2).
    """
    from scipy import stats

    ordered = np.sort(values)
    n, tail = len(ordered), (1 - confidence) / 2
    value = float(ordered[max(math.ceil(quantile * n) - 1, 0)])
    lower = int(stats.binom.ppf(tail, n, quantile)) - 1
    upper = int(stats.binom.isf(tail, n, quantile))
    low = float(ordered[lower]) if lower >= 0 else -math.inf
    if upper < n:
        return value, Bounds(low, float(ordered[upper]))
    needed = math.ceil(math.log(tail) / math.log(quantile))
    return value, Bounds(low, math.inf, f"{n:,} timings cannot bound this quantile from above; {needed:,} can")


def _wilson_of(statistic: Statistic, value: float, confidence: float) -> Bounds:
    trials = statistic.trials or 0.0
    return wilson(value * trials, trials, confidence)


def _jackknife(statistic: Statistic, value: float, confidence: float, logit: bool) -> Bounds:
    """Return value -+ t s, s from the values without each block in turn (Tukey 1958; clusters: Obuchowski 1997)."""
    from scipy import stats

    values = statistic.without_each()
    values = values[np.any(statistic.sums != 0, axis=1)]
    if not np.isfinite(values).all():
        return Bounds(math.nan, math.nan, "without one of the blocks it is undefined")
    t = float(stats.t.ppf((1 + confidence) / 2, statistic.support - 1))
    if logit and 0 < value < 1 and values.min() > 0 and values.max() < 1:
        half = t * _spread(np.log(values / (1 - values)))
        return Bounds(_moved(value, -half), _moved(value, half))
    half = t * _spread(values)
    return Bounds(value - half, value + half)


def _spread(values: Array) -> float:
    """Return the jackknife's standard error from leave-one-out values."""
    n = len(values)
    return math.sqrt((n - 1) / n * float(((values - values.mean()) ** 2).sum()))


def _moved(value: float, by: float) -> float:
    """Return a value in (0, 1) moved on the logit scale."""
    return 1 / (1 + (1 - value) / value * math.exp(-by))


def _bootstrap(statistic: Statistic, confidence: float, seed: Generator) -> Bounds:
    """Return percentiles over resampled blocks, at levels widened for the number of blocks (Hesterberg 2015, 5.2)."""
    from scipy import stats

    count, support = len(statistic.sums), statistic.support
    weights = seed.multinomial(count, np.full(count, 1 / count), size=RESAMPLES).astype(np.float64)
    values = statistic.resampled(weights)
    defined = values[np.isfinite(values)]
    if len(defined) < (1 - MAX_UNDEFINED) * RESAMPLES:
        share = 100 * (1 - len(defined) / RESAMPLES)
        return Bounds(math.nan, math.nan, f"it is undefined in {share:.0f} % of the resamples")
    t = float(stats.t.ppf((1 + confidence) / 2, support - 1))
    level = float(stats.norm.cdf(-math.sqrt(support / (support - 1)) * t))
    low, high = np.quantile(defined, [level, 1 - level])
    return Bounds(float(low), float(high))


def _inside(found: Bounds, limits: tuple[float | None, float | None]) -> Bounds:
    low, high = limits
    return Bounds(
        found.low if low is None else max(found.low, low), found.high if high is None else min(found.high, high)
    )
