"""Whether the checks of a model's gates can hold together: bounds that exclude, repeat or overtake one another.

All checks of all gates of a model block its release, whichever an environment names, so they are read as one
conjunction. What only a pattern's gate asks is a floor for many models: being overtaken for one of them is no mistake.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from mlc_compiler.analysis.figures import percent, rate
from mlc_compiler.conventions import number_text
from mlc_compiler.diagnostics import Related, Sink
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import BoundModel, Project
from mlc_compiler.metrics import TIMINGS, metric
from mlc_compiler.records import dataclass
from mlc_compiler.spec.gate import Gate, GateCheck

LEAST_CONFIDENCE = 0.8
_NEAR = 200  # checks back that one is compared with: a gate of thousands is no gate, and takes no minutes
_DECISIONS = {
    "max_false_positive_rate": ("false_positive_rate", "max"),
    "min_precision": ("precision", "min"),
    "min_recall": ("recall", "min"),
}
_AT_MOST = {"mae": "rmse", "bias": "mae"}
"""Metric to what it never exceeds, in absolute value: |mean error| <= mean |error| <= root of the mean square."""


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A check with the gate that it stands in."""

    gate: Document[Gate]
    index: int
    check: GateCheck

    @property
    def confidence(self) -> float:
        return self.check.confidence or self.gate.spec.confidence

    @property
    def subject(self) -> tuple[object, ...]:
        """Return what is measured on which rows: checks of one subject bound the same interval."""
        check = self.check
        grouped = (tuple(sorted(check.slices)), check.group, check.min_rows)
        return self.gate.spec.split, check.metric, check.fairness, check.latency, check.versus, grouped

    def related(self, field: str) -> Related:
        value = getattr(self.check, field)
        return Related(self.gate.name, f"{field}: {number_text(value)}", self.gate.at("checks", self.index, field))


def check_gate_logic(project: Project, sink: Sink) -> None:
    """Report checks that can't hold together, or that another one already implies."""
    for model in project.models:
        placed = [Placed(g, i, c) for g in model.gates for i, c in enumerate(g.spec.checks) if not c.report_only]
        for one in placed:
            _alone(one, sink)
            _operating_point(model, one, sink)
        for first, second in _pairs(placed):
            _together(model, first, second, sink)


def _pairs(placed: list[Placed]) -> Iterator[tuple[Placed, Placed]]:
    for position, second in enumerate(placed):
        for first in placed[max(position - _NEAR, 0) : position]:
            yield first, second


# --- one check -------------------------------------------------------------------------------------------------------
def _alone(one: Placed, sink: Sink) -> None:
    check, at = one.check, one.gate.place.at("spec", "checks", one.index)
    said = one.gate.at("confidence") if check.confidence is None else at.at("confidence")
    if one.confidence < LEAST_CONFIDENCE and (check.metric or check.fairness):
        sink.warn(
            "MLC514",
            said if "confidence" in (one.gate.spec if check.confidence is None else check).model_fields_set else at,
            f"a confidence of {rate(one.confidence)} passes a model exactly at its bound "
            f"{percent((1 - one.confidence) / 2)} of the time",
            note="that is the tail beyond the careful end of the interval",
            help=f"use {rate(0.95)}, which passes it {percent(0.025)} of the time; leeway belongs in the bound",
        )
    _latency(one, sink)
    if check.versus == "champion" and check.margin == 0:
        sink.warn(
            "MLC513",
            at.at("versus"),
            "a model exactly as good as the champion fails `margin: 0` "
            f"{percent((1 + one.confidence) / 2)} of the time",
            note="its lower bound has to clear 0, on however many rows",
            help="say how much worse it may be, e.g. `margin: 0.005`",
        )
    _expectation(one, sink)


def _latency(one: Placed, sink: Sink) -> None:
    """Report a quantile that the timings of a run can't bound at the confidence: no order statistic lies beyond it."""
    quantile = one.check.latency
    if quantile is None or one.check.max is None:
        return
    share = float(quantile.removeprefix("p")) / 100
    needed = math.ceil(math.log((1 - one.confidence) / 2) / math.log(share)) if one.confidence < 1 else math.inf
    if needed > TIMINGS:
        sink.error(
            "MLC515",
            one.gate.at("checks", one.index, "latency"),
            f"{quantile} can never be decided at a confidence of {rate(one.confidence)}",
            note=f"a run times {TIMINGS:,} predictions; {needed:,} could bound it from above",
            help=f"lower the confidence to {rate(0.99)}",
        )


def _expectation(one: Placed, sink: Sink) -> None:
    """Report an expected value that misses the check's own bound."""
    expect, check = one.check.expect, one.check
    if expect is None or check.versus is not None:
        return
    misses = [f for f in ("min", "max") if (v := getattr(check, f)) is not None and (expect < v) == (f == "min")]
    for field in misses[:1]:
        bound = getattr(check, field)
        sink.error(
            "MLC525",
            one.gate.at("checks", one.index, "expect"),
            f"a model of {check.metric or check.fairness} {number_text(expect)} is expected, and `{field}: "
            f"{number_text(bound)}` refuses it",
            note="the value itself has to clear the bound, and its interval besides",
            help=f"expect what a run's report shows, or move `{field}`",
        )


