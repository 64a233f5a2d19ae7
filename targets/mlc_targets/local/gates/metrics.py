"""The metrics of each task as statistics over blocks; names, directions and ranges stand in `mlc_compiler.metrics`.

Values agree with scikit-learn's to 1e-12; where scikit-learn warns and answers 0, they are undefined instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from mlc_compiler.metrics import BINARY, MULTICLASS, NUMERIC, Metric, metric
from mlc_targets.local.gates import ranks
from mlc_targets.local.gates.evaluation import Array
from mlc_targets.local.gates.statistic import Sample, Statistic, combined, quotient, ratio, support

CALIBRATION_BINS = 10
MULTICLASS_CELLS = 128


def _ones(sample: Sample) -> Array:
    return np.ones(len(sample.y))


def _mean(sample: Sample, values: Array, trials: float | None = None) -> Statistic:
    """Return the mean of a value of each row; `trials` where the values lie in [0, 1]."""
    sums = sample.sums(values, _ones(sample))
    return Statistic(sums, quotient, support(sample, np.ones(len(values), dtype=bool)), trials)


# --- binary: decisions -----------------------------------------------------------------------------------------------
def _chosen(sample: Sample) -> Array:
    return (sample.scores >= sample.threshold).astype(np.float64)


def _accuracy(sample: Sample) -> Statistic:
    return ratio(sample, 1.0 * (_chosen(sample) == sample.y), _ones(sample), proportion=True)


def precision(sample: Sample) -> Statistic:
    """Return the share of predicted positives that are positive."""
    return ratio(sample, _chosen(sample) * sample.y, _chosen(sample), proportion=True)


def recall(sample: Sample) -> Statistic:
    """Return the share of positives predicted positive: the true-positive rate."""
    return ratio(sample, _chosen(sample) * sample.y, sample.y, proportion=True)


def false_positive_rate(sample: Sample) -> Statistic:
    """Return the share of negatives predicted positive."""
    return ratio(sample, _chosen(sample) * (1 - sample.y), 1 - sample.y, proportion=True)


def selection_rate(sample: Sample) -> Statistic:
    """Return the share predicted positive."""
    return ratio(sample, _chosen(sample), _ones(sample), proportion=True)


def _f1(sample: Sample) -> Statistic:
    chosen = _chosen(sample)
    sums = sample.sums(2 * chosen * sample.y, chosen + sample.y)
    return Statistic(sums, quotient, support(sample, (chosen + sample.y) > 0), float(sample.y.sum()))


def _balanced_accuracy(sample: Sample) -> Statistic:
    return combined((recall(sample), false_positive_rate(sample)), lambda rates: (rates[0] + 1 - rates[1]) / 2)


# --- binary: scores --------------------------------------------------------------------------------------------------
def _brier(sample: Sample) -> Statistic:
    return _mean(sample, (sample.scores - sample.y) ** 2, trials=float(len(sample.y)))


def _log_loss(sample: Sample) -> Statistic:
    epsilon = np.finfo(np.float64).eps  # clipped as scikit-learn does, so that one certain mistake is not infinite
    true = np.where(sample.y == 1, sample.scores, 1 - sample.scores)
    return _mean(sample, -np.log(np.clip(true, epsilon, 1 - epsilon)))


def _calibration_error(sample: Sample) -> Statistic:
    """Return the expected calibration error over equal bins of the score (Naeini and others, 2015)."""
    cell = np.minimum((sample.scores * CALIBRATION_BINS).astype(np.int64), CALIBRATION_BINS - 1)
    gaps = np.zeros((len(sample.y), CALIBRATION_BINS))
    gaps[np.arange(len(cell)), np.maximum(cell, 0)] = sample.scores - sample.y
    sums = sample.sums(*gaps.T, _ones(sample))
    everywhere = support(sample, np.ones(len(cell), dtype=bool))
    return Statistic(sums, _mean_gap, everywhere, float(len(cell)))


def _mean_gap(sums: Array) -> Array:
    return np.asarray(np.abs(sums[:, :-1]).sum(axis=1) / sums[:, -1])


# --- multiclass ------------------------------------------------------------------------------------------------------
def _hit(sample: Sample) -> Array:
    return np.asarray(sample.scores.argmax(axis=1) == sample.y, dtype=np.float64)


def _multiclass_accuracy(sample: Sample) -> Statistic:
    return ratio(sample, _hit(sample), _ones(sample), proportion=True)


def _multiclass_log_loss(sample: Sample) -> Statistic:
    epsilon = np.finfo(np.float64).eps
    true = sample.scores[np.arange(len(sample.y)), sample.y.astype(np.int64)]
    return _mean(sample, -np.log(np.clip(true, epsilon, 1 - epsilon)))


def _macro_f1(sample: Sample) -> Statistic:
    guess = sample.scores.argmax(axis=1)
    classes = range(sample.scores.shape[1])
    hits = [2.0 * ((guess == k) & (sample.y == k)) for k in classes]
    sizes = [1.0 * (guess == k) + (sample.y == k) for k in classes]

    def finish(sums: Array) -> Array:
        top, bottom = np.hsplit(sums, 2)
        scores = np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0)
        return np.asarray(scores.sum(axis=1) / (bottom > 0).sum(axis=1))

    everywhere = support(sample, np.ones(len(guess), dtype=bool))
    return Statistic(sample.sums(*hits, *sizes), finish, everywhere, float(len(guess)))


def _roc_auc_ovr(sample: Sample) -> Statistic:
    parts = [
        ranks.roc_auc(
            Sample(1.0 * (sample.y == k), sample.scores[:, k], 0.5, sample.codes, sample.count), MULTICLASS_CELLS
        )
        for k in range(sample.scores.shape[1])
    ]
    return combined(parts, lambda areas: areas.mean(axis=0))


# --- regression and forecast -----------------------------------------------------------------------------------------
def _error(sample: Sample) -> Array:
    return sample.scores - sample.y


def _bias(sample: Sample) -> Statistic:
    return _mean(sample, _error(sample))


def _mae(sample: Sample) -> Statistic:
    return _mean(sample, np.abs(_error(sample)))


def _rmse(sample: Sample) -> Statistic:
    return combined((_mean(sample, _error(sample) ** 2),), lambda squares: np.sqrt(squares[0]))


def _median_absolute_error(sample: Sample) -> Statistic:
    return ranks.median(sample, np.abs(_error(sample)))


def _r2(sample: Sample) -> Statistic:
    # Variance from sums cancels badly far from zero: measure from the mean of all rows.
    centred = sample.y - (sample.y.mean() if len(sample.y) else 0.0)

    def finish(sums: Array) -> Array:
        spread = sums[:, 2] - sums[:, 1] ** 2 / sums[:, 3]
        return np.where(spread > 1e-12 * sums[:, 2], 1 - sums[:, 0] / spread, np.nan)

    sums = sample.sums(_error(sample) ** 2, centred, centred**2, _ones(sample))
    return Statistic(sums, finish, support(sample, np.ones(len(centred), dtype=bool)))


def _mape(sample: Sample) -> Statistic:
    return _mean(
        sample, np.abs(np.divide(_error(sample), sample.y, out=np.full(len(sample.y), np.nan), where=sample.y != 0))
    )


def _smape(sample: Sample) -> Statistic:
    size = np.abs(sample.y) + np.abs(sample.scores)
    return _mean(sample, np.divide(2 * np.abs(_error(sample)), size, out=np.zeros(len(size)), where=size > 0))


def _wape(sample: Sample) -> Statistic:
    return ratio(sample, np.abs(_error(sample)), np.abs(sample.y))


Measure = Callable[[Sample], Statistic]
_BINARY: Mapping[str, Measure] = MappingProxyType(
    {
        "accuracy": _accuracy,
        "average_precision": ranks.average_precision,
        "balanced_accuracy": _balanced_accuracy,
        "brier": _brier,
        "expected_calibration_error": _calibration_error,
        "f1": _f1,
        "false_positive_rate": false_positive_rate,
        "log_loss": _log_loss,
        "precision": precision,
        "recall": recall,
        "roc_auc": ranks.roc_auc,
    }
)
_MULTICLASS: Mapping[str, Measure] = MappingProxyType(
    {
        "accuracy": _multiclass_accuracy,
        "log_loss": _multiclass_log_loss,
        "macro_f1": _macro_f1,
        "roc_auc_ovr": _roc_auc_ovr,
    }
)
_NUMERIC: Mapping[str, Measure] = MappingProxyType(
    {
        "bias": _bias,
        "mae": _mae,
        "mape": _mape,
        "median_absolute_error": _median_absolute_error,
        "r2": _r2,
        "rmse": _rmse,
        "smape": _smape,
        "wape": _wape,
    }
)
MEASURES: Mapping[str, Mapping[str, Measure]] = MappingProxyType(
    {BINARY: _BINARY, MULTICLASS: _MULTICLASS, **dict.fromkeys(NUMERIC, _NUMERIC)}
)
"""Task to metric name to what computes it."""


def definition(task: str, name: str) -> Metric:
    """Return what the compiler knows of a metric; raises KeyError for one that the task has not."""
    found = metric(name)
    if found is None or task not in found.tasks:
        raise KeyError(f"{task} has no metric {name}; it has {', '.join(sorted(MEASURES[task]))}")
    return found


def statistic(task: str, name: str, sample: Sample) -> Statistic:
    """Return the statistic of a metric on rows; raises KeyError for a metric that the task has not."""
    definition(task, name)
    return MEASURES[task][name](sample)


def why_undefined(name: str, sample: Sample) -> str:
    """Return in words why a metric has no value on these rows."""
    if name in {"r2", "mape", "wape"}:
        return _why_numeric(name, sample)
    if sample.scores.ndim == 1 and name != "precision" and len(np.unique(sample.y)) == 1:
        return f"all {len(sample.y):,} labels are {sample.y[0]:g}: both classes are needed"
    if name == "precision":
        return f"no row reaches the threshold {sample.threshold:.4g}"
    if name == "roc_auc_ovr":
        absent = sorted(set(range(sample.scores.shape[1])) - set(np.unique(sample.y).astype(int).tolist()))
        return f"no row has the class number {', '.join(map(str, absent))}" if absent else "only one class is present"
    return "it is 0 / 0 on these rows"


def _why_numeric(name: str, sample: Sample) -> str:
    zeros = int((sample.y == 0).sum())
    if name == "mape":
        return f"{zeros:,} of {len(sample.y):,} actual values are 0: use wape or smape"
    return "all actual values are 0" if name == "wape" else "all actual values are equal"
