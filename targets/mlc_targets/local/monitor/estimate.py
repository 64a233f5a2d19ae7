"""Performance that is expected before labels come: metrics of calibrated probabilities (CBPE, as NannyML defines it).

It takes the scores for calibrated probabilities. What it can't see is a change in how labels follow from features.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from mlc_compiler.metrics import BINARY, MULTICLASS
from mlc_targets.local.gates.ranks import finish_auc, finish_precision
from mlc_targets.local.monitor.distances import UndefinedError
from mlc_targets.local.package.columns import Array

_TINY = float(np.finfo(np.float64).eps)


def expected(task: str, metric: str, scores: Array, threshold: float) -> float:
    """Return a metric's expected value over rows whose labels are not known, from probabilities [N] or [N, K].

    A ratio is estimated by the ratio of the expected counts. Raises UndefinedError where it has no value.
    """
    if metric not in _ESTIMATES.get(task, {}):
        raise UndefinedError(_why_not(task, metric))
    if not len(scores):
        raise UndefinedError("there are no rows")
    if not np.isfinite(scores).all():
        raise UndefinedError("some scores are null or infinite")
    with np.errstate(invalid="ignore", divide="ignore"):
        value = float(_ESTIMATES[task][metric](np.clip(scores, 0.0, 1.0), threshold))
    if not np.isfinite(value):
        raise UndefinedError(f"{metric} is 0 / 0 on the {len(scores):,} rows")
    return value


def _why_not(task: str, metric: str) -> str:
    if task not in _ESTIMATES:
        return f"{metric} can't be estimated for a {task}: its predictions carry no probabilities"
    if metric == "expected_calibration_error":
        return "the estimate takes the scores for calibrated, so this error would always be 0"
    return f"{metric} can't be estimated from probabilities"


# --- binary ----------------------------------------------------------------------------------------------------------
def _accuracy(p: Array, threshold: float) -> float:
    return float(np.where(p >= threshold, p, 1 - p).mean())


def _ratio(top: Array, bottom: Array) -> float:
    """Return the ratio of two sums over rows, NaN where the second is 0."""
    below = float(bottom.sum())
    return float(top.sum()) / below if below else math.nan


def _precision(p: Array, threshold: float) -> float:
    chosen = p >= threshold
    return _ratio(p * chosen, chosen)


def _recall(p: Array, threshold: float) -> float:
    return _ratio(p * (p >= threshold), p)


def _f1(p: Array, threshold: float) -> float:
    chosen = p >= threshold
    return _ratio(2 * p * chosen, chosen + p)


def _false_positive_rate(p: Array, threshold: float) -> float:
    return _ratio((1 - p) * (p >= threshold), 1 - p)


def _balanced_accuracy(p: Array, threshold: float) -> float:
    return (_recall(p, threshold) + 1 - _false_positive_rate(p, threshold)) / 2


def _brier(p: Array, _: float) -> float:
    return float((p * (1 - p)).mean())


def _entropy(p: Array) -> Array:
    return np.asarray(-p * np.log(np.clip(p, _TINY, 1 - _TINY)))


def _log_loss(p: Array, _: float) -> float:
    return float((_entropy(p) + _entropy(1 - p)).mean())


def _roc_auc(p: Array, _: float) -> float:
    return float(finish_auc(_expected_counts(p, p))[0])


def _average_precision(p: Array, _: float) -> float:
    return float(finish_precision(_expected_counts(-p, p))[0])


def _expected_counts(order: Array, p: Array) -> Array:
    """Return the expected positives, then negatives, at each distinct value of `order`, ascending: [1, 2 cells]."""
    cells = np.unique(order, return_inverse=True)[1]
    return np.concatenate([np.bincount(cells, p), np.bincount(cells, 1 - p)])[None, :]


# --- multiclass ------------------------------------------------------------------------------------------------------
def _multiclass_accuracy(p: Array, _: float) -> float:
    return float(p.max(axis=1).mean())


def _multiclass_log_loss(p: Array, _: float) -> float:
    return float(_entropy(p).sum(axis=1).mean())


def _macro_f1(p: Array, _: float) -> float:
    chosen = np.eye(p.shape[1])[p.argmax(axis=1)]
    top, bottom = 2 * (p * chosen).sum(axis=0), (p + chosen).sum(axis=0)
    return float((top[bottom > 0] / bottom[bottom > 0]).mean())


def _roc_auc_ovr(p: Array, _: float) -> float:
    return float(np.mean([_roc_auc(p[:, k], 0.0) for k in range(p.shape[1])]))


_ESTIMATES: Mapping[str, Mapping[str, Callable[[Array, float], float]]] = MappingProxyType({
    BINARY: {
        "accuracy": _accuracy,
        "average_precision": _average_precision,
        "balanced_accuracy": _balanced_accuracy,
        "brier": _brier,
        "f1": _f1,
        "false_positive_rate": _false_positive_rate,
        "log_loss": _log_loss,
        "precision": _precision,
        "recall": _recall,
        "roc_auc": _roc_auc,
    },
    MULTICLASS: {
        "accuracy": _multiclass_accuracy,
        "log_loss": _multiclass_log_loss,
        "macro_f1": _macro_f1,
        "roc_auc_ovr": _roc_auc_ovr,
    },
})  # fmt: skip
