"""Metrics as points, without intervals: for trials, importances and progress, which are many and decide nothing."""

from __future__ import annotations

import math

import numpy as np

from mlc_compiler.metrics import metric
from mlc_targets.local.gates.metrics import statistic
from mlc_targets.local.gates.statistic import Sample
from mlc_targets.local.package.columns import Array


def point(task: str, name: str, y: Array, scores: Array) -> float | None:
    """Return a metric's value over all rows, decisions at 0.5; None where it is undefined."""
    if not len(y):
        return None
    codes = np.zeros(len(y), dtype=np.int64)
    value = statistic(task, name, Sample(y.astype(np.float64), scores, 0.5, codes, 1)).value
    return value if math.isfinite(value) else None


def goodness(name: str, value: float | None) -> float:
    """Return a metric's value so that higher is better; minus infinity where there is none."""
    found = metric(name)
    if value is None or found is None:
        return -math.inf
    return {"higher": value, "lower": -value, "zero": -abs(value)}[found.better]


def main_metric(task: str) -> str:
    """Return the metric that says most about a model of this task."""
    return {"binary_classification": "roc_auc", "multiclass_classification": "log_loss"}.get(task, "rmse")
