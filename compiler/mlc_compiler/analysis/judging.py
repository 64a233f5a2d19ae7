"""What the run's judge will decide, in probability: its own intervals (targets' local gates), reckoned beforehand.

A smooth metric takes the jackknife with Student's t, on the logit scale where more is better in [0, 1]; a share of
independent rows takes Wilson's interval; a fairness ratio takes percentiles of resamples. Simulations of the judge
agree within one point (`tests/unit/analysis/test_power.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from mlc_compiler.analysis.standard_errors import Rows, is_proportion, standard_error, trials
from mlc_compiler.metrics import MAX_BLOCKS, RESAMPLES, Metric
from mlc_compiler.probability import (
    binomial_sf,
    chi_square_cdf,
    chi_square_quantile,
    noncentral_t_sf,
    normal_cdf,
    normal_quantile,
    t_quantile,
)

_HALVINGS = 40
_PARTS = 25
_STEPS = 4
_NEARLY = 1 - 1e-9
_MOST_ROWS = 1e5


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit of a metric at a confidence: the careful end of the two-sided interval has to clear it."""

    metric: str
    limit: float
    higher: bool  # more is better: the limit is a `min`
    logit: bool
    confidence: float


def bound_of(metric: Metric, limit: float, confidence: float, lower_side: bool) -> Bound:
    """Return the bound of a check; the logit scale is the judge's for what is better higher in [0, 1]."""
    return Bound(metric.name, limit, lower_side, metric.better == "higher" and metric.low == 0, confidence)


def degrees(metric: str, rows: Rows) -> int:
    """Return the degrees of freedom: the blocks that are expected to inform the metric, less one."""
    blocks = min(rows.units, MAX_BLOCKS)
    count = trials(metric, rows)
    if rows.unit == "rows" and rows.units <= MAX_BLOCKS:
        return max(count - 1, 1)
    informing = blocks * (1 - (1 - 1 / blocks) ** count) if blocks > 1 else 1
    return max(round(informing) - 1, 1)


def informing_units(metric: str, rows: Rows) -> int:
    """Return at most how many days, groups or rows can inform a metric: no more than it has outcomes."""
    return min(rows.units, trials(metric, rows))


def takes_wilson(metric: str, rows: Rows) -> bool:
    """Tell whether the judge bounds a metric as a share of independent rows, which needs no blocks."""
    return rows.unit == "rows" and is_proportion(metric)


def surely_passes(bound: Bound, value: float, rows: Rows) -> bool:
    """Tell cheaply of a value far inside of the bound that it passes nearly always."""
    t = t_quantile((1 + bound.confidence) / 2, degrees(bound.metric, rows))
    return bound.limit <= 0 or (room(bound, value, rows) or 0.0) >= 2 * t + 2


@lru_cache(maxsize=8192)
def pass_probability(bound: Bound, value: float, rows: Rows) -> float | None:
    """Return the probability that a model of this true value passes, None where row counts do not tell it.

    The interval's width is itself an estimate: it is averaged over the spread that its degrees of freedom give it, and
    it is that of the value which shows, not of the true one.
    """
    error = standard_error(bound.metric, value, rows)
    if error is None or not error:
        return None if error is None else float(value >= bound.limit if bound.higher else value <= bound.limit)
    if bound.logit and not 0 < bound.limit < 1:
        return float(bound.limit <= 0)
    shown = _shown(bound, value, rows, error)
    if takes_wilson(bound.metric, rows):
        return shown(bound.limit)  # the Wilson bound alone
    df = degrees(bound.metric, rows)
    t = t_quantile((1 + bound.confidence) / 2, df)
    return sum(shown(critical_value(bound, t * s, rows)) for s in _spreads(df)) / _PARTS


def critical_value(bound: Bound, width: float, rows: Rows) -> float:
    """Return the worst value shown whose interval of so many standard errors still clears the bound."""
    inside = bound.limit + (1 - bound.limit) * _NEARLY if bound.higher else bound.limit * (1 - _NEARLY)
    outside = bound.limit
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        clear = (room(bound, middle, rows) or 0.0) >= width
        inside, outside = (middle, outside) if clear else (inside, middle)
    return inside


