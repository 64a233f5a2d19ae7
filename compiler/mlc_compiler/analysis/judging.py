"""What the run's judge will decide, in probability: its own intervals (targets' local gates), reckoned beforehand.

A smooth metric takes the jackknife with Student's t, on the logit scale where more is better in [0, 1]; a share of
independent rows takes Wilson's interval. Simulations of the judge agree within one point (`bench/gate_power.py`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from mlc_compiler.analysis.block_shares import Outcomes, share_pass_probability
from mlc_compiler.analysis.block_shares import is_rough as few_to_tell
from mlc_compiler.analysis.standard_errors import (
    LEAST_R2,
    Rows,
    bias,
    block_degrees,
    design_effect,
    is_proportion,
    skewness,
    standard_error,
    trials,
)
from mlc_compiler.metrics import MAX_BLOCKS, Metric
from mlc_compiler.probability import (
    binomial_sf,
    noncentral_t_sf,
    normal_cdf,
    normal_quantile,
    spread_cdf,
    t_quantile,
)
from mlc_compiler.records import dataclass

_HALVINGS = 26
_CELLS = 32
_FAR = 6.0
_TINY = 1e-6
_MOST_ROWS = 1e5
_LEAST_VARIANCE = 0.01


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
    if bound.metric == "r2" and bound.limit < LEAST_R2:
        return None
    if error is None or not error:
        return None if error is None else float(value >= bound.limit if bound.higher else value <= bound.limit)
    if bound.logit and not 0 < bound.limit < 1:
        return float(bound.limit <= 0)
    if takes_wilson(bound.metric, rows):
        return _wilson(bound, value, trials(bound.metric, rows))
    if is_proportion(bound.metric):
        of = _outcomes(bound.metric, rows)
        return share_pass_probability(bound.limit, value, of, bound.confidence, higher=bound.higher)
    scale = _scale(bound, value, rows, error)
    return _averaged(scale, block_degrees(bound.metric, rows, min(rows.units, MAX_BLOCKS)))


def is_rough(bound: Bound, value: float, rows: Rows) -> bool:
    """Tell whether the probability may be off by more than a point: of shares over few and uneven days."""
    if rows.unit == "rows" or not is_proportion(bound.metric):
        return False
    return few_to_tell(value, _outcomes(bound.metric, rows), higher=bound.higher)


def _outcomes(metric: str, rows: Rows) -> Outcomes:
    return Outcomes(trials(metric, rows), rows.rows, rows.units, rows.icc or 0.0)


def _wilson(bound: Bound, value: float, count: int) -> float:
    """Return the chance that a share of independent rows clears Wilson's bound: exact."""
    least = least_successes(bound.limit if bound.higher else 1 - bound.limit, count, bound.confidence)
    return binomial_sf(least - 1, count, value if bound.higher else 1 - value)


@dataclass(frozen=True, slots=True)
class _Scale:
    """What shows, from the bound to where nothing more does, on a scale on which it is nearly normal.

    `shown` is the chance to show a place or better, `width` of how many of the true errors' size an estimate may be
    for a value there to pass.
    """

    worst: float
    best: float
    shown: Callable[[float], float]
    width: Callable[[float], float]


def _averaged(scale: _Scale, degrees: float) -> float:
    """Return how often the estimated error is as small as it may be, averaged over what shows."""
    step, total = (scale.best - scale.worst) / _CELLS, 0.0
    before, start = scale.shown(scale.worst), 0.0
    for cell in range(_CELLS):
        at = scale.worst + cell * step
        after = scale.shown(at + step)
        middle, end = (spread_cdf(scale.width(at + part * step), degrees) for part in (0.5, 1.0))
        total += (before - after) * (start + 4 * middle + end) / 6
        before, start = after, end
    return min(max(total + before, 0.0), 1.0)


