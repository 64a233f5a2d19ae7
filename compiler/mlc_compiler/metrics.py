"""The metrics that specs may name: tasks, direction, range. Pure data, so that the compiler checks gates without numpy.

The local target computes them (`mlc_targets.local.gates.metrics`); a test holds both tables in step.
"""

from __future__ import annotations

from typing import Literal

from mlc_compiler.records import dataclass

BINARY = "binary_classification"
MULTICLASS = "multiclass_classification"
CLASSIFICATION = (BINARY, MULTICLASS)
NUMERIC = ("regression", "forecast")

# What intervals are made of: the local target computes by these, and gates are reckoned by them beforehand.
MIN_BLOCKS = 5  # days, groups or rows that must inform a value for it to have an interval
MAX_BLOCKS = 200  # more are dealt into so many
RESAMPLES = 1000  # of blocks, where no formula follows a value
TIMINGS = 1_000  # single predictions that a latency check times


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric; `low` and `high` bound its values, None where unbounded; `better` zero means: the closer to zero."""

    name: str
    tasks: tuple[str, ...]
    better: Literal["higher", "lower", "zero"]
    low: float | None
    high: float | None
    summary: str
    operating_point: bool = False  # of decisions at the threshold, not of scores

    def admits(self, value: float) -> bool:
        """Tell whether the metric can have this value."""
        return (self.low is None or self.low <= value) and (self.high is None or value <= self.high)


@dataclass(frozen=True, slots=True)
class FairnessRatio:
    """A ratio between groups, smallest rate over largest: 1 is equal treatment, 0.8 the four-fifths rule."""

    name: str
    rates: tuple[str, ...]
    summary: str


METRICS: tuple[Metric, ...] = (
    Metric("accuracy", CLASSIFICATION, "higher", 0, 1, "share of rows classified right", operating_point=True),
    Metric("average_precision", (BINARY,), "higher", 0, 1, "area under the precision-recall steps"),
    Metric("balanced_accuracy", (BINARY,), "higher", 0, 1, "mean of both classes' recall", operating_point=True),
    Metric("bias", NUMERIC, "zero", None, None, "mean of prediction minus actual"),
    Metric("brier", (BINARY,), "lower", 0, 1, "mean squared error of the probability"),
    Metric("expected_calibration_error", (BINARY,), "lower", 0, 1, "mean gap between score and share, 10 equal bins"),
    Metric("f1", (BINARY,), "higher", 0, 1, "harmonic mean of precision and recall", operating_point=True),
    Metric(
        "false_positive_rate", (BINARY,), "lower", 0, 1, "share of negatives predicted positive", operating_point=True
    ),
    Metric("log_loss", CLASSIFICATION, "lower", 0, None, "mean negative log of the true class's probability"),
    Metric("macro_f1", (MULTICLASS,), "higher", 0, 1, "mean of the classes' f1", operating_point=True),
    Metric("mae", NUMERIC, "lower", 0, None, "mean absolute error"),
    Metric("mape", NUMERIC, "lower", 0, None, "mean absolute error as a share of the actual; undefined where one is 0"),
    Metric("median_absolute_error", NUMERIC, "lower", 0, None, "median of the absolute errors"),
    Metric(
        "precision", (BINARY,), "higher", 0, 1, "share of predicted positives that are positive", operating_point=True
    ),
    Metric("r2", NUMERIC, "higher", None, 1, "share of variance explained"),
    Metric("recall", (BINARY,), "higher", 0, 1, "share of positives predicted positive", operating_point=True),
    Metric("rmse", NUMERIC, "lower", 0, None, "root of the mean squared error"),
    Metric("roc_auc", (BINARY,), "higher", 0, 1, "chance that a positive scores above a negative"),
    Metric("roc_auc_ovr", (MULTICLASS,), "higher", 0, 1, "mean of each class's roc_auc against the rest"),
    Metric("smape", NUMERIC, "lower", 0, 2, "mean of 2|error| over |actual| + |prediction|; 0 where both are 0"),
    Metric("wape", NUMERIC, "lower", 0, None, "sum of absolute errors over sum of absolute actuals"),
)

FAIRNESS: tuple[FairnessRatio, ...] = (
    FairnessRatio("demographic_parity", ("selection",), "share predicted positive"),
    FairnessRatio("disparate_impact", ("selection",), "share predicted positive: demographic parity by its legal name"),
    FairnessRatio("equal_opportunity", ("true_positive",), "share of positives predicted positive"),
    FairnessRatio("equalized_odds", ("true_positive", "false_positive"), "the smaller of both classes' ratios"),
    FairnessRatio("predictive_parity", ("precision",), "share of predicted positives that are positive"),
)


def metric(name: str) -> Metric | None:
    """Return the metric of this name.

    >>> metric("roc_auc").better
    'higher'
    """
    return next((m for m in METRICS if m.name == name), None)


def metrics_of(task: str) -> tuple[Metric, ...]:
    """Return the metrics of a task, sorted by name.

    >>> [m.name for m in metrics_of("multiclass_classification")]
    ['accuracy', 'log_loss', 'macro_f1', 'roc_auc_ovr']
    """
    return tuple(m for m in METRICS if task in m.tasks)
