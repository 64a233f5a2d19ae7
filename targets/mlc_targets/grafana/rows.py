"""The rows of a model's dashboard: what its servers and its monitor job export, beside the bounds of the specs."""

from __future__ import annotations

from collections.abc import Iterator

from mlc_compiler import conventions
from mlc_compiler.backend.objectives import (
    SIGNAL_STALE,
    availability_objective,
    drift_objective,
    latency_objective,
    oldest_snapshot,
)
from mlc_compiler.backend.series import ERRORS, Series, equals
from mlc_compiler.conventions import duration_text, number_text
from mlc_compiler.ir import Model, Monitor, Origin, Rollout, Signal
from mlc_compiler.records import dataclass
from mlc_targets.grafana.panels import GREEN, RED, Panel, Query, Row, upper_bound

OVER = "$__rate_interval"  # Grafana makes it four scrapes at least
QUANTILES = (0.5, 0.95, 0.99)


@dataclass(frozen=True, slots=True)
class View:
    """One model in one environment, and how its series are found."""

    model: Model
    series: Series

    def rate(self, metric: str, *matchers: str) -> str:
        """Return the rate of a counter of the servers, not yet summed."""
        return f"rate({self.series.server(metric, *matchers)}[{OVER}])"

    def exports(self, metric: str) -> bool:
        """Tell whether the servers export a metric."""
        return self.series.named(metric) is not None


def rows(view: View) -> tuple[Row, ...]:
    """Return the rows that have something to show; a batch has its signals alone."""
    found = [*_server_rows(view)] if view.model.serving.mode == "online" else []
    if view.model.monitor and view.model.monitor.signals:
        found.append(_signals(view, view.model.monitor))
    return tuple(row for row in found if row.panels)


def _server_rows(view: View) -> Iterator[Row]:
    yield Row("Requests", tuple(_requests(view)))
    yield Row("Latency", tuple(_latency(view)))
    if view.model.serving.runtime is None:
        yield Row("Predictions", tuple(_predictions(view)))
        yield Row("Versions", tuple(_versions(view)))
        if view.model.features.lookups:
            yield Row("Online snapshot", tuple(_online(view)))
    yield Row("Servers", tuple(_servers(view)))


# --- requests and latency --------------------------------------------------------------------------------------------
def _requests(view: View) -> Iterator[Panel]:
    if not view.exports(conventions.METRIC_REQUESTS):
        return
    objective, origin = availability_objective(view.model)
    budget = None if objective is None else float(f"{1 - objective:.10g}")
    total = f"sum({view.rate(conventions.METRIC_REQUESTS)})"
    errors = f"(sum({view.rate(conventions.METRIC_REQUESTS, ERRORS)}) or vector(0))"
    yield Panel(
        title="Requests",
        description="Answered prediction requests a second, by HTTP status.",
        unit="reqps",
        queries=(Query(f"sum by (code) ({view.rate(conventions.METRIC_REQUESTS)})", "{{code}}"),),
        origin=view.model.origin,
        stacked=True,
    )
    yield Panel(
        title="Errors",
        description="Share of requests that failed (5xx). " + _budget_words(budget),
        unit="percentunit",
        queries=(Query(f"{errors} / {total}", "errors"),),
        origin=origin,
        steps=upper_bound(budget),
    )
    yield _availability(view, objective, origin)


def _availability(view: View, objective: float | None, origin: Origin) -> Panel:
    requests = view.series.server(conventions.METRIC_REQUESTS)
    failed = view.series.server(conventions.METRIC_REQUESTS, ERRORS)
    over = "[$__range]"
    stated = "The Monitor states no objective." if objective is None else f"The objective is {_percent(objective)}."
    return Panel(
        title="Availability",
        description=f"Share of requests that did not fail in the time shown. {stated}",
        unit="percentunit",
        queries=(
            Query(
                f"1 - (sum(increase({failed}{over})) or vector(0)) / sum(increase({requests}{over}))", "availability"
            ),
        ),
        origin=origin,
        kind="stat",
        steps=() if objective is None else ((objective, GREEN),),
        below=GREEN if objective is None else RED,
    )


def _budget_words(budget: float | None) -> str:
    if budget is None:
        return "The Monitor states no objective."
    return f"Above the line, {_percent(budget)}, the error budget burns faster than it lasts."


