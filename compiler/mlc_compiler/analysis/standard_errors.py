"""How far a metric's value on a fold may lie from the truth, from row counts alone: one standard error a metric.

Rows that vary together by day or group count for less: what a metric is of is taken to cluster as the label does, by
its intraclass correlation in the lock. Pure numbers in and out; formulas are named where they stand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType

from mlc_compiler.probability import digamma, normal_quantile, tetragamma, trigamma
from mlc_compiler.records import dataclass

_MAE_SPREAD = math.pi / 2 - 1  # variance of |x| over its squared mean, for normal x
_HALF_NORMAL: float = math.sqrt(2) * (4 - math.pi) / (math.pi - 2) ** 1.5  # skewness of |x|
_EDGE = 1e-6
_STEPS = 8
_HALVINGS = 50
_GRID = 0.02
_FEW = 10
_OF_BOTH_CLASSES = ("balanced_accuracy", "roc_auc")
LEAST_R2 = 0.05


@dataclass(frozen=True, slots=True)
class Rows:
    """Labelled rows of a fold or group: `positives` None for what is no binary label; `units` of what resamples.

    Unit is days, groups or rows, as the run's split makes them. `icc` is the label's intraclass correlation in them,
    None where it was not measured; `classes` are counts.
    """

    rows: int
    positives: int | None
    units: int
    unit: str
    std: float | None = None  # of the label, where it is a number
    mean: float | None = None
    icc: float | None = None
    classes: tuple[int, ...] = ()

    @property
    def negatives(self) -> int:
        return self.rows - (self.positives or 0)

    @property
    def prevalence(self) -> float:
        return (self.positives or 0) / self.rows if self.rows else 0.0

    def scaled(self, factor: float) -> Rows:
        """Return as many times the rows, positives and units."""
        positives = None if self.positives is None else round(factor * self.positives)
        classes = tuple(round(factor * count) for count in self.classes)
        rows, units = round(factor * self.rows), round(factor * self.units)
        return Rows(rows, positives, units, self.unit, self.std, self.mean, self.icc, classes)


def standard_error(metric: str, value: float, rows: Rows) -> float | None:
    """Return the standard error of a metric of this value, None where row counts do not tell it.

    >>> round(standard_error("roc_auc", 0.85, Rows(1000, 50, 1000, "rows")), 4)
    0.0272
    """
    formula = _FORMULAS.get(metric)
    if formula is None or trials(metric, rows) < 1:
        return None
    variance = formula(value, rows)
    return None if variance is None else math.sqrt(max(variance, 0.0) * design_effect(metric, rows))


def design_effect(metric: str, rows: Rows) -> float:
    """Return how many times the variance of independent rows a metric has.

    Of one that is about both classes, the part that the rarer class brings.
    """
    count = trials(metric, rows)
    effect = effect_of(count, rows)
    return effect - (effect - 1) * count / rows.rows if metric in _OF_BOTH_CLASSES and effect > 1 else effect


def effect_of(count: int, rows: Rows) -> float:
    """Return how many times the variance of independent ones a mean over so many of the rows has (Kish 1965).

    One more icc for each other row of the same day that counts: of one class, that class's, which comes in days itself.
    """
    if not rows.icc or rows.unit == "rows" or not rows.units or not rows.rows:
        return 1.0
    share = count / rows.rows
    others = max(rows.rows / rows.units - 1, 0.0) * (share + rows.icc * (1 - share))
    return 1 + others * rows.icc


def block_degrees(metric: str, rows: Rows, blocks: int) -> float:
    """Return the degrees of freedom of the spread between blocks, fewer where they differ in what they hold.

    Satterthwaite's: the rows of a block that inform a metric are beta-binomial, and days of many weigh more.
    """
    count = trials(metric, rows)
    if not count or count >= rows.rows or blocks < 2:
        return float(max(blocks - 1, 1))
    share, size = count / rows.rows, rows.rows / blocks
    icc = (rows.icc or 0.0) if rows.unit != "rows" else 0.0
    uneven = (1 - share) * (1 + max(size - 1, 0.0) * icc) / (size * share)
    heavier = 1 + icc * size * share / (1 + icc * size * share)
    found = max((blocks - 1) / (1 + heavier * heavier * uneven), 1.0)
    return round(found, 1) if found < _FEW else float(round(found))  # the quantiles of one are the quantiles of many


def trials(metric: str, rows: Rows) -> int:
    """Return how many outcomes inform a metric: of the rarer class where it is about both."""
    count = _TRIALS.get(metric)
    return rows.rows if count is None else count(rows)


def is_proportion(metric: str) -> bool:
    """Tell whether the judge takes a metric as a mean of yes and no."""
    return metric in ("accuracy", "false_positive_rate", "precision", "recall")


# --- variances -------------------------------------------------------------------------------------------------------
def _roc_auc(value: float, rows: Rows) -> float:
    """Hanley and McNeil 1982, with normal scores of equal spread in place of their exponential ones.

    The chance that one negative lies below two positives is that of two normal variables of correlation one half.
    """
    positives, negatives = rows.positives or 0, rows.negatives
    excess = _both(value) - value * value
    return (value * (1 - value) + (positives + negatives - 2) * excess) / (positives * negatives)


@lru_cache(maxsize=4096)
def _both(value: float) -> float:
    """Return P(X <= z, Y <= z) = value - 2 T(z, 1/sqrt 3), T by Owen 1956, z the normal quantile of the value."""
    z, step = normal_quantile(value), 1 / math.sqrt(3) / _STEPS
    weights = [1, *(4 if i % 2 else 2 for i in range(1, _STEPS)), 1]
    heights = (math.exp(-z * z * (1 + x * x) / 2) / (1 + x * x) for x in (i * step for i in range(_STEPS + 1)))
    return value - sum(w * h for w, h in zip(weights, heights, strict=True)) * step / (3 * math.pi)


def _share_of(metric: str) -> Callable[[float, Rows], float]:
    return lambda value, rows: value * (1 - value) / trials(metric, rows)


def _f1(value: float, rows: Rows) -> float:
    """Delta method of 2 TP over chosen + positive, as many chosen as positive."""
    return value * (1 - value) * (2 - value) / (2 * (rows.positives or 1))


def _balanced_accuracy(value: float, rows: Rows) -> float:
    """The mean of two independent shares, each near the value."""
    return value * (1 - value) / 4 * (1 / (rows.positives or 1) + 1 / (rows.negatives or 1))


def _brier(value: float, rows: Rows) -> float:
    """The spread of squared errors of calibrated scores with a beta distribution of this mean and this Brier score."""
    return (_brier_moment(value, rows.prevalence, 2) - value * value) / rows.rows


def _brier_moment(value: float, mean: float, power: int) -> float:
    """Return a moment of the squared errors: E[(s - y)^4] = E[s (1-s)^4 + (1-s) s^4], of a beta variable."""
    most = mean * (1 - mean)
    spread = most - value
    if spread <= _EDGE or value <= 0:  # no better than the base rate: one score for all
        return mean * (1 - mean) ** (2 * power) + (1 - mean) * mean ** (2 * power)
    size = most / spread - 1
    a, b = mean * size, (1 - mean) * size
    return _moment(a, b, 1, 2 * power) + _moment(a, b, 2 * power, 1)


def _moment(a: float, b: float, i: int, j: int) -> float:
    """Return E[s^i (1-s)^j] of a beta variable."""
    top = math.prod(a + k for k in range(i)) * math.prod(b + k for k in range(j))
    return top / math.prod(a + b + k for k in range(i + j))


def _mae(value: float, rows: Rows) -> float:
    """Errors are taken as normal; heavier tails make it wider."""
    return _MAE_SPREAD * value * value / rows.rows


def _rmse(value: float, rows: Rows) -> float:
    """Errors are taken as normal; heavier tails make it wider."""
    return value * value / (2 * rows.rows)


def _r2(value: float, rows: Rows) -> float | None:
    """Olkin and Finn 1995: normal predictions and errors; near zero the distribution is another."""
    return 4 * value * (1 - value) ** 2 / rows.rows if value >= LEAST_R2 else None


def _wape(value: float, rows: Rows) -> float | None:
    """Delta method of the mean error over the mean of labels above zero, normal errors that do not depend on them."""
    if not rows.mean or rows.std is None or rows.mean < 2 * rows.std:
        return None
    return value * value * (_MAE_SPREAD + (rows.std / rows.mean) ** 2) / rows.rows


# --- skewness --------------------------------------------------------------------------------------------------------
def skewness(metric: str, value: float, rows: Rows) -> tuple[float, float]:
    """Return how the squared error of a sample goes with its value, and the skewness of that; of a mean both are one.

    Over the root of the rows, in standard errors. A ratio of means has that of its denominator besides.
    """
    find = _SKEWNESS.get(metric)
    own = 0.0 if find is None else find(value, rows)
    if metric != "wape":
        return own, own
    labels = _spread_of_labels(rows)
    ratio = labels / math.sqrt(_MAE_SPREAD + labels)
    return own + 4 * ratio, own + 6 * ratio


def _brier_skewness(value: float, rows: Rows) -> float:
    second, third = (_brier_moment(value, rows.prevalence, power) for power in (2, 3))
    return _standardised(value, second, third)


def _standardised(first: float, second: float, third: float) -> float:
    variance = second - first * first
    return (
        (third - 3 * first * variance - first**3) / math.pow(variance, 1.5) if variance > _EDGE * first * first else 0.0
    )


def _wape_skewness(_: float, rows: Rows) -> float:
    return _HALF_NORMAL * math.pow(_MAE_SPREAD / (_MAE_SPREAD + _spread_of_labels(rows)), 1.5)


def _spread_of_labels(rows: Rows) -> float:
    """Return the variance of labels over their squared mean."""
    return ((rows.std or 0.0) / (rows.mean or 1.0)) ** 2


def _log_loss_skewness(value: float, rows: Rows) -> float:
    shares = _shares(rows)
    return _between(_log_loss_third, value, shares) if len(shares) > 1 and value > 0 else 0.0


@lru_cache(maxsize=4096)
def _log_loss_third(value: float, shares: tuple[float, ...]) -> float:
    size = _log_loss_size(value, shares)
    if size is None:
        return 0.0
    second, third = _log_moment(size, shares, 2), -_log_moment(size, shares, 3)
    return _standardised(value, second, third)


# --- several classes -------------------------------------------------------------------------------------------------
def _log_loss(value: float, rows: Rows) -> float | None:
    """The spread of log losses of calibrated scores with a beta or Dirichlet distribution of this mean and loss."""
    shares = _shares(rows)
    return _between(_log_loss_spread, value, shares) / rows.rows if len(shares) > 1 and value > 0 else None


def _shares(rows: Rows) -> tuple[float, ...]:
    counts = (rows.positives, rows.negatives) if rows.positives is not None else rows.classes
    return tuple(count / rows.rows for count in counts if count)


def _between(spread: Callable[[float, tuple[float, ...]], float], value: float, shares: tuple[float, ...]) -> float:
    """Return a spread between two values of a grid, which makes a search among values cheap."""
    low = math.exp(math.floor(math.log(value) / _GRID) * _GRID)
    high, before = low * math.exp(_GRID), spread(round(low, 12), shares)
    return before + (spread(round(high, 12), shares) - before) * (value - low) / (high - low)


@lru_cache(maxsize=4096)
def _log_loss_spread(value: float, shares: tuple[float, ...]) -> float:
    """Return the variance of -log p of the true class, p Dirichlet: size-biased, each p is beta(a + 1, rest)."""
    size = _log_loss_size(value, shares)
    if size is None:
        logs = [math.log(p) for p in shares]
        mean = math.fsum(p * x for p, x in zip(shares, logs, strict=True))
        return math.fsum(p * (x - mean) ** 2 for p, x in zip(shares, logs, strict=True))
    return max(_log_moment(size, shares, 2) - value * value, 0.0)


@lru_cache(maxsize=4096)
def _log_loss_size(value: float, shares: tuple[float, ...]) -> float | None:
    """Return the concentration of the scores, None where one answer for all is as good."""
    if value >= -math.fsum(p * math.log(p) for p in shares) * (1 - _EDGE):
        return None
    low, high = -30.0, 30.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if -_log_moment(math.exp(middle), shares, 1) < value else (low, middle)
    return math.exp(low)


def _log_moment(size: float, shares: tuple[float, ...], power: int) -> float:
    """Return E[log p], E[log^2 p] or E[log^3 p] of the true class's score."""
    means = [digamma(size * share + 1) - digamma(size + 1) for share in shares]
    if power == 1:
        return math.fsum(share * m for share, m in zip(shares, means, strict=True))
    spreads = [trigamma(size * share + 1) - trigamma(size + 1) for share in shares]
    if power == 2:
        return math.fsum(p * (v + m * m) for p, m, v in zip(shares, means, spreads, strict=True))
    skews = [tetragamma(size * share + 1) - tetragamma(size + 1) for share in shares]
    return math.fsum(p * (k + 3 * v * m + m**3) for p, m, v, k in zip(shares, means, spreads, skews, strict=True))


