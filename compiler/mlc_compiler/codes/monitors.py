"""7xx: signals, alerts, objectives and retraining."""

from __future__ import annotations

from mlc_compiler.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "MLC701",
        "signal without a bound",
        "The signal needs `min` or `max`, or a method that brings its own.",
    ),
    Code(
        "MLC702",
        "signal's method does not fit its type",
        "psi, jensen_shannon, ks, wasserstein and chi_square compare distributions; cbpe estimates performance; "
        "performance needs a metric.",
    ),
    Code(
        "MLC703",
        "metric does not fit the task",
        "The signal's metric is not defined for the model's task.",
    ),
    Code(
        "MLC704",
        "signal on an unknown feature",
        "The model has no feature of this name.",
    ),
    Code(
        "MLC705",
        "signal name taken twice",
        "Alerts, rules and retraining name a signal; two of one name can't be told apart.",
    ),
)