def room(bound: Bound, value: float, rows: Rows) -> float | None:
    """Return how many standard errors a value lies inside of the bound, on the judge's scale; negative outside."""
    error = standard_error(bound.metric, value, rows)
    if not error:
        return None if error is None else math.inf
    if bound.logit:
        return (_logit(value) - _logit(bound.limit)) * value * (1 - value) / error
    return (value - bound.limit if bound.higher else bound.limit - value) / error


@lru_cache(maxsize=256)
def _spreads(df: int) -> tuple[float, ...]:
    """Return equally likely values of an estimated standard error over the true one."""
    return tuple(math.sqrt(chi_square_quantile((i + 0.5) / _PARTS, df) / df) for i in range(_PARTS))


def _shown(bound: Bound, value: float, rows: Rows, error: float) -> Callable[[float], float]:
    """Return the chance to show a value or better: exact where the distribution is known."""
    if is_proportion(bound.metric):
        return _binomial(bound, value, trials(bound.metric, rows))
    if bound.metric == "rmse":
        return lambda shown: chi_square_cdf(rows.rows * (shown / value) ** 2, rows.rows)
    return _normal(bound, value, error)


def _normal(bound: Bound, value: float, error: float) -> Callable[[float], float]:
    """Return the chance to show a value or better, normal on the judge's scale."""
    if bound.logit:
        return lambda shown: normal_cdf((_logit(value) - _logit(shown)) * value * (1 - value) / error)
    return lambda shown: normal_cdf((value - shown if bound.higher else shown - value) / error)


def _binomial(bound: Bound, value: float, count: int) -> Callable[[float], float]:
    """Return the chance to show a share or better and to clear the Wilson bound, which holds in any case."""
    least = least_successes(bound.limit if bound.higher else 1 - bound.limit, count, bound.confidence)
    chance = value if bound.higher else 1 - value

    def shown(share: float) -> float:
        needed = math.ceil(count * (share if bound.higher else 1 - share) - 1e-9)
        return binomial_sf(max(needed, least) - 1, count, chance)

    return shown


def half_width(bound: Bound, value: float, rows: Rows) -> float | None:
    """Return how far the careful end of the interval lies from the value."""
    error = standard_error(bound.metric, value, rows)
    if error is None:
        return None
    t = t_quantile((1 + bound.confidence) / 2, degrees(bound.metric, rows))
    if bound.logit and 0 < value < 1:
        return value - 1 / (1 + math.exp(t * error / (value * (1 - value)) - _logit(value)))
    return t * error


def rows_needed(bound: Bound, value: float, rows: Rows, wanted: float) -> Rows | None:
    """Return the fold, in the proportions that it has, on which the value passes as often as wanted; None: never."""
    low, high = 1.0, _MOST_ROWS
    if (pass_probability(bound, value, rows.scaled(high)) or 0.0) < wanted:
        return None
    while high / low > 1.01:
        middle = math.sqrt(low * high)
        enough = (pass_probability(bound, value, rows.scaled(middle)) or 0.0) >= wanted
        low, high = (low, middle) if enough else (middle, high)
    return rows.scaled(high)


