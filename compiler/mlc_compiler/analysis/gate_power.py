"""Whether gates can decide: by row counts and prevalence of the lock, how often a good model would fail a check.

A bad model, at its bound, passes at most in the tail of the confidence, whatever the number of rows; what rows buy is
that a good one passes. Good is what `expect` says; without it, a model halfway from the bound to perfect. Rows count as
independent, the best case: where even that does not do, nothing will.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from mlc_compiler.analysis import fairness_power, judging
from mlc_compiler.analysis.figures import count, percent
from mlc_compiler.analysis.gate_samples import (
    Case,
    evidence_text,
    fold_rows,
    group_rows,
    never_decided,
    round_up,
    rows_text,
)
from mlc_compiler.analysis.judging import Bound
from mlc_compiler.analysis.standard_errors import Rows
from mlc_compiler.analysis.subject import Subject
from mlc_compiler.conventions import number_text
from mlc_compiler.diagnostics import Finding, Sink
from mlc_compiler.metrics import MIN_BLOCKS, Metric, metric
from mlc_compiler.records import dataclass
from mlc_compiler.spec.gate import GateCheck

WANTED = 0.8
"""How often a good model is to pass: the power that studies are planned for."""
CORRELATION = 0.9
"""Of two versions' metrics on the same rows: retrained models make most of the same mistakes."""
_TYPICAL = {"roc_auc": 0.8, "average_precision": 0.5, "accuracy": 0.8, "balanced_accuracy": 0.75, "f1": 0.6}
"""What a metric is taken to be near, where no check of the model says."""


def prove_gates(subject: Subject, sink: Sink) -> None:
    """Report checks that the rows of their fold cannot decide."""
    for bound, model in subject.pairs():
        entry = subject.lock.models.get(bound.name)
        for gate in bound.gates if entry is not None else ():
            rows = fold_rows(model.spec, entry or {}, gate.spec.split)
            for index, check in enumerate(gate.spec.checks):
                if not check.report_only:
                    _check(Case(bound, gate, index, check, rows, model.spec, entry or {}), sink)


def _check(case: Case, sink: Sink) -> None:
    check, found = case.check, metric(case.check.metric or "")
    if check.fairness:
        fairness_power.check(case, WANTED, sink)
    elif found is not None and case.model.task in found.tasks:
        if check.slices:
            _slices(case, found, sink)
        elif _informed(case, found, sink):
            if check.versus == "champion":
                _champion(case, found, sink)
            elif check.versus is None:
                _whole(case, found, sink)


def _informed(case: Case, found: Metric, sink: Sink) -> bool:
    """Report a check on a fold that no interval can be made of; tell whether it can."""
    if not _too_little(found.name, case.rows):
        return True
    units, (how, severity) = judging.informing_units(found.name, case.rows), case.undecided()
    sink.add(
        Finding(
            "MLC511",
            f"the check of {found.name} {how}: its fold has {rows_text(case.rows)}",
            case.at(),
            note=f"{units} of them inform it; an interval needs {MIN_BLOCKS}, and an undecided check blocks",
            help="take a larger share or a wider range of data for the fold, or say `report_only: true`",
            severity=severity,
        )
    )
    return False


def _too_little(name: str, rows: Rows) -> bool:
    if judging.takes_wilson(name, rows):
        return judging.informing_units(name, rows) < 1
    return judging.informing_units(name, rows) < MIN_BLOCKS


# --- one bound on the whole fold -------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Room:
    """A bound, the best value that there is on its good side, and the value of a good model."""

    bound: Bound
    best: float
    good: float
    stated: bool

    def passes(self, rows: Rows) -> float:
        """Return how often the good model passes on such rows; 1 where row counts do not tell."""
        if judging.surely_passes(self.bound, self.good, rows):
            return 1.0
        chance = judging.pass_probability(self.bound, self.good, rows)
        return 1.0 if chance is None else chance


def _rooms(case: Case, found: Metric) -> Iterator[Room]:
    """Yield the sides of a check that a good model may miss by chance."""
    check = case.check
    confidence = check.confidence or case.gate.spec.confidence
    for limit, higher in ((check.min, True), (check.max, False)):
        best = found.high if higher else found.low
        if limit is None or best is None or found.better != ("higher" if higher else "lower"):
            continue
        good = (limit + best) / 2 if check.expect is None else check.expect
        if (good > limit) == higher and limit not in (good, best):
            yield Room(judging.bound_of(found, limit, confidence, higher), best, good, check.expect is not None)