def _latency(view: View) -> Iterator[Panel]:
    if not view.exports(conventions.METRIC_LATENCY):
        return
    bound, origin = latency_objective(view.model)
    buckets = f"sum by (le) ({view.rate(f'{conventions.METRIC_LATENCY}_bucket')})"
    stated = (
        "No objective is stated." if bound is None else f"The 99th percentile's objective is {number_text(bound)} s."
    )
    yield Panel(
        title="Latency",
        description=f"Time from a request's headers to its answer: half, 95 % and 99 % are faster. {stated}",
        unit="s",
        queries=tuple(
            Query(f"histogram_quantile({number_text(q)}, {buckets})", f"p{round(q * 100)}") for q in QUANTILES
        ),
        origin=origin,
        steps=upper_bound(bound),
        width=12,
    )
    counted = view.series.server(f"{conventions.METRIC_LATENCY}_bucket")
    yield Panel(
        title="Latency, all requests",
        description="How many requests took how long.",
        unit="s",
        queries=(Query(f"sum by (le) (increase({counted}[{OVER}]))", "{{le}}"),),
        origin=origin,
        kind="heatmap",
        width=12,
    )


# --- predictions -----------------------------------------------------------------------------------------------------
def _predictions(view: View) -> Iterator[Panel]:
    classifies = view.model.task.endswith("classification")
    what = "Scores: the probability of the positive or predicted class" if classifies else "Predicted values"
    counted = view.series.server(f"{conventions.METRIC_PREDICTION}_bucket")
    yield Panel(
        title="Scores" if classifies else "Values",
        description=f"{what}, and how many rows had them.",
        unit="none",
        queries=(Query(f"sum by (le) (increase({counted}[{OVER}]))", "{{le}}"),),
        origin=view.model.origin,
        kind="heatmap",
    )
    if classifies:
        yield _classes(view)
    else:
        yield _mean(view)
    yield _drift(view)


def _classes(view: View) -> Panel:
    rates = view.rate(conventions.METRIC_PREDICTED_CLASS)
    return Panel(
        title="Classes",
        description="Share of rows predicted as each class.",
        unit="percentunit",
        queries=(Query(f"sum by (class) ({rates}) / on () group_left () sum({rates})", "{{class}}"),),
        origin=view.model.origin,
        stacked=True,
        most=1,
    )


def _mean(view: View) -> Panel:
    name = conventions.METRIC_PREDICTION
    return Panel(
        title="Mean",
        description="Mean of the predicted values.",
        unit="none",
        queries=(Query(f"sum({view.rate(f'{name}_sum')}) / sum({view.rate(f'{name}_count')})", "mean"),),
        origin=view.model.origin,
    )


def _drift(view: View) -> Panel:
    bound, origin = drift_objective(view.model)
    stated = "" if bound is None else f" The bound is {number_text(bound)}."
    drift = view.series.server(conventions.METRIC_PREDICTION_DRIFT)
    return Panel(
        title="Prediction drift",
        description="Population stability index of each version's latest scores against those of training; without a "
        f"value below 100 scores.{stated}",
        unit="none",
        queries=(Query(f"avg by (version) ({drift} >= 0)", "{{version}}"),),
        origin=origin,
        steps=upper_bound(bound),
    )


# --- versions, servers, snapshot -------------------------------------------------------------------------------------
def _versions(view: View) -> Iterator[Panel]:
    origin = view.model.rollout.origin if view.model.rollout else view.model.origin
    requests, errors = (view.rate(conventions.METRIC_REQUESTS, *m) for m in ((), (ERRORS,)))
    by_version = f"sum by (version) ({requests})"
    yield Panel(
        title="Requests by version",
        description=f"Share of requests that each version answers.{_steps(view.model.rollout)}",
        unit="percentunit",
        queries=(Query(f"{by_version} / on () group_left () sum({requests})", "{{version}}"),),
        origin=origin,
        stacked=True,
        most=1,
    )
    yield Panel(
        title="Errors by version",
        description="Share of each version's requests that failed (5xx)." + _bound_words(view.model, "error_rate", ""),
        unit="percentunit",
        # A version without errors has no series of them: its share is zero, not unknown.
        queries=(Query(f"(sum by (version) ({errors}) or {by_version} * 0) / {by_version}", "{{version}}"),),
        origin=origin,
        steps=upper_bound(_analysis_bound(view.model, "error_rate")),
    )
    buckets = f"sum by (le, version) ({view.rate(f'{conventions.METRIC_LATENCY}_bucket')})"
    yield Panel(
        title="Latency by version",
        description="99th percentile of each version." + _bound_words(view.model, "latency_p99", " s"),
        unit="s",
        queries=(Query(f"histogram_quantile(0.99, {buckets})", "{{version}}"),),
        origin=origin,
        steps=upper_bound(_analysis_bound(view.model, "latency_p99")),
    )


