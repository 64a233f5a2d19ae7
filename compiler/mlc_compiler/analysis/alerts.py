"""Alerts that chance or too little traffic would raise: what each signal shows where nothing is wrong.

Drift is computed as the monitor job does: beyond its bound a value counts only where chance alone (1 % of windows, over
all features of a signal) does not reach it, and is else unknown, which is an alert too. Rows are taken as independent.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlc_compiler.analysis.drift_null import BINS, bound_for, exceeds_by_chance
from mlc_compiler.analysis.exceedance import exceeds
from mlc_compiler.analysis.figures import amount, count, percent, rate
from mlc_compiler.analysis.labels import check_labels, rows_of
from mlc_compiler.analysis.subject import Subject
from mlc_compiler.analysis.variants import Variant, report, variants
from mlc_compiler.conventions import duration_text, number_text
from mlc_compiler.diagnostics import Place, Related, Sink
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import BoundModel
from mlc_compiler.ir import Feature
from mlc_compiler.middle import defaults
from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.records import dataclass
from mlc_compiler.spec.monitor import Monitor, Signal

DAY, WEEK, HOUR = 86_400.0, 604_800.0, 3600.0
BY_CHANCE = 0.01
"""Share of windows without drift in which the monitor job lets a signal be out of bounds."""
OFTEN = 0.05
"""Share of windows from which on a signal's bound lies within noise."""
FAST_BURN, FAST_WINDOW = 14.4, HOUR
"""The page that comes first: how much faster than allowed the error budget burns, and over how long."""
_LONGEST = 90 * DAY


@dataclass(frozen=True, slots=True)
class _Noise:
    """What a drift signal does by chance: rows of a window and a reference; of each feature cells and P(beyond)."""

    signal: Signal
    index: int
    rows: float
    reference: float
    cells: tuple[int, ...]
    beyond: tuple[float, ...]

    @property
    def windows(self) -> float:
        """Return the windows of a week; between two that touch, the job computes others, which are hardly new."""
        return WEEK / self.signal.window

    @property
    def any(self) -> float:
        """Return the probability that a window has a value beyond its bound."""
        return 1.0 - math.prod(1.0 - p for p in self.beyond)

    @property
    def alarms(self) -> float:
        """Return the alerts of a window: each feature out of bounds, and one if any is unknown."""
        allowed = BY_CHANCE / max(len(self.beyond), 1)
        told = [min(p, allowed) for p in self.beyond]
        return sum(told) + 1.0 - math.prod(1.0 - (p - t) for p, t in zip(self.beyond, told, strict=True))


def prove_alerts(subject: Subject, sink: Sink) -> None:
    """Report alerts that would be raised, or would stay away, for reasons that have nothing to do with the model."""
    for bound, model in subject.pairs():
        if bound.monitor is None or model.monitor is None:
            continue
        statistics = subject.lock.models.get(bound.name)
        found = [(variant, Sink()) for variant in variants(subject.project, model)]
        for variant, told in found:
            _monitor(bound, bound.monitor, variant, statistics, told)
        report(found, sink)


def _monitor(
    bound: BoundModel, document: Document[Monitor], variant: Variant, statistics: Mapping[str, Any] | None, sink: Sink
) -> None:
    monitor = variant.model.monitor.spec if variant.model.monitor else document.spec
    pages = _objective(bound, document, monitor, variant, sink)
    if statistics is None:
        return
    check_labels(bound, document, variant, statistics, sink)
    noises = tuple(_noises(monitor, variant.model, statistics))
    for noise in noises:
        _within_noise(document, noise, variant, sink)
    _budget(document, monitor, noises, pages, variant, sink)


# --- drift -----------------------------------------------------------------------------------------------------------
def _noises(monitor: Monitor, model: ResolvedModel, statistics: Mapping[str, Any]) -> Iterator[_Noise]:
    folds, features = statistics.get("folds", {}), model.features.features
    for index, signal in enumerate(monitor.signals):
        most = defaults.signal_max(signal)
        if most is None or signal.type not in ("feature_drift", "prediction_drift"):
            continue
        split = monitor.reference.split if signal.type == "feature_drift" else "validation"
        reference = float((folds.get(split) or {}).get("rows", 0))
        rows = rows_of(statistics, signal)
        watched = [f for f in features if not signal.features or f.name in signal.features]
        cells = tuple(map(_cells, watched)) if signal.type == "feature_drift" else (BINS,)
        method = defaults.signal_method(signal)
        chance = {k: exceeds_by_chance(method, rows, reference, k, most) for k in set(cells)}
        if rows > 0 and reference > 0 and cells:
            yield _Noise(signal, index, rows, reference, cells, tuple(chance[k] for k in cells))


def _cells(feature: Feature) -> int:
    """Return the cells of a feature: tenths of a number; a category's are taken to be as many."""
    return 2 if feature.kind == "boolean" else BINS


def _within_noise(document: Document[Monitor], noise: _Noise, variant: Variant, sink: Sink) -> None:
    """Report a bound that windows without any drift exceed."""
    if noise.any <= OFTEN:
        return
    most, features = defaults.signal_max(noise.signal) or 0.0, len(noise.cells)
    which = "the scores are" if noise.signal.type == "prediction_drift" else f"one of {count(features, 'feature')} is"
    field = "max" if noise.signal.max is not None else "window"
    sink.warn(
        "MLC708",
        document.at("signals", noise.index, field),
        f"{variant.where}{duration_text(noise.signal.window)} holds {count(noise.rows, 'row')}: where nothing drifts, "
        f"{which} beyond {number_text(most)} in {percent(noise.any)} of the windows",
        related=[
            Related("reference", f"{amount(noise.reference)} rows", document.at("reference", "split")),
            *variant.related,
        ],
        help=_quieter(noise, BY_CHANCE),
    )


