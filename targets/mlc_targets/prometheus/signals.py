"""Signals: an alert on each value that the monitor job computes, and one where it has not computed it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from mlc_compiler import conventions
from mlc_compiler.backend.objectives import SIGNAL_STALE
from mlc_compiler.backend.series import equals
from mlc_compiler.conventions import duration_text, number_text
from mlc_compiler.ir import Monitor, Signal
from mlc_targets.prometheus.rules import TICKET, Alert, Firing, Group, Labels, Scenario, Scope, above, below, number
from mlc_targets.prometheus.samples import VERSION, job_sample


def signals_group(scope: Scope, monitor: Monitor) -> Group | None:
    """Return the group of the Monitor's signals, None where it has none."""
    if not monitor.signals:
        return None
    bounded = [(signal, _out_of_bounds(scope, signal)) for signal in monitor.signals if _is_bounded(signal)]
    computed = [(signal, _not_computed(scope, signal)) for signal in monitor.signals]
    return Group(
        name="signals",
        interval=scope.slow_interval,
        records=(),
        alerts=tuple(alert for _, alert in (*bounded, *computed)),
        scenarios=(
            Scenario("all signals are well", _series(scope, monitor, _well, "0+60")),
            *_bound_scenarios(scope, monitor, tuple(bounded)),
            *_computed_scenarios(scope, monitor, tuple(alert for _, alert in computed)),
        ),
    )


def _is_bounded(signal: Signal) -> bool:
    return signal.min is not None or signal.max is not None


def _out_of_bounds(scope: Scope, signal: Signal) -> Alert:
    matcher = equals("signal", signal.name)
    value = f"max by (model, version, signal, feature) ({scope.series.job(conventions.METRIC_SIGNAL_VALUE, matcher)})"
    time = f"max by (model, version, signal) ({scope.series.job(conventions.METRIC_SIGNAL_TIME, matcher)})"
    bounds = ((signal.min, "<"), (signal.max, ">"))
    broken = " or ".join(f"{value} {sign} {number(bound)}" for bound, sign in bounds if bound is not None)
    # What was computed long ago, or of a version that runs no more, is not news: the other alert tells of it.
    fresh = f"time() - {time} < {number(SIGNAL_STALE)}"
    return Alert(
        name="MlcSignalOutOfBounds",
        expr=f"({broken}) and on (model, version, signal) ({fresh})",
        pending=scope.pending(300.0),
        severity=signal.severity,
        summary=f"{_words(signal)} of {scope.title} is out of bounds",
        description=(
            f"{signal.name} ({_measure(signal)} over {duration_text(signal.window)}) is {{value}}, "
            f"{_allowed(signal)}.{{feature}} Version {{label:version}}."
        ),
        origin=signal.origin,
        labels=(("signal", signal.name),),
    )


def _not_computed(scope: Scope, signal: Signal) -> Alert:
    matcher = equals("signal", signal.name)
    time = scope.series.job(conventions.METRIC_SIGNAL_TIME, matcher)
    value = scope.series.job(conventions.METRIC_SIGNAL_VALUE, matcher)
    missing = f"max(absent({time})) or max(absent({value}))"  # nothing that could be compared
    unknown = f"count({value} != {value})"  # only NaN differs from itself
    return Alert(
        name="MlcSignalNotComputed",
        expr=f"time() - max({time}) > {number(SIGNAL_STALE)} or {missing} or {unknown}",
        pending=scope.pending(3600.0),
        severity=TICKET,
        summary=f"{_words(signal)} of {scope.title} is not known",
        description=(
            f"The monitor job has written no {signal.name} for {duration_text(SIGNAL_STALE)}, or could not compute it: "
            "whether it is within its bounds is not known."
        ),
        origin=signal.origin,
        labels=(("signal", signal.name),),
    )


def _words(signal: Signal) -> str:
    return signal.type.replace("_", " ").capitalize()


def _measure(signal: Signal) -> str:
    return f"{signal.metric} by {signal.method}" if signal.metric and signal.method == "cbpe" else (
        signal.metric or signal.method
    )  # fmt: skip


def _allowed(signal: Signal) -> str:
    low, high = signal.min, signal.max
    if low is not None and high is not None:
        return f"not between {number_text(low)} and {number_text(high)}"
    return f"below {number_text(low)}" if low is not None else f"above {number_text(high or 0)}"


def _by_feature(signal: Signal) -> bool:
    return signal.type in ("feature_drift", "data_quality")


# --- tests -----------------------------------------------------------------------------------------------------------
def _bound_scenarios(
    scope: Scope, monitor: Monitor, bounded: tuple[tuple[Signal, Alert], ...]
) -> Iterator[Scenario]:  # fmt: skip
    for title, beyond in (("below", _too_low), ("above", _too_high)):
        found = [(signal, alert, beyond(signal)) for signal, alert in bounded]
        firing = tuple(Firing(a, value, _labels(scope, s)) for s, a, value in found if value is not None)
        if firing:
            yield Scenario(f"signals are {title} their bounds", _series(scope, monitor, beyond, "0+60"), firing)


def _computed_scenarios(scope: Scope, monitor: Monitor, alerts: tuple[Alert, ...]) -> Iterator[Scenario]:
    firing = tuple(Firing(alert, 0.0) for alert in alerts)
    old = f"-{number(SIGNAL_STALE + 60)}+60"
    yield Scenario("signals were computed long ago", _series(scope, monitor, _bad, old), firing)
    yield Scenario("signals are not numbers", _series(scope, monitor, lambda _: math.nan, "0+60"), firing)
    yield Scenario("signals were never computed", (), firing)


def _series(
    scope: Scope, monitor: Monitor, chosen: Callable[[Signal], float | None], time: str
) -> tuple[tuple[str, str], ...]:
    """Return each signal's value, as chosen or well, and its timestamp."""
    found = []
    for signal in monitor.signals:
        value = chosen(signal)
        labels = {"signal": signal.name, **({"feature": _feature(scope, signal)} if _by_feature(signal) else {})}
        text = _well(signal) if value is None else value
        shown = "NaN" if math.isnan(text) else number(text)
        found.append((job_sample(scope, conventions.METRIC_SIGNAL_VALUE, **labels), f"{shown}+0"))
        found.append((job_sample(scope, conventions.METRIC_SIGNAL_TIME, signal=signal.name), time))
    return tuple(found)


def _feature(scope: Scope, signal: Signal) -> str:
    return (signal.features or tuple(feature.name for feature in scope.model.features.features))[0]


def _labels(scope: Scope, signal: Signal) -> Labels:
    feature = (("feature", _feature(scope, signal)),) if _by_feature(signal) else ()
    return (*feature, ("model", scope.model.name), ("signal", signal.name), ("version", VERSION))


def _well(signal: Signal) -> float:
    if signal.min is not None and signal.max is not None:
        return (signal.min + signal.max) / 2
    if signal.min is not None:
        return above(signal.min)
    return below(signal.max) if signal.max is not None else 0.0


def _too_low(signal: Signal) -> float | None:
    return below(signal.min) if signal.min is not None else None


def _too_high(signal: Signal) -> float | None:
    return above(signal.max) if signal.max is not None else None


def _bad(signal: Signal) -> float | None:
    return _too_high(signal) if signal.max is not None else _too_low(signal)
