"""PromQL of what a rollout watches, over the pods of the new version alone.

A query that has nothing to say returns nothing or NaN, never a zero: either is `no_data`, which must not pass.
"""

from __future__ import annotations

from mlc_compiler import conventions
from mlc_compiler.backend.workload import pinned
from mlc_compiler.ir import Analysis, Model, Release

POD_HASH = "pod-template-hash"
SHORTEST_WINDOW = 4 * conventions.SCRAPE_INTERVAL_SECONDS  # a rate over less can miss its two samples

_LATENCY = {"latency_p50": 0.5, "latency_p95": 0.95, "latency_p99": 0.99}
_NEEDS = {
    "error_rate": conventions.METRIC_REQUESTS,
    "prediction_drift": conventions.METRIC_PREDICTION_DRIFT,
    "prediction_mean": conventions.METRIC_PREDICTION,
    **dict.fromkeys(_LATENCY, conventions.METRIC_LATENCY),
}


def window(analysis: Analysis) -> float:
    """Return the seconds that one measurement looks back."""
    return max(analysis.interval, SHORTEST_WINDOW)


def query(release: Release, model: Model, analysis: Analysis, select: str) -> str:
    """Return the PromQL of one measurement. It says nothing below `min_requests`."""
    pods = _selector(release, model, select)
    value = _value(model, analysis, pods, conventions.duration_text(window(analysis)))
    needed = model.rollout.min_requests if model.rollout else 0
    if not needed:
        return value
    requests = _metric(model, conventions.METRIC_REQUESTS)
    enough = f"sum(increase({requests}{{{pods}}}[{conventions.duration_text(window(analysis))}])) >= {needed}"
    return f"({value}) and ({enough})"


def unmapped(model: Model, analysis: Analysis) -> str | None:
    """Return the metric that the analysis reads and the model's own runtime does not name, None if there is none."""
    runtime = model.serving.runtime
    if runtime is None:
        return None
    needed = [_NEEDS[analysis.metric]]
    if model.rollout and model.rollout.min_requests:
        needed.append(conventions.METRIC_REQUESTS)
    return next((name for name in needed if name not in dict(runtime.metrics)), None)


def reads_latency(analysis: Analysis) -> bool:
    """Tell whether the analysis reads the histogram of latencies."""
    return analysis.metric in _LATENCY


def _value(model: Model, analysis: Analysis, pods: str, over: str) -> str:
    name = _metric(model, _NEEDS[analysis.metric])
    if analysis.metric == "error_rate":
        # Without any error there is no series of errors: that is a rate of zero, unlike no requests at all.
        errors = f'(sum(rate({name}{{{pods},code=~"5.."}}[{over}])) or vector(0))'
        return f"{errors} / sum(rate({name}{{{pods}}}[{over}]))"
    if analysis.metric == "prediction_drift":
        # A server that has scored too little says NaN, which an average would spread to all.
        return f"avg({name}{{{pods}}} >= 0)"
    if analysis.metric == "prediction_mean":
        return f"sum(rate({name}_sum{{{pods}}}[{over}])) / sum(rate({name}_count{{{pods}}}[{over}]))"
    quantile = conventions.number_text(_LATENCY[analysis.metric])
    return f"histogram_quantile({quantile}, sum by (le) (rate({name}_bucket{{{pods}}}[{over}])))"


def _metric(model: Model, name: str) -> str:
    runtime = model.serving.runtime
    return dict(runtime.metrics).get(name, name) if runtime else name


def _selector(release: Release, model: Model, select: str) -> str:
    """Return the matchers of the new version's series.

    By pod they hold for every change of the pods, by version only for a new version of the model.
    """
    matchers = [f'namespace="{release.environment.namespace}"']
    if model.serving.runtime is None:
        matchers.append(f'model="{model.name}"')
    if select == "version":
        matchers.append(f'version="{conventions.short(pinned(model).version)}"')
    else:
        matchers.append(f'pod=~"{model.name}-{{{{args.{POD_HASH}}}}}-.+"')
    return ",".join(matchers)
