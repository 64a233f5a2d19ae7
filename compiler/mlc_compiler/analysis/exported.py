"""What rollouts and objectives read of a server, against what it exports and how often it is scraped."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlc_compiler import conventions
from mlc_compiler.analysis.measurements import SCRAPES, window
from mlc_compiler.conventions import counted, duration_text
from mlc_compiler.diagnostics import Place, Related, Sink, nearest
from mlc_compiler.frontend.project import BoundModel, Project

SERVER_METRICS = (
    conventions.METRIC_IN_FLIGHT,
    conventions.METRIC_LATENCY,
    conventions.METRIC_LOOKUP_MISSES,
    conventions.METRIC_MODEL_INFO,
    conventions.METRIC_ONLINE_AGE,
    conventions.METRIC_PREDICTED_CLASS,
    conventions.METRIC_PREDICTION,
    conventions.METRIC_PREDICTION_DRIFT,
    conventions.METRIC_REQUESTS,
)
_READ = {
    "error_rate": conventions.METRIC_REQUESTS,
    "prediction_drift": conventions.METRIC_PREDICTION_DRIFT,
    "prediction_mean": conventions.METRIC_PREDICTION,
}
_DURATION = re.compile(r"(\d+)(s|m)")
Need = tuple[str, str, Place]
"""A metric, what reads it, and where that stands."""


def check_exported(project: Project, sink: Sink) -> None:
    """Report metrics that another server does not export, and measurements of fewer scrapes than a rate takes."""
    for model in project.models:
        if model.document.spec.serving.runtime is not None and model.document.spec.serving.mode == "online":
            _names(model, sink)
            _missing(model, sink)
    for name, options in sorted(project.spec.targets.items()):
        interval = _seconds((options or {}).get("scrape_interval"))
        if interval > conventions.SCRAPE_INTERVAL_SECONDS:
            _scrapes(project, name, interval, sink)


def _names(model: BoundModel, sink: Sink) -> None:
    runtime = model.document.spec.serving.runtime
    for name in runtime.metrics if runtime else ():
        if name in SERVER_METRICS:
            continue
        near = nearest(name, SERVER_METRICS)
        sink.error(
            "MLC706",
            model.document.at("serving", "runtime", "metrics", name).name(),
            f"no rule reads a metric `{name}`",
            help=f"did you mean `{near}`?" if near else f"those that are read: {', '.join(SERVER_METRICS)}",
            fix=near or "",
        )


def _missing(model: BoundModel, sink: Sink) -> None:
    document, told = model.document, set()
    runtime = document.spec.serving.runtime
    for metric, reader, place in _needs(model):
        if runtime is None or metric in runtime.metrics or (metric, reader) in told:
            continue
        told.add((metric, reader))
        sink.error(
            "MLC706",
            place,
            f"{reader} reads `{metric}`, which the server of `{model.name}` does not export under any name",
            related=[Related("server", runtime.image, document.at("serving", "runtime", "image"))],
            help=f"write `serving.runtime.metrics: {{{metric}: <the server's metric>}}`, or leave it out",
        )


def _needs(model: BoundModel) -> Iterator[Need]:
    rollout, monitor = model.rollout, model.monitor
    for index, analysis in enumerate(rollout.spec.analysis if rollout else ()):
        if rollout is not None and rollout.spec.strategy != "rolling":
            read = _READ.get(analysis.metric, conventions.METRIC_LATENCY)
            yield read, f"the analysis of {analysis.metric}", rollout.at("analysis", index, "metric")
    if rollout is not None and rollout.spec.min_requests and rollout.spec.analysis:
        yield conventions.METRIC_REQUESTS, "`min_requests`", rollout.at("min_requests")
    if monitor is not None and monitor.spec.slo.availability is not None:
        yield conventions.METRIC_REQUESTS, "the objective of availability", monitor.at("slo", "availability")
    if monitor is not None and monitor.spec.slo.latency_p99 is not None:
        yield conventions.METRIC_LATENCY, "the objective of latency", monitor.at("slo", "latency_p99")


def _scrapes(project: Project, target: str, interval: float, sink: Sink) -> None:
    place = project.document.at("targets", target, "scrape_interval")
    for rollout in project.rollouts.values():
        for index, analysis in enumerate(rollout.spec.analysis):
            seconds = window(analysis)
            if analysis.metric == "prediction_drift" or seconds >= SCRAPES * interval:
                continue
            found = int(seconds // interval)
            report = sink.error if found < 2 else sink.warn
            nothing = "a rate of fewer than two is nothing" if found < 2 else f"a rate wants {SCRAPES}"
            report(
                "MLC618",
                rollout.at("analysis", index, "interval"),
                f"a measurement of {analysis.metric} looks back {duration_text(seconds)}, in which servers are scraped "
                f"{counted(found, 'time')}: {nothing}",
                related=[Related("scrape_interval", duration_text(interval), place)],
                help=f"use `interval: {duration_text(SCRAPES * interval)}`, or scrape every "
                f"{duration_text(seconds / SCRAPES)}",
            )


def _seconds(value: object) -> float:
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    return float(match[1]) * (60 if match[2] == "m" else 1) if match else 0.0
