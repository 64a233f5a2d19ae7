"""Monitors: every signal can be computed, has a bound, and a name of its own."""

from __future__ import annotations

from mlc_compiler.analysis.models import check_metric
from mlc_compiler.conventions import duration_text
from mlc_compiler.diagnostics import Related, Sink, nearest
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import BoundModel, Project
from mlc_compiler.metrics import metrics_of
from mlc_compiler.spec.monitor import Monitor, Signal

SHORTEST_WINDOW = 60.0
METHODS = {
    "feature_drift": ("psi", "jensen_shannon", "ks", "wasserstein", "chi_square"),
    "prediction_drift": ("psi", "jensen_shannon", "ks", "wasserstein", "chi_square"),
    "performance": (),
    "estimated_performance": ("cbpe",),
    "data_quality": (),
}


def check_monitors(project: Project, sink: Sink) -> None:
    """Report signals that could never be computed or never alert."""
    for monitor in project.monitors.values():
        _names(monitor, sink)
        for index, signal in enumerate(monitor.spec.signals):
            _method(monitor, index, signal, sink)
            _seen(monitor, index, signal, sink)
    for model in project.models:
        if model.monitor:
            for index, signal in enumerate(model.monitor.spec.signals):
                _signal(model, model.monitor, index, signal, sink)


def _names(monitor: Document[Monitor], sink: Sink) -> None:
    first: dict[str, int] = {}
    for index, signal in enumerate(monitor.spec.signals):
        if first.setdefault(signal.name, index) != index:
            sink.error(
                "MLC705",
                monitor.at("signals", index, "name"),
                f"a second signal is named `{signal.name}`",
                related=[Related("first", signal.name, monitor.at("signals", first[signal.name], "name"))],
                help="rename one of them",
            )


def _seen(monitor: Document[Monitor], index: int, signal: Signal, sink: Sink) -> None:
    """Report a window shorter than the time between two runs of the job that looks at it."""
    if signal.window < SHORTEST_WINDOW:
        unseen = f"{100 - round(100 * signal.window / SHORTEST_WINDOW)} %"
        sink.warn(
            "MLC707",
            monitor.at("signals", index, "window"),
            f"the monitor runs once a minute at most, and looks back {duration_text(signal.window)}: it never sees "
            f"{unseen} of the predictions",
            help="use `window: 1m` or longer",
            fix="1m",
        )


def _method(monitor: Document[Monitor], index: int, signal: Signal, sink: Sink) -> None:
    allowed = METHODS[signal.type]
    if signal.method and signal.method not in allowed:
        help = f"take one of {', '.join(allowed)}" if allowed else "remove `method`"
        sink.error(
            "MLC702",
            monitor.at("signals", index, "method"),
            f"`{signal.method}` can't compute {signal.type}",
            help=help,
        )
    if signal.type in ("performance", "estimated_performance") and signal.min is None and signal.max is None:
        sink.error(
            "MLC701",
            monitor.at("signals", index),
            f"`{signal.name}` has no bound, so it never alerts",
            help="add `min:` or `max:`",
        )


def _signal(model: BoundModel, monitor: Document[Monitor], index: int, signal: Signal, sink: Sink) -> None:
    if signal.type in ("performance", "estimated_performance"):
        if signal.metric is None:
            help = f"add e.g. `metric: {metrics_of(model.document.spec.task)[0].name}`"
            sink.error("MLC102", monitor.at("signals", index), f"`{signal.name}` names no metric", help=help)
        else:
            task = model.document.spec.task
            check_metric(monitor, signal.metric, task, ("signals", index, "metric"), "MLC703", sink)
    known = [f.name for f in model.features]
    for position, name in enumerate(signal.features):
        if name not in known:
            near = nearest(name, known)
            sink.error(
                "MLC704",
                monitor.at("signals", index, "features", position),
                f"model `{model.name}` has no feature `{name}`",
                help=f"did you mean `{near}`?" if near else f"its features are {', '.join(known)}",
            )
