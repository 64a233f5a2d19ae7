"""Signals: an alert on each value that the monitor job computes, and one where it has not computed it."""

from __future__ import annotations

from mlc_compiler import conventions
from mlc_compiler.backend.series import equals
from mlc_compiler.conventions import duration_text, number_text
from mlc_compiler.ir import Monitor, Signal
from mlc_targets.prometheus.rules import TICKET, Alert, Firing, Group, Labels, Scenario, Scope, above, below, number
from mlc_targets.prometheus.samples import VERSION, job_sample

STALE = 10_800.0  # the monitor job runs every hour at least


def signals_group(scope: Scope, monitor: Monitor) -> Group | None:
    """Return the group of the Monitor's signals, None where it has none."""
    if not monitor.signals:
        return None
    bounded = [(signal, _out_of_bounds(scope, signal)) for signal in monitor.signals if _is_bounded(signal)]
    computed = [(signal, _not_computed(scope, signal)) for signal in monitor.signals]
    scenarios = [Scenario("all signals are well", _series(scope, monitor, {}))]
    for signal, alert in bounded:
        scenarios += _bound_scenarios(scope, monitor, signal, alert)
    for signal, alert in computed:
        scenarios += _computed_scenarios(scope, monitor, signal, alert)
    return Group(
        name="signals",
        interval=scope.slow_interval,
        records=(),
        alerts=tuple(alert for _, alert in (*bounded, *computed)),
        scenarios=tuple(scenarios),
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
    fresh = f"time() - {time} < {number(STALE)}"
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
        expr=f"time() - max({time}) > {number(STALE)} or {missing} or {unknown}",
        pending=scope.pending(3600.0),
        severity=TICKET,
        summary=f"{_words(signal)} of {scope.title} is not known",
        description=(
            f"The monitor job has written no {signal.name} for {duration_text(STALE)}, or could not compute it: whether "
            "it is within its bounds is not known."
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
def _bound_scenarios(scope: Scope, monitor: Monitor, signal: Signal, alert: Alert) -> list[Scenario]:
    found = []
    for bound, beyond, side in ((signal.min, below, "below"), (signal.max, above, "above")):
        if bound is not None:
            value = beyond(bound)
            firing = (Firing(alert, value, _labels(scope, signal)),)
            series = _series(scope, monitor, {signal.name: (f"{number(value)}+0", "0+60")})
            found.append(Scenario(f"{signal.name} is {side} its bound", series, firing))
    return found


def _computed_scenarios(scope: Scope, monitor: Monitor, signal: Signal, alert: Alert) -> list[Scenario]:
    well, firing = f"{number(_well(signal))}+0", (Firing(alert, 0.0),)
    bad = f"{number(_bad(signal))}+0"
    old = f"-{number(STALE + 60)}+60"
    return [
        Scenario(f"{signal.name} was computed long ago", _series(scope, monitor, {signal.name: (bad, old)}), firing),
        Scenario(f"{signal.name} is not a number", _series(scope, monitor, {signal.name: ("NaN+0", "0+60")}), firing),
        Scenario(f"{signal.name} was never computed", _series(scope, monitor, {signal.name: (well, "_")}), firing),
    ]


def _series(scope: Scope, monitor: Monitor, other: dict[str, tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return each signal's value and timestamp: well and fresh, but for those that `other` names."""
    found = []
    for signal in monitor.signals:
        value, time = other.get(signal.name, (f"{number(_well(signal))}+0", "0+60"))
        labels = {"signal": signal.name, **({"feature": _feature(scope, signal)} if _by_feature(signal) else {})}
        found.append((job_sample(scope, conventions.METRIC_SIGNAL_VALUE, **labels), value))
        if time != "_":
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


def _bad(signal: Signal) -> float:
    if signal.max is not None:
        return above(signal.max)
    return below(signal.min) if signal.min is not None else 0.0
