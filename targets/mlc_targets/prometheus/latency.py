"""Latency: quantiles of the answers' times, and an alert when the 99th percentile stays above its objective."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mlc_compiler import conventions
from mlc_compiler.backend.objectives import latency_objective
from mlc_compiler.backend.target import Unsupported
from mlc_compiler.conventions import duration_text
from mlc_compiler.ir import Model, Origin
from mlc_targets.prometheus.capabilities import ROWS
from mlc_targets.prometheus.rules import PAGE, RATE_WINDOW, Alert, Firing, Group, Record, Scenario, Scope, number
from mlc_targets.prometheus.samples import quantile_near, sample

QUANTILES = (0.5, 0.95, 0.99)
LONG_WINDOW = 3600.0


def latency_group(scope: Scope) -> Group:
    """Return the group of the model's latencies; it alerts where the Monitor or the model states a bound."""
    bound, origin = latency_objective(scope.model)
    records = [_record(scope, quantile, RATE_WINDOW, origin) for quantile in QUANTILES]
    if bound is not None:
        records.append(_record(scope, QUANTILES[-1], LONG_WINDOW, origin))
    group = Group("latency", scope.slow_interval, tuple(records), alerts=(), scenarios=())
    if bound is None:
        return group
    alert = _alert(scope, bound, origin)
    return replace(group, alerts=(alert,), scenarios=tuple(_scenarios(scope, alert, bound)))


def check_latency(model: Model) -> Iterator[Unsupported]:
    """Yield what no alert can express of the objective; only mlc's own server has buckets that are known."""
    bound, origin = latency_objective(model)
    if bound is None or model.serving.runtime:
        return
    first, last = conventions.LATENCY_BUCKETS[0], conventions.LATENCY_BUCKETS[-1]
    if not first <= bound < last:
        yield Unsupported(
            origin,
            f"the server's latency histogram reaches from {duration_text(first)} to {duration_text(last)}: a 99th "
            f"percentile can't be compared with {duration_text(bound)}",
            f"state {duration_text(first)} or more, below {duration_text(last)}",
            ROWS["latency"].source,
        )


def quantile_name(quantile: float, window: float) -> str:
    """Return the name of a recorded quantile.

    >>> quantile_name(0.99, 300)
    'model:mlc_request_duration_seconds:p99_5m'
    """
    return f"model:{conventions.METRIC_LATENCY}:p{round(quantile * 100)}_{duration_text(window)}"


def _record(scope: Scope, quantile: float, window: float, origin: Origin) -> Record:
    buckets = f"rate({scope.series.server(f'{conventions.METRIC_LATENCY}_bucket')}[{duration_text(window)}])"
    expr = f"histogram_quantile({conventions.number_text(quantile)}, sum by (le) ({buckets}))"
    return Record(quantile_name(quantile, window), expr, origin)


def _alert(scope: Scope, bound: float, origin: Origin) -> Alert:
    long, short = (scope.recorded(quantile_name(0.99, window)) for window in (LONG_WINDOW, RATE_WINDOW))
    return Alert(
        name="MlcLatencyAboveObjective",
        expr=f"{long} > {number(bound)} and {short} > {number(bound)}",
        pending=scope.pending(300.0),
        severity=PAGE,
        summary=f"{scope.title} answers more slowly than its objective",
        description=(
            f"The 99th percentile of the last {duration_text(LONG_WINDOW)} is {{value}}, its objective "
            f"{conventions.number_text(bound)} s."
        ),
        origin=origin,
        shown="seconds",
    )


def _scenarios(scope: Scope, alert: Alert, bound: float) -> Iterator[Scenario]:
    fast, slow = quantile_near(bound, exceeds=False), quantile_near(bound, exceeds=True)
    yield Scenario("the 99th percentile is just below its objective", _series(scope, fast[1]))
    firing = (Firing(alert, slow[0], scope.labels),)
    yield Scenario("the 99th percentile is just above its objective", _series(scope, slow[1]), firing)


def _series(scope: Scope, buckets: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    name = f"{conventions.METRIC_LATENCY}_bucket"
    return tuple((sample(scope, name, le=edge), values) for edge, values in buckets)
