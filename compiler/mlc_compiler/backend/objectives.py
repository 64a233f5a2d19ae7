"""What a model in production is held to: one reading of the specs, so alerts and dashboards draw the same lines."""

from __future__ import annotations

from mlc_compiler.ir import Model, Origin

MAJOR_SHIFT = 0.25  # the customary bound of a population stability index
MISSED_REFRESHES = 3  # without a new snapshot: one may fail and be tried again
SIGNAL_STALE = 10_800.0  # the monitor job runs every hour at least


def availability_objective(model: Model) -> tuple[float | None, Origin]:
    """Return the share of requests that must not fail, None where no Monitor states it."""
    if model.monitor is None:
        return None, model.origin
    return model.monitor.availability, Origin(model.monitor.origin.document, "spec.slo.availability")


def latency_objective(model: Model) -> tuple[float | None, Origin]:
    """Return the bound of the 99th percentile in seconds: the Monitor's objective, else what the model promises."""
    if model.monitor and model.monitor.latency_p99 is not None:
        return model.monitor.latency_p99, Origin(model.monitor.origin.document, "spec.slo.latency_p99")
    return model.serving.latency_p99, model.serving.origin.at("latency_p99")


def drift_objective(model: Model) -> tuple[float | None, Origin]:
    """Return the bound of the servers' drift gauge: the rollout's, else that of a signal of the same method, else the
    customary one; None where nothing in the specs asks about it."""
    for analysis in model.rollout.analysis if model.rollout else ():
        if analysis.metric == "prediction_drift" and analysis.max is not None:
            return analysis.max, analysis.origin.at("max")
    for signal in model.monitor.signals if model.monitor else ():
        if signal.type == "prediction_drift" and signal.method == "psi" and signal.max is not None:
            return signal.max, signal.origin.at("max")
    return (MAJOR_SHIFT, model.monitor.origin) if model.monitor else (None, model.origin)


def oldest_snapshot(model: Model) -> tuple[float, Origin]:
    """Return the age in seconds from which on the online snapshot is stale."""
    first = next(iter(model.features.lookups), None)
    document = first.origin.document if first else model.origin.document
    return MISSED_REFRESHES * model.features.refresh, Origin(document, "spec.online.refresh")