def _whole(case: Case, found: Metric, sink: Sink) -> None:
    for room in _rooms(case, found):
        chance = room.passes(case.rows)
        if chance < WANTED:
            _report(case, room, chance, sink)


def _report(case: Case, room: Room, chance: float, sink: Sink) -> None:
    bound, field = room.bound, "min" if room.bound.higher else "max"
    half = judging.half_width(bound, room.good, case.rows) or 0.0
    code, good = ("MLC507", "the model that it expects") if room.stated else ("MLC508", "a model halfway to perfect")
    sink.warn(
        code,
        case.at(field),
        f"`{field}: {number_text(bound.limit)}` fails {good}, {bound.metric} {_figure(room.good)}, "
        f"{_how_often(room, case.rows, chance)} of the time",
        note=f"half-width {_figure(half)} on {evidence_text(bound.metric, case.rows)}, "
        f"headroom {_figure(abs(room.good - bound.limit))}; {_bad(bound, case.rows)}",
        help=_mend(case, room, field),
    )


def _how_often(room: Room, rows: Rows, chance: float) -> str:
    """Return how often the good model fails, without a figure where the rows do not give one to a point."""
    rough = judging.is_rough(room.bound, room.good, rows)
    return f"more than {percent(1 - WANTED)}" if rough else percent(1 - chance)


def _bad(bound: Bound, rows: Rows) -> str:
    """Return how often a model exactly at the bound passes, or why that is not told."""
    if judging.is_rough(bound, bound.limit, rows):
        return f"too few or too uneven {rows.unit} for a closer figure"
    return f"one at the bound passes {percent(judging.pass_probability(bound, bound.limit, rows) or 0.0)}"


def _mend(case: Case, room: Room, field: str) -> str:
    needed = judging.rows_needed(room.bound, room.good, case.rows, WANTED)
    ways = [f"judge it on {_needed(needed)}"] if needed else []
    if room.stated and (limit := _limit(room, case.rows)) is not None:
        ways.append(f"{'lower' if field == 'min' else 'raise'} it to {_figure(limit)}")
    elif not room.stated:
        value = judging.value_needed(room.bound, room.best, case.rows, WANTED)
        ways += (
            [f"say `expect`: the bound asks for a true value of {_figure(value or 0.0)}"]
            if _real(value, room.best)
            else []
        )
    said = ", or ".join(ways) or "move the bound: no number of rows decides this finely"
    return f"{said}, for it to pass {percent(WANTED)} of the time"


def _real(value: float | None, best: float) -> bool:
    """Tell whether a model may have such a value: one next to perfect is none to hope for."""
    return value is not None and abs(value - best) > 0.02 * abs(best or 1.0)


def _needed(rows: Rows) -> str:
    """Return the rows that do, as two digits, and how many days or groups that is in the fold's proportions."""
    units = f" ({round_up(rows.units):,} {rows.unit})" if rows.unit != "rows" else ""
    return f"{round_up(rows.rows):,} rows{units}"


def _limit(room: Room, rows: Rows) -> float | None:
    """Return the strictest bound that the good model passes often enough, two digits looser than exact."""
    half = judging.half_width(room.bound, room.good, rows)
    if half is None:
        return None
    side = -1 if room.bound.higher else 1
    for part in (1.2, 1.5, 2.0, 3.0):
        limit = float(f"{room.good + side * part * half:.2g}")
        if Room(replace(room.bound, limit=limit), room.best, room.good, True).passes(rows) >= WANTED and limit > 0:
            return limit
    return None


def _figure(value: float) -> str:
    return number_text(float(f"{value:.3g}"))


# --- slices ----------------------------------------------------------------------------------------------------------
def _slices(case: Case, found: Metric, sink: Sink) -> None:
    if case.gate.spec.split != "test" or case.check.versus is not None:
        return  # the lock counts groups of the test fold
    groups = {f"{column} = {name}": rows for column in case.check.slices for name, rows in group_rows(case, column)}
    judged = {name: rows for name, rows in groups.items() if rows.rows >= case.check.min_rows}
    if groups and not judged:
        none_large(case, groups, sink)
    hopeless = {name: rows for name, rows in judged.items() if _too_little(found.name, rows)}
    if hopeless:
        needs = f"an interval needs {MIN_BLOCKS} days, groups or rows that inform it"
        sink.add(never_decided(case, case.at("slices"), found.name, hopeless, needs))
    for room in _rooms(case, found) if not hopeless else ():
        _groups(case, room, {name: (rows, room.passes(rows)) for name, rows in judged.items()}, sink)