def value_needed(bound: Bound, best: float, rows: Rows, wanted: float) -> float | None:
    """Return the worst value that passes as often as wanted, between the limit and the best; None: not even that."""
    inside, outside = best, bound.limit
    if (pass_probability(bound, inside, rows) or 0.0) < wanted:
        return None
    for _ in range(_HALVINGS // 2):
        middle = (inside + outside) / 2
        enough = (pass_probability(bound, middle, rows) or 0.0) >= wanted
        inside, outside = (middle, outside) if enough else (inside, middle)
    return inside


def _logit(p: float) -> float:
    return math.log(p / (1 - p))


@lru_cache(maxsize=1024)
def least_successes(limit: float, count: int, confidence: float) -> int:
    """Return the least successes of `count` whose lower Wilson bound reaches the limit; count + 1 where none does.

    The bound reaches it where the score test does not reject it: (k - n p) >= z sqrt(n p (1 - p)).
    """
    if limit <= 0:
        return 0
    if limit >= 1:
        return count + 1
    z = normal_quantile((1 + confidence) / 2)
    return min(math.ceil(count * limit + z * math.sqrt(count * limit * (1 - limit)) - 1e-9), count + 1)


# --- paired differences ----------------------------------------------------------------------------------------------
def paired_pass_probability(bound: Bound, value: float, rows: Rows, correlation: float) -> float | None:
    """Return the chance that a model as good as the other passes with a margin, the bound's limit, on the same rows."""
    error = standard_error(bound.metric, value, rows)
    if not error:
        return None
    df = degrees(bound.metric, rows)
    spread = error * math.sqrt(2 * (1 - correlation))
    return noncentral_t_sf(t_quantile((1 + bound.confidence) / 2, df), df, min(bound.limit / spread, 40.0))


# --- fairness --------------------------------------------------------------------------------------------------------
@lru_cache(maxsize=4096)
def ratio_pass_probability(
    limit: float, rates: tuple[float, float], counts: tuple[int, int], confidence: float, support: int
) -> float:
    """Return the chance that the smaller of two rates over the larger passes `min: limit`.

    The judge's lower end is a percentile of resamples of the ratio, at Hesterberg's widened level; it clears the limit
    where few resamples lie beyond it on either side of 1. A resample does where `first - limit * second` is negative:
    a difference, which is normal, of an error that the blocks only estimate and a finite number of resamples blurs.
    """
    if limit <= 0:
        return 1.0
    z, blur = _resampled_level(confidence, max(support, 2))
    return max(
        1 - sum(_falls_short(limit, r, n, z, blur) for r, n in ((rates, counts), (rates[::-1], counts[::-1]))), 0
    )


@lru_cache(maxsize=256)
def _resampled_level(confidence: float, blocks: int) -> tuple[float, float]:
    """Return how many standard errors the percentile lies below the value, and the variance of that number."""
    # Resamples of blocks spread less by sqrt((blocks - 1) / blocks), which the widened level makes up for.
    widened, df = math.sqrt(blocks / (blocks - 1)), blocks - 1
    level = normal_cdf(-widened * t_quantile((1 + confidence) / 2, df))
    level = (level * (RESAMPLES - 1) + 1) / (RESAMPLES + 1)
    shown = -normal_quantile(level)
    z = shown / widened * (1 - 1 / (4 * df))
    return z, z * z / (2 * df) + level * (1 - level) / RESAMPLES * 2 * math.pi * math.exp(shown * shown)


def _falls_short(limit: float, rates: tuple[float, float], counts: tuple[int, int], z: float, blur: float) -> float:
    """Return the chance that the first rate shows too far below the second, over what the second shows."""
    (first, second), (n, m) = rates, counts
    own, other = first * (1 - first) / n, second * (1 - second) / m
    spread = math.sqrt(own + blur * (own + limit * limit * other))
    shown = (min(max(second + q * math.sqrt(other), 0.0), 1.0) for q in _normal_parts())
    return sum(normal_cdf((_least_rate(limit, first, s, counts, z) - first) / spread) for s in shown) / _PARTS


@lru_cache(maxsize=1)
def _normal_parts() -> tuple[float, ...]:
    """Return equally likely values of a standard normal."""
    return tuple(normal_quantile((i + 0.5) / _PARTS) for i in range(_PARTS))


def _least_rate(limit: float, near: float, second: float, counts: tuple[int, int], z: float) -> float:
    """Return the first rate to show beside the second: its error is its own, so that it is found in a few steps."""
    rate, other = near, limit * limit * second * (1 - second) / counts[1]
    for _ in range(_STEPS):
        rate = min(limit * second + z * math.sqrt(rate * (1 - rate) / counts[0] + other), 1.0)
    return rate


def rate_rows_needed(
    limit: float, rates: tuple[float, float], other: int, confidence: float, support: int, wanted: float
) -> int | None:  # fmt: skip
    """Return the rows that the smaller group needs for a ratio to pass often enough; None: more than the other."""
    low, high = 1, max(other, 1)
    if ratio_pass_probability(limit, rates, (high, other), confidence, support) < wanted:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        enough = ratio_pass_probability(limit, rates, (middle, other), confidence, support) >= wanted
        low, high = (low, middle) if enough else (middle, high)
    return high
