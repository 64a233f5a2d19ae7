"""Predictions: an alert on the servers' own drift gauge, and one where it has no value to compare."""

from __future__ import annotations

from mlc_compiler import conventions
from mlc_compiler.backend.objectives import drift_objective
from mlc_compiler.ir import Origin
from mlc_targets.prometheus.rules import TICKET, Alert, Firing, Group, Scenario, Scope, above, below, number
from mlc_targets.prometheus.samples import VERSION, sample

UNKNOWN_FOR = 14_400.0


def predictions_group(scope: Scope) -> Group | None:
    """Return the group of the drift gauge, None where nothing in the specs asks about predictions."""
    bound, origin = drift_objective(scope.model)
    if bound is None or scope.series.named(conventions.METRIC_PREDICTION_DRIFT) is None:
        return None
    drift, unknown = _drift(scope, bound, origin), _unknown(scope, origin)
    return Group(
        name="predictions",
        interval=scope.options.scrape_interval,
        records=(),
        alerts=(drift, unknown),
        scenarios=_scenarios(scope, drift, unknown, bound),
    )


def _values(scope: Scope) -> str:
    # A server that has scored too little says NaN, which an average would spread to all.
    return f"avg by (model, version) ({scope.series.server(conventions.METRIC_PREDICTION_DRIFT)} >= 0)"


def _drift(scope: Scope, bound: float, origin: Origin) -> Alert:
    return Alert(
        name="MlcPredictionDrift",
        expr=f"{_values(scope)} > {number(bound)}",
        pending=scope.pending(1800.0),
        severity=TICKET,
        summary=f"{scope.title} predicts differently than when it was trained",
        description=(
            "The population stability index of the latest scores of version {label:version} is {value}, its bound "
            f"{conventions.number_text(bound)}."
        ),
        origin=origin,
    )


def _unknown(scope: Scope, origin: Origin) -> Alert:
    scraped = f"count by (model, version) ({scope.series.server(conventions.METRIC_MODEL_INFO)})"
    return Alert(
        name="MlcPredictionDriftUnknown",
        expr=f"{scraped} unless on (model, version) {_values(scope)}",
        pending=scope.pending(UNKNOWN_FOR),
        severity=TICKET,
        summary=f"{scope.title} has no prediction drift to look at",
        description=(
            "For 4 hours no server of version {label:version} has had the 100 scores that the index needs, or the "
            "package has no reference scores."
        ),
        origin=origin,
    )


def _scenarios(scope: Scope, drift: Alert, unknown: Alert, bound: float) -> tuple[Scenario, ...]:
    labels = (("model", scope.model.name), ("version", VERSION))
    up = (sample(scope, conventions.METRIC_MODEL_INFO, task=scope.model.task), "1+0")
    pod = {scope.series.pod_label: f"{scope.model.name}-7d4b9c6f5d-aaaaa"}
    gauge, other = (sample(scope, conventions.METRIC_PREDICTION_DRIFT, **names) for names in ({}, pod))
    value = above(bound)
    return (
        Scenario("scores are much as they were", (up, (gauge, f"{below(bound)}+0"))),
        Scenario(
            "scores have shifted, though a new server does not know yet",
            (up, (gauge, f"{value}+0"), (other, "NaN+0")),
            (Firing(drift, value, labels),),
        ),
        Scenario("there are too few scores", (up, (gauge, "NaN+0")), (Firing(unknown, 1.0, labels),)),
    )