def none_large(case: Case, groups: Mapping[str, Rows], sink: Sink) -> None:
    """Report `min_rows` that leaves no group to judge."""
    largest, (how, severity) = max(groups, key=lambda name: groups[name].rows), case.undecided()
    sink.add(
        Finding(
            "MLC512",
            f"none of {len(groups)} groups has {case.check.min_rows:,} rows, so that the check {how}",
            case.at("min_rows"),
            note=f"the largest is {largest} with {groups[largest].rows:,} rows of the test fold",
            help=f"lower `min_rows` to {groups[largest].rows} or less, or take a wider range of data",
            severity=severity,
        )
    )


def _groups(case: Case, room: Room, judged: Mapping[str, tuple[Rows, float]], sink: Sink) -> None:
    """Report groups on which a good model often fails, or so many groups that it fails on one of them."""
    weak = sorted((chance, name) for name, (_, chance) in judged.items() if chance < WANTED)
    how, together = _together(case, judged)
    rough = any(judging.is_rough(room.bound, room.good, rows) for rows, _ in judged.values())
    field = "min" if room.bound.higher else "max"
    value = f"{room.bound.metric} {_figure(room.good)}"
    if weak:
        chance, name = weak[0]
        rows = judged[name][0]
        needed = judging.rows_needed(room.bound, room.good, rows, WANTED)
        others = f", and on {count(len(weak) - 1, 'other group')} too often" if len(weak) > 1 else ""
        sink.warn(
            "MLC509",
            case.at("slices"),
            f"a model of {value} fails on {name} {_how_often(room, rows, chance)} of the time{others}",
            note=f"half-width {_figure(judging.half_width(room.bound, room.good, rows) or 0)} "
            f"on {evidence_text(room.bound.metric, rows)}, headroom {_figure(abs(room.good - room.bound.limit))}",
            help=(f"say `min_rows: {round_up(needed.rows)}`" if needed else f"move `{field}`")
            + ", or report that group only",
        )
    elif room.stated and together < WANTED:
        sink.warn(
            "MLC509",
            case.at("slices"),
            f"a model of {value} in each of {len(judged)} groups fails on one of them "
            f"{'more than ' + percent(1 - WANTED) if rough else how + percent(1 - together)} of the time",
            note="all must pass, each by itself",
            help=f"move `{field}`, or raise `min_rows` so that fewer groups are judged",
        )


def _together(case: Case, judged: Mapping[str, tuple[Rows, float]]) -> tuple[str, float]:
    """Return how often all groups pass, and in which way that is a bound of how often one fails.

    Groups of one column are of different rows. Those of several columns share theirs, and days that groups share let
    them pass and fail together.
    """
    if any(rows.icc for rows, _ in judged.values()):
        return "up to ", _product(chance for _, chance in judged.values())
    columns = [[c for name, (_, c) in judged.items() if name.startswith(f"{x} = ")] for x in case.check.slices]
    return "at least " if len(columns) > 1 else "", min(_product(chances) for chances in columns)


def _product(chances: Iterable[float]) -> float:
    product = 1.0
    for chance in chances:
        product *= chance
    return product


# --- a champion ------------------------------------------------------------------------------------------------------
def _champion(case: Case, found: Metric, sink: Sink) -> None:
    """Report a margin that a model exactly as good as the champion often misses."""
    margin, value = case.check.margin, _value_near(case, found)
    confidence = case.check.confidence or case.gate.spec.confidence
    if margin == 0 or value is None:
        return  # MLC513 of the specs alone
    bound = Bound(found.name, margin, higher=True, logit=False, confidence=confidence)
    chance = judging.paired_pass_probability(bound, value, case.rows, CORRELATION)
    if chance is None or chance >= WANTED:
        return
    error = judging.paired_error(found.name, value, case.rows, CORRELATION) or 0.0
    sink.warn(
        "MLC513",
        case.at("margin"),
        f"a model as good as the champion fails `margin: {number_text(margin)}` {percent(1 - chance)} of the time",
        note=f"the difference has a standard error of {_figure(error)} on {rows_text(case.rows)}, at {found.name} "
        f"{_figure(value)} and a correlation of {CORRELATION}",
        help=f"allow a margin of {_figure(3 * error)}, or judge it on more rows",
    )


def _value_near(case: Case, found: Metric) -> float | None:
    """Return about what the model scores: what a check of its gates says of the metric, or what is usual."""
    checks: list[GateCheck] = [c for g in case.bound.gates for c in g.spec.checks if c.metric == found.name]
    said: list[Any] = [c.expect for c in checks] + [c.max if found.better == "lower" else c.min for c in checks]
    return next((float(v) for v in said if v is not None and found.admits(v)), _TYPICAL.get(found.name))