def _scale(bound: Bound, value: float, rows: Rows, error: float) -> _Scale:
    t = t_quantile((1 + bound.confidence) / 2, degrees(bound.metric, rows))
    if bound.metric == "rmse":
        return _root_scale(bound, value, rows, t)
    if bound.metric == "r2":
        return _unexplained_scale(bound, value, rows, t)
    if bound.logit:
        return _logit_scale(bound, value, rows, t)
    return _errors_scale(bound, value, error, rows, t)


def _logit_scale(bound: Bound, value: float, rows: Rows, t: float) -> _Scale:
    middle = _logit(value + bias(bound.metric, value, rows))
    own = (standard_error(bound.metric, value, rows) or 0.0) / (value * (1 - value))
    worst = _logit(bound.limit)

    def width(at: float) -> float:
        return (room(bound, 1 / (1 + math.exp(-at)), rows) or 0.0) / t

    return _Scale(worst, max(middle + _FAR * own, worst), lambda at: normal_cdf((middle - at) / own), width)


def _root_scale(bound: Bound, value: float, rows: Rows, t: float) -> _Scale:
    """Mean squared errors are chi-square; the error is in proportion to the value that shows."""
    squares = rows.rows / design_effect(bound.metric, rows)
    least = max(value * (1 - _FAR / math.sqrt(2 * squares)), value * _TINY)
    return _Scale(
        bound.limit,
        min(least, bound.limit),
        lambda at: spread_cdf(at / value, squares),
        lambda at: (bound.limit / at - 1) * math.sqrt(2 * squares) / t,
    )


def _unexplained_scale(bound: Bound, value: float, rows: Rows, t: float) -> _Scale:
    """A sample's error goes with what it leaves unexplained, the logarithm of which is nearly normal."""
    own = (standard_error(bound.metric, value, rows) or 0.0) / (1 - value)
    excess, worst = design_effect(bound.metric, rows) / rows.rows, math.log((1 - bound.limit) / (1 - value))
    return _Scale(
        worst,
        min(-_FAR * own, worst),
        lambda at: normal_cdf((at - excess) / own),
        lambda at: (math.exp(worst - at) - 1) / (t * own),
    )


def _errors_scale(bound: Bound, value: float, error: float, rows: Rows, t: float) -> _Scale:
    """A mean of skewed errors: one that shows small has a small variance too, E[s^2 | mean] being linear in it.

    The mean's own skewness is that of the errors over the root of the rows (Edgeworth's first term).
    """
    slope, skew = (s / math.sqrt(rows.rows) for s in skewness(bound.metric, value, rows))
    worst = (bound.limit - value) / error

    def shown(z: float) -> float:
        density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        return min(max(normal_cdf(z) - skew / 6 * (z * z - 1) * density, 0.0), 1.0)

    return _Scale(
        worst,
        min(max(-_FAR, -value / error), worst),
        shown,
        lambda z: (worst - z) / (t * math.sqrt(max(1 + slope * z, _LEAST_VARIANCE))),
    )


def room(bound: Bound, value: float, rows: Rows) -> float | None:
    """Return how many standard errors a value lies inside of the bound, on the judge's scale; negative outside."""
    error = standard_error(bound.metric, value, rows)
    if not error:
        return None if error is None else math.inf
    if bound.logit:
        return (_logit(value) - _logit(bound.limit)) * value * (1 - value) / error
    return (value - bound.limit if bound.higher else bound.limit - value) / error


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
    for _ in range(_HALVINGS):
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
    error = paired_error(bound.metric, value, rows, correlation)
    if not error:
        return None
    df = degrees(bound.metric, rows)
    return noncentral_t_sf(t_quantile((1 + bound.confidence) / 2, df), df, min(bound.limit / error, 40.0))


def paired_error(metric: str, value: float, rows: Rows, correlation: float) -> float | None:
    """Return the standard error of the difference of two versions on the same rows.

    A day that is hard for one is as hard for the other, so that rows count as independent here.
    """
    error = standard_error(metric, value, replace(rows, icc=None))
    return None if error is None else error * math.sqrt(2 * (1 - correlation))