def _quieter(noise: _Noise, chance: float) -> str:
    """Return the bound, or the window, at which a window is beyond its bound by chance no more often than that."""
    each = chance / len(noise.cells)
    method = defaults.signal_method(noise.signal)
    least = max(bound_for(method, noise.rows, noise.reference, k, each) for k in set(noise.cells))
    higher = f"`max: {number_text(math.ceil(least * 100) / 100)}`"
    longer = _longer(noise, method, each)
    return f"use {higher}" + (f" or `window: {duration_text(longer)}`" if longer else "")


def _longer(noise: _Noise, method: str, each: float) -> float | None:
    """Return the window in whole days with enough rows for the bound that there is, None where 90 days are too few."""
    most = defaults.signal_max(noise.signal) or 0.0
    days = max(1, math.ceil(noise.signal.window / DAY))
    while days * DAY <= _LONGEST:
        rows = noise.rows * days * DAY / noise.signal.window
        if all(exceeds_by_chance(method, rows, noise.reference, k, most) <= each for k in set(noise.cells)):
            return days * DAY
        days += max(1, days // 4)
    return None


# --- objectives ------------------------------------------------------------------------------------------------------
def _objective(
    bound: BoundModel, document: Document[Monitor], monitor: Monitor, variant: Variant, sink: Sink
) -> float:  # fmt: skip
    """Report an availability that chance or the stated baseline breaks; return the pages of a week by chance."""
    available, rollout = monitor.slo.availability, variant.model.rollout
    if available is None or not 0 < available < 1 or rollout is None or bound.rollout is None:
        return 0.0
    allowed = 1.0 - available
    _baseline(bound, document, allowed, sink)
    if rollout.spec.traffic is None:
        return 0.0
    requests = rollout.spec.traffic.requests_per_second * FAST_WINDOW
    limit = min(FAST_BURN * allowed, (allowed + 1) / 2)
    if requests * limit < 1:
        sink.warn(
            "MLC713",
            document.at("slo", "availability"),
            f"{variant.where}{number_text(rollout.spec.traffic.requests_per_second)} requests/s x 1h = "
            f"{amount(requests)}: a single one that fails is more than {rate(limit)} of an hour and pages",
            related=[
                Related("traffic", "", bound.rollout.at("traffic", "requests_per_second")), *variant.related
            ],
            help=f"state an availability of {rate(_coarse(requests))} or less, or leave it out",
        )  # fmt: skip
    return WEEK / FAST_WINDOW * exceeds(requests, allowed, limit)


def _coarse(requests: float) -> float:
    """Return the availability at which two requests of an hour must fail before the first page."""
    return math.floor(max(0.5, 1.0 - 2 / max(requests, 2.0) / FAST_BURN) * 1000) / 1000


def _baseline(bound: BoundModel, document: Document[Monitor], allowed: float, sink: Sink) -> None:
    """Report healthy versions that fail more requests than the objective allows."""
    if bound.rollout is None:
        return
    for index, analysis in enumerate(bound.rollout.spec.analysis):
        usual = analysis.baseline
        if analysis.metric == "error_rate" and usual is not None and usual > allowed * (1 + 1e-9):
            days = 30 * allowed / usual
            sink.warn(
                "MLC715",
                bound.rollout.at("analysis", index, "baseline"),
                f"a healthy version fails {rate(usual)} of the requests, the objective allows {rate(allowed)}: the "
                f"error budget of 30 days is gone in {days:.2g} of them, and the alert on it never ends",
                related=[
                    Related("availability", rate(1.0 - allowed), document.at("slo", "availability")),
                ],
                help=f"state the `baseline` that was measured, or an availability below {rate(1.0 - usual)}",
            )  # fmt: skip


# --- the budget ------------------------------------------------------------------------------------------------------
def _budget(
    document: Document[Monitor], monitor: Monitor, noises: Sequence[_Noise], pages: float, variant: Variant, sink: Sink
) -> None:
    """Report more false alarms in a week than the owners accept, and the bound that would be quiet enough."""
    allowed = monitor.alert_budget.per_week
    total = pages + sum(n.alarms * n.windows for n in noises)
    if total <= allowed:
        return
    parts = [
        f"{n.signal.name} {number_text(round(n.windows, 1))} windows x {amount(n.alarms)}"
        for n in noises
        if n.alarms * n.windows >= allowed / 100
    ]
    parts += [f"availability {amount(pages)} pages"] if pages >= allowed / 100 else []
    loudest = max(noises, key=lambda n: n.alarms * n.windows, default=None)
    louder = loudest is not None and loudest.alarms * loudest.windows >= pages
    sink.warn(
        "MLC709",
        document.at("alert_budget", "per_week"),
        f"{variant.where}chance alone raises {amount(total)} alerts a week ({' + '.join(parts)}), where "
        f"{number_text(allowed)} are accepted",
        related=[
            Related(n.signal.name, f"{count(len(n.cells), 'value')} of {count(n.rows, 'row')}", _place(document, n))
            for n in noises
            if n.alarms * n.windows >= allowed / 100
        ],
        help=_fitting(loudest, allowed) if louder and loudest else "state a lower availability",
    )


def _fitting(noise: _Noise, allowed: float) -> str:
    """Return the bound at which a signal takes half of the budget, the rest being the others'."""
    quiet = _quieter(noise, min(BY_CHANCE, allowed / 2 / noise.windows))
    fewer = ", or watch fewer features" if len(noise.cells) > 1 else ""
    return f"{quiet} for `{noise.signal.name}`{fewer}"


def _place(document: Document[Monitor], noise: _Noise) -> Place:
    return document.at("signals", noise.index)