def _steps(rollout: Rollout | None) -> str:
    if rollout is None or not rollout.steps:
        return ""
    steps = [f"{number_text(s.weight)} %" + (f" for {duration_text(s.hold)}" if s.hold else "") for s in rollout.steps]
    return f" The rollout ({rollout.strategy.replace('_', ' ')}): {', '.join(steps)}."


def _analysis_bound(model: Model, metric: str) -> float | None:
    analyses = model.rollout.analysis if model.rollout else ()
    return next((a.max for a in analyses if a.metric == metric and a.max is not None), None)


def _bound_words(model: Model, metric: str, unit: str) -> str:
    bound = _analysis_bound(model, metric)
    return "" if bound is None else f" The rollout goes back above {number_text(bound)}{unit}."


def _servers(view: View) -> Iterator[Panel]:
    serving = view.model.serving
    own = serving.runtime is None
    up = view.series.server(conventions.METRIC_MODEL_INFO) if own else f"{view.series.targets()} == 1"
    limits = f"{serving.min_replicas} to {serving.max_replicas}"
    yield Panel(
        title="Servers",
        description=f"Servers that are scraped, by version; {limits} are meant to run.",
        unit="short",
        queries=(Query(f"count by (version) ({up})", "{{version}}"),) if own else (Query(f"count({up})", "servers"),),
        origin=serving.origin.at("replicas"),
        steps=((serving.min_replicas, GREEN),),
        below=RED,
        width=12,
    )
    if view.exports(conventions.METRIC_IN_FLIGHT):
        flight = view.series.server(conventions.METRIC_IN_FLIGHT)
        yield Panel(
            title="Requests in flight",
            description="Prediction requests that are being answered, all servers together and the busiest one.",
            unit="short",
            queries=(Query(f"sum({flight})", "all"), Query(f"max({flight})", "busiest")),
            origin=serving.origin,
            width=12,
        )


def _online(view: View) -> Iterator[Panel]:
    oldest, origin = oldest_snapshot(view.model)
    refresh = duration_text(view.model.features.refresh)
    age = view.series.server(conventions.METRIC_ONLINE_AGE)
    yield Panel(
        title="Age of the snapshot",
        description=f"Since the snapshot in use was written; it is to be rewritten every {refresh} and counts as stale "
        f"after {duration_text(oldest)}.",
        unit="s",
        queries=(Query(f"max by (version) ({age})", "{{version}}"),),
        origin=origin,
        steps=upper_bound(oldest),
        width=12,
    )
    missed, scored = (
        view.rate(metric) for metric in (conventions.METRIC_LOOKUP_MISSES, f"{conventions.METRIC_PREDICTION}_count")
    )
    yield Panel(
        title="Lookup misses",
        description="Share of rows without an entry in a lookup of the snapshot: the features from it are null.",
        unit="percentunit",
        queries=(Query(f"sum by (lookup) ({missed}) / on () group_left () sum({scored})", "{{lookup}}"),),
        origin=origin,
        width=12,
        most=1,
    )


# --- signals ---------------------------------------------------------------------------------------------------------
def _signals(view: View, monitor: Monitor) -> Row:
    return Row("Signals", (*(_signal(view, signal) for signal in monitor.signals), _computed(view, monitor)))


def _signal(view: View, signal: Signal) -> Panel:
    value = view.series.job(conventions.METRIC_SIGNAL_VALUE, equals("signal", signal.name))
    measure = " by ".join(part for part in (signal.metric, signal.method) if part and part != "metric")
    given = (("at least", signal.min), ("at most", signal.max))
    bounds = " and ".join(f"{words} {number_text(bound)}" for words, bound in given if bound is not None)
    low, high = signal.min, signal.max
    return Panel(
        title=signal.name,
        description=f"{signal.type.replace('_', ' ').capitalize()}, {measure}, over {duration_text(signal.window)}; "
        + (f"{bounds} is well." if bounds else "without a bound."),
        unit="none",
        queries=(Query(f"max by (feature, version) ({value})", "{{feature}} {{version}}"),),
        origin=signal.origin,
        steps=(*(((low, GREEN),) if low is not None else ()), *(((high, RED),) if high is not None else ())),
        below=GREEN if low is None else RED,
    )


def _computed(view: View, monitor: Monitor) -> Panel:
    time = view.series.job(conventions.METRIC_SIGNAL_TIME)
    return Panel(
        title="Age of the signals",
        description="Since the monitor job computed each signal; older ones say nothing about now.",
        unit="s",
        queries=(Query(f"time() - max by (signal) ({time})", "{{signal}}"),),
        origin=monitor.origin,
        steps=upper_bound(SIGNAL_STALE),
    )


def _percent(share: float) -> str:
    return f"{number_text(float(f'{share * 100:.10g}'))} %"