def _macro_f1(value: float, rows: Rows) -> float | None:
    """Delta method over the confusion matrix (Takahashi and others 2022), each class found equally often.

    What is missed of a class is taken for the others in the shares that they have.
    """
    shares = tuple(count / rows.rows for count in rows.classes if count)
    return _between(_macro_f1_spread, value, shares) / rows.rows if len(shares) > 1 and 0 < value < 1 else None


def bias(metric: str, value: float, rows: Rows) -> float:
    """Return by how much a metric shows too high on so many rows: of macro f1, by the second order of the delta."""
    shares = tuple(count / rows.rows for count in rows.classes if count) if metric == "macro_f1" else ()
    if len(shares) < 2:
        return 0.0
    sizes = [p + p for p in shares]  # as many are taken for a class as are of it, nearly
    return sum(value * (value - 1) / size for size in sizes) / len(shares) / rows.rows


@lru_cache(maxsize=4096)
def _macro_f1_spread(value: float, shares: tuple[float, ...]) -> float:
    value, low, high = min(value, 1.0), 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if math.fsum(_f1s(middle, shares)) < value * len(shares) else (low, middle)
    pulls = [f / s for f, s in zip(_f1s(low, shares), _sizes(low, shares), strict=True)]
    right = ((2 / s - 2 * pull) ** 2 for s, pull in zip(_sizes(low, shares), pulls, strict=True))
    found = math.fsum(low * p * g for p, g in zip(shares, right, strict=True))
    for p, pull in zip(shares, pulls, strict=True):
        for q, other in zip(shares, pulls, strict=True):
            found += (1 - low) * p * q / (1 - p) * (pull + other) ** 2
        found -= (1 - low) * p * p / (1 - p) * 4 * pull * pull
    return found / len(shares) ** 2