def _operating_point(model: BoundModel, one: Placed, sink: Sink) -> None:
    """Report a bound stricter than what the decision's threshold is chosen for."""
    decision = model.document.spec.decision
    for field, (name, side) in _DECISIONS.items():
        chosen, bound = getattr(decision, field), getattr(one.check, side)
        if chosen is None or bound is None or one.check.metric != name or one.check.versus or one.check.slices:
            continue
        if bound < chosen if side == "max" else bound > chosen:
            at = model.document.at("decision", field)
            sink.error(
                "MLC516",
                one.gate.at("checks", one.index, side),
                f"the gate asks for {name} {'<=' if side == 'max' else '>='} {number_text(bound)}, and the threshold "
                f"of `{model.name}` is chosen for {number_text(chosen)}",
                note=f"it is moved on validation until {name} is as near to {number_text(chosen)} as it may be",
                related=(Related("decision", f"{field}: {number_text(chosen)}", at),),
                help=f"say `{field}: {number_text(bound)}` or stricter in the model, or "
                f"`{side}: {number_text(chosen)}` or looser in the gate",
            )


# --- two checks ------------------------------------------------------------------------------------------------------
def _together(model: BoundModel, first: Placed, second: Placed, sink: Sink) -> None:
    if first.subject == second.subject:
        _contradiction(model, first, second, sink)
        weak, strong = _weaker(first, second)
        if weak is not None and strong is not None:
            _overtaken(model, weak, strong, sink)
    for small, large in ((first, second), (second, first)):
        if _implied(small, large):
            _overtaken(model, small, large, sink)


def _contradiction(model: BoundModel, first: Placed, second: Placed, sink: Sink) -> None:
    for low, high in ((first, second), (second, first)):
        if low.check.min is not None and high.check.max is not None and low.check.min > high.check.max:
            name = low.check.metric or low.check.fairness or ""
            sink.error(
                "MLC524",
                low.gate.at("checks", low.index, "min"),
                f"no version of `{model.name}` can pass: {name} >= {number_text(low.check.min)} and "
                f"<= {number_text(high.check.max)} are both asked for",
                related=(high.related("max"),),
                help="keep the bound that is meant",
            )


def _weaker(first: Placed, second: Placed) -> tuple[Placed | None, Placed | None]:
    """Return the check that the other implies, then that other; the later one of two alike. None where neither."""
    for weak, strong in ((second, first), (first, second)):
        if _at_least(strong, weak):
            return weak, strong
    return None, None


def _at_least(strong: Placed, weak: Placed) -> bool:
    """Tell whether whatever passes the strong check passes the weak one: same interval or wider, bounds no looser."""
    a, b = strong.check, weak.check
    if strong.confidence < weak.confidence or b.parity:
        return False
    if b.versus is not None:
        return a.margin <= b.margin
    if b.min is None and b.max is None:
        return False
    low = b.min is None or (a.min is not None and a.min >= b.min)
    return low and (b.max is None or (a.max is not None and a.max <= b.max))


def _implied(small: Placed, large: Placed) -> bool:
    """Tell whether a bound on a metric follows from one on what it never exceeds."""
    a, b = small.check, large.check
    if a.metric not in _AT_MOST or a.max is None or b.max is None or a.versus or b.versus or a.min is not None:
        return False
    above = {_AT_MOST[a.metric], _AT_MOST.get(_AT_MOST[a.metric], "")}
    same = (a.slices, small.gate.spec.split) == (b.slices, large.gate.spec.split)
    return b.metric in above and same and b.max <= a.max and large.confidence >= small.confidence


def _overtaken(model: BoundModel, weak: Placed, strong: Placed, sink: Sink) -> None:
    if weak.gate.spec.model != model.name:
        return  # a floor for every model that its pattern picks
    field = next((f for f in ("min", "max") if getattr(weak.check, f) is not None), None)
    other = next((f for f in ("min", "max") if getattr(strong.check, f) is not None), None)
    at = weak.gate.at("checks", weak.index, *((field,) if field else ()))
    same = weak.check.metric == strong.check.metric
    why = "" if same else f": {weak.check.metric} never exceeds {strong.check.metric}"
    found = metric(weak.check.metric or "")
    sink.warn(
        "MLC517",
        at,
        f"the check decides nothing: whatever passes the other one passes it too{why}",
        note="" if found is None else found.summary,
        related=(strong.related(other),)
        if other
        else (Related(strong.gate.name, "versus", strong.gate.at("checks", strong.index, "versus")),),
        help="remove the weaker one, or say `report_only: true` to have it shown",
    )
