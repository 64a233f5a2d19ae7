"""How far a metric's value on a fold may lie from the truth, from row counts alone: one standard error a metric.

Rows are taken as independent, which is the best case: days that vary together make every error wider. Pure numbers in
and out; formulas are named where they stand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from mlc_compiler.probability import normal_quantile

_MAE_SPREAD = math.pi / 2 - 1  # variance of |x| over its squared mean, for normal x
_EDGE = 1e-6
_STEPS = 8


@dataclass(frozen=True, slots=True)
class Rows:
    """Labelled rows of a fold or group: `positives` None for what is no binary label; `units` of what resamples.

    Unit is days, groups or rows, as the run's split makes them.
    """

    rows: int
    positives: int | None
    units: int
    unit: str
    std: float | None = None  # of the label, where it is a number

    @property
    def negatives(self) -> int:
        return self.rows - (self.positives or 0)

    @property
    def prevalence(self) -> float:
        return (self.positives or 0) / self.rows if self.rows else 0.0

    def scaled(self, factor: float) -> Rows:
        """Return as many times the rows, positives and units."""
        positives = None if self.positives is None else round(factor * self.positives)
        return Rows(round(factor * self.rows), positives, round(factor * self.units), self.unit, self.std)


def standard_error(metric: str, value: float, rows: Rows) -> float | None:
    """Return the standard error of a metric of this value, None where row counts do not tell it.

    >>> round(standard_error("roc_auc", 0.85, Rows(1000, 50, 1000, "rows")), 4)
    0.0272
    """
    formula = _FORMULAS.get(metric)
    if formula is None or trials(metric, rows) < 1:
        return None
    return math.sqrt(max(formula(value, rows), 0.0))


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
    mean, most = rows.prevalence, rows.prevalence * (1 - rows.prevalence)
    spread = most - value
    if spread <= _EDGE or value <= 0:  # no better than the base rate: one score for all
        return mean * (1 - mean) * (1 - 2 * mean) ** 2 / rows.rows
    size = most / spread - 1
    a, b = mean * size, (1 - mean) * size
    # E[(s - y)^4] = E[s (1-s)^4 + (1-s) s^4], and both are moments of the beta distribution.
    fourth = _moment(a, b, 1, 4) + _moment(a, b, 4, 1)
    return (fourth - value * value) / rows.rows


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
_FORMULAS: Mapping[str, Callable[[float, Rows], float]] = MappingProxyType(
    {
        **{n: _share_of(n) for n in ("accuracy", "average_precision", "false_positive_rate", "precision", "recall")},
        "balanced_accuracy": _balanced_accuracy,
        "brier": _brier,
        "f1": _f1,
        "mae": _mae,
        "rmse": _rmse,
        "roc_auc": _roc_auc,
    }
)
