"""7xx: signals, alerts, objectives and retraining."""

from __future__ import annotations

from mlc_compiler.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "MLC701",
        "signal without a bound",
        "The signal needs `min` or `max`, or a method that brings its own bound; otherwise it is computed and "
        "never alerts anybody. Take the bound from the report of a run.",
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
        "The signal's metric is not defined for the model's task. The help lists those that are.",
    ),
    Code(
        "MLC704",
        "signal on an unknown feature",
        "The signal compares features of the model, and the model has none of this name: it was renamed, "
        "excluded, or never selected. The help names the nearest.",
    ),
    Code(
        "MLC705",
        "signal name taken twice",
        "Alerts, rules and retraining name a signal, so that two of one name can't be told apart. Rename one "
        "of them, and what refers to it.",
    ),
)