def _f1s(recall: float, shares: tuple[float, ...]) -> list[float]:
    return [2 * recall * p / s for p, s in zip(shares, _sizes(recall, shares), strict=True)]


def _sizes(recall: float, shares: tuple[float, ...]) -> list[float]:
    """Return the share of each class plus the share that is taken for it."""
    odds = math.fsum(p / (1 - p) for p in shares)
    return [p + recall * p + (1 - recall) * p * (odds - p / (1 - p)) for p in shares]


_TRIALS: Mapping[str, Callable[[Rows], int]] = MappingProxyType(
    {
        "average_precision": lambda r: r.positives or 0,  # Boyd, Eng and Page 2013: a share of the positives
        "balanced_accuracy": lambda r: min(r.positives or 0, r.negatives),
        "f1": lambda r: r.positives or 0,
        "false_positive_rate": lambda r: r.negatives if r.positives is not None else 0,
        "precision": lambda r: r.positives or 0,  # as many chosen as positive
        "recall": lambda r: r.positives or 0,
        "roc_auc": lambda r: min(r.positives or 0, r.negatives),
    }
)
_FORMULAS: Mapping[str, Callable[[float, Rows], float | None]] = MappingProxyType(
    {
        **{n: _share_of(n) for n in ("accuracy", "average_precision", "false_positive_rate", "precision", "recall")},
        "balanced_accuracy": _balanced_accuracy,
        "brier": _brier,
        "f1": _f1,
        "log_loss": _log_loss,
        "macro_f1": _macro_f1,
        "mae": _mae,
        "r2": _r2,
        "rmse": _rmse,
        "roc_auc": _roc_auc,
        "wape": _wape,
    }
)
_SKEWNESS: Mapping[str, Callable[[float, Rows], float]] = MappingProxyType(
    {
        "brier": _brier_skewness,
        "log_loss": _log_loss_skewness,
        "mae": lambda *_: _HALF_NORMAL,
        "wape": _wape_skewness,
    }
)
UNPREDICTED: Mapping[str, str] = MappingProxyType(
    {
        "bias": "how far errors spread is not known before the training",
        "expected_calibration_error": "it lies above its true value by an amount that the scores decide",
        "mape": "how small the smallest actual values are decides its spread",
        "median_absolute_error": "it is judged by resamples, whose width rests on the few errors next to the median",
        "roc_auc_ovr": "how the classes' areas vary together is not known before the training",
        "smape": "how small the smallest actual values are decides its spread",
    }
)
"""Why nothing is said beforehand of a metric: of every one that has no formula."""
