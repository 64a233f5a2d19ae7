"""Monitors that watch less than before, or tell later."""

from __future__ import annotations

from collections.abc import Iterator

from mlc_compiler.conventions import duration_text
from mlc_compiler.middle import defaults
from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.plan.impact import ABSENT
from mlc_compiler.plan.leaves import text
from mlc_compiler.plan.risk import Risk, Severity
from mlc_compiler.spec.monitor import Monitor, Signal

Row = tuple[Severity, str, str, str, str]
"""Severity, message, before, after, field."""


def monitor_risks(before: ResolvedModel, after: ResolvedModel) -> Iterator[Risk]:
    """Yield what the monitor of a model gives up."""
    was, now = before.monitor, after.monitor
    if was is None:
        return
    if now is None:
        signals = ", ".join(s.name for s in was.spec.signals)
        message = f"{after.name} is no longer monitored"
        yield Risk("MLC964", "high", message, signals or "monitored", ABSENT, f"Monitor/{was.name}", "", after.name)
        return
    for severity, message, old, new, field in (*_signals(was.spec, now.spec), *_objectives(was.spec, now.spec)):
        where, label = f"monitor `{now.name}`: {message}", f"Monitor/{now.name}"
        yield Risk("MLC964", severity, where, old, new, label, f"spec.{field}", after.name)


def _signals(before: Monitor, after: Monitor) -> Iterator[Row]:
    now = {s.name: s for s in after.signals}
    same = {_watched(s) for s in after.signals}
    for was in before.signals:
        found = now.get(was.name)
        if found is None:
            if _watched(was) not in same:
                yield "high", f"alert `{was.name}` is removed", _bound(was), ABSENT, "signals"
        else:
            yield from _signal(was, found, f"signals.{after.signals.index(found)}")


def _watched(signal: Signal) -> tuple[object, ...]:
    """Return a signal without its name: one that is only called otherwise is not removed."""
    return tuple(text(getattr(signal, name)) for name in type(signal).model_fields if name != "name")


def _bound(signal: Signal) -> str:
    shown = [f"{n} {text(v)}" for n, v in (("min", signal.min), ("max", defaults.signal_max(signal))) if v is not None]
    return ", ".join((signal.type, *shown))


def _signal(before: Signal, after: Signal, field: str) -> Iterator[Row]:
    name = f"alert `{before.name}`"
    for bound, direction, was, now in (
        ("max", 1, defaults.signal_max(before), defaults.signal_max(after)),
        ("min", -1, before.min, after.min),
    ):
        same = defaults.signal_method(before) == defaults.signal_method(after) and before.metric == after.metric
        if same and was is not None and (now is None or (now - was) * direction > 0):
            yield "high", f"{name} is raised later", text(was), text(now), f"{field}.{bound}"
    if (before.severity, after.severity) == ("page", "ticket"):
        yield "medium", f"{name} no longer pages", "page", "ticket", f"{field}.severity"
    if after.window > before.window:
        shown = duration_text(before.window), duration_text(after.window)
        yield "medium", f"{name} looks over a longer time", *shown, f"{field}.window"
    if after.features and set(after.features) < set(before.features or (*after.features, "all others")):
        shown = text(list(before.features)) if before.features else "all features", text(list(after.features))
        yield "medium", f"{name} watches fewer features", *shown, f"{field}.features"


def _objectives(before: Monitor, after: Monitor) -> Iterator[Row]:
    for name, direction in (("availability", -1), ("latency_p99", 1)):
        was, now = getattr(before.slo, name), getattr(after.slo, name)
        if was is not None and (now is None or (now - was) * direction > 0):
            message = f"the objective of {name} is {'removed' if now is None else 'loosened'}"
            yield "high" if now is None else "medium", message, text(was), text(now), f"slo.{name}"
    asked = _asking(after)
    gone = [name for name, watched in _asking(before).items() if name not in asked and watched not in asked.values()]
    if gone:
        yield "medium", "a signal no longer asks for a new training", ", ".join(gone), ABSENT, "retrain"


def _asking(monitor: Monitor) -> dict[str, tuple[object, ...]]:
    """Return the signals that ask for a new training, by name."""
    names = monitor.retrain.on if monitor.retrain else ()
    return {signal.name: _watched(signal) for signal in monitor.signals if signal.name in names}
