"""Presence: alerts on servers that are gone and on requests that stay away, for which every other alert is silent."""

from __future__ import annotations

from mlc_compiler import conventions
from mlc_compiler.backend.series import equals, select
from mlc_compiler.conventions import duration_text
from mlc_compiler.ir import Origin
from mlc_targets.prometheus.rules import PAGE, TICKET, Alert, Firing, Group, Scenario, Scope
from mlc_targets.prometheus.samples import sample

QUIET_WINDOW, QUIET_FOR = 900.0, 2700.0
LEAST_EXPECTED = 1000.0  # requests an hour, below which an hour without any may be chance or a quiet night


def presence_group(scope: Scope) -> Group:
    """Return the group of alerts on servers and requests that are missing."""
    absent = _absent(scope)
    quiet = _quiet(scope) if _expects_requests(scope) else None
    up, requests = _up_series(scope), _request_series(scope)
    scenarios = [
        Scenario("a server answers requests", ((up, "1+0"), *((name, "0+600") for name in requests))),
        Scenario("no server is there", (), (Firing(absent, 1.0, _absent_labels(scope)),)),
    ]
    if quiet:
        scenarios.append(Scenario("a server has never had a request", ((up, "1+0"),), (Firing(quiet, 0.0),)))
        series = ((up, "1+0"), *((name, "9+0") for name in requests))
        scenarios.append(Scenario("requests have ended", series, (Firing(quiet, 0.0),)))
    return Group(
        name="presence",
        interval=scope.options.scrape_interval,
        records=(),
        alerts=(absent, quiet) if quiet else (absent,),
        scenarios=tuple(scenarios),
    )


def _absent(scope: Scope) -> Alert:
    return Alert(
        name="MlcServerAbsent",
        expr=f"absent({_up(scope)})",
        pending=scope.pending(300.0),
        severity=PAGE,
        summary=f"No server of {scope.title} is seen",
        description="Prometheus scrapes no server of the model: it is down, or the scrape configuration misses it.",
        origin=Origin(scope.model.origin.document, "spec.serving"),
    )


def _quiet(scope: Scope) -> Alert:
    rate = scope.model.rollout.requests_per_second if scope.model.rollout else None
    counted = scope.series.server(conventions.METRIC_REQUESTS)
    window = duration_text(QUIET_WINDOW)
    return Alert(
        name="MlcRequestsAbsent",
        # A counter exists only from its first count on.
        expr=f"(sum(increase({counted}[{window}])) or vector(0)) == 0 and on () count({_up(scope)}) > 0",
        pending=scope.pending(QUIET_FOR),
        severity=TICKET,
        summary=f"{scope.title} gets no requests",
        description=(
            f"No request has come for {duration_text(QUIET_WINDOW + QUIET_FOR)}, where about "
            f"{conventions.number_text(rate or 0)} a second are expected: error ratio and latency are unknown."
        ),
        origin=Origin(scope.model.rollout.origin.document, "spec.traffic") if scope.model.rollout else Origin(""),
    )


def _expects_requests(scope: Scope) -> bool:
    rate = scope.model.rollout.requests_per_second if scope.model.rollout else None
    counted = scope.series.named(conventions.METRIC_REQUESTS) is not None
    return counted and rate is not None and rate * 3600 >= LEAST_EXPECTED


def _up(scope: Scope) -> str:
    """Return what has a value while a server is scraped."""
    if scope.model.serving.runtime:
        return f"{scope.series.targets()} == 1"
    return scope.series.server(conventions.METRIC_MODEL_INFO)


# --- tests -----------------------------------------------------------------------------------------------------------
def _absent_labels(scope: Scope) -> tuple[tuple[str, str], ...]:
    """Return the labels of `absent`: those that its selector fixes, none of a comparison."""
    if scope.model.serving.runtime:
        return ()
    return ((scope.series.namespace_label, scope.release.environment.namespace), ("model", scope.model.name))


def _up_series(scope: Scope) -> str:
    if scope.model.serving.runtime is None:
        return sample(scope, conventions.METRIC_MODEL_INFO, task=scope.model.task)
    series = scope.series
    pod = equals(series.pod_label, f"{scope.model.name}-7d4b9c6f5d-x2x4z")
    return select("up", equals(series.namespace_label, scope.release.environment.namespace), pod)


def _request_series(scope: Scope) -> tuple[str, ...]:
    if scope.series.named(conventions.METRIC_REQUESTS) is None:
        return ()
    return (sample(scope, conventions.METRIC_REQUESTS, code="200"),)
