"""The gates: each check of a release against what was measured, and why it passed, failed or can't be decided.

A check passes when the bound on the careful side clears its limit, fails when the whole interval misses it, and is
undecided between them or when nothing can be measured; failed and undecided block. Slices are judged one by one at the
check's confidence and must all pass, which needs no correction: the chance that a set with one bad slice passes is at
most that of the bad slice alone (intersection-union test). The chance that a good model is held up grows with the
number of slices; `min_rows` is the remedy.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from mlc_compiler.ir import Gate, GateCheck
from mlc_compiler.records import dataclass
from mlc_targets.local.gates.evaluation import Evaluation, Source
from mlc_targets.local.gates.fairness import Composite, composite
from mlc_targets.local.gates.intervals import quantile_bounds
from mlc_targets.local.gates.measure import Interval, Rows, bounded, difference, finite, interval
from mlc_targets.local.gates.metrics import definition
from mlc_targets.local.gates.statistic import Statistic
from mlc_targets.local.gates.verdict import Limits, Status, Verdict, arithmetic, bound_text, decide, number, outlook

MISSING = "(missing)"


def judge(gates: Sequence[Gate], evaluations: Mapping[str, Evaluation], seed: int) -> tuple[Verdict, ...]:
    """Return a verdict for each check, in the order of gates and checks; `evaluations` are by name of split.

    Bad or too few rows give undecided verdicts, never an exception; a metric that the task has not raises KeyError.
    """
    rows = {split: Rows.of(evaluation, seed) for split, evaluation in evaluations.items()}
    return tuple(_judged(gate, check, rows.get(gate.split)) for gate in gates for check in gate.checks)


def _judged(gate: Gate, check: GateCheck, rows: Rows | None) -> Verdict:
    case = Case(gate.name, check, _limits(check, rows))
    if rows is None:
        verdict = case.without_rows(f"the split {gate.split} was not evaluated")
    elif check.versus == "champion" and rows.evaluation.champion_scores is None:
        verdict = replace(case.without_rows("there is no champion to compare with"), status="not_applicable")
    elif check.slices:
        verdict = _slices(case, rows)
    else:
        verdict = _whole(case, rows)
    if check.report_only and verdict.status != "not_applicable":
        return replace(verdict, status="reported", would_be=verdict.status)
    return verdict


@dataclass(frozen=True, slots=True)
class Case:
    """A check of a gate and the limits that it comes to; those of a difference for checks versus another model."""

    gate: str
    check: GateCheck
    limits: Limits

    def verdict(self, status: Status, found: Interval, rows: Rows, reason: str, title: str = "") -> Verdict:
        """Return the verdict on some rows."""
        verdict = self.without_rows(reason, rows.count, title)
        return replace(
            verdict, status=status, value=finite(found.value), low=finite(found.low), high=finite(found.high),
            blocks=rows.units, unit=rows.blocks.unit,
        )  # fmt: skip

    def without_rows(self, reason: str, rows: int = 0, title: str = "") -> Verdict:
        """Return an undecided verdict."""
        bound = f"difference {bound_text(self.limits)}" if self.check.versus else bound_text(self.limits)
        return Verdict(
            self.gate, title or self.check.title, self.check.kind, self.check.name, "undecided", None, None, None,
            bound, rows, 0, "rows", self.check.confidence, self.limits, reason, origin=self.check.origin,
        )  # fmt: skip


def _limits(check: GateCheck, rows: Rows | None) -> Limits:
    """Return the limits of what is measured; how much worse another model may be depends on the metric's direction."""
    if check.versus is None or rows is None:
        return check.min, check.max
    higher = definition(rows.evaluation.task, check.name).better == "higher"
    return (0.0 - check.margin, None) if higher else (None, check.margin)


def _whole(case: Case, rows: Rows, title: str = "") -> Verdict:
    """Return the verdict on all the rows given."""
    if case.check.kind == "parity":
        return _parity(case, rows)
    if case.check.kind == "latency":
        return _latency(case, rows)
    if case.check.kind == "fairness":
        return _fairness(case, rows, title)
    return _metric(case, rows, title)


# --- metrics ---------------------------------------------------------------------------------------------------------
def _metric(case: Case, rows: Rows, title: str) -> Verdict:
    check = case.check
    metric = definition(rows.evaluation.task, check.name)
    if check.versus is None:
        found = interval(rows, metric, check.confidence)
        return _compared(case, rows, found, f"{check.name} {number(found.value)}", title)
    found = difference(rows, metric, check.confidence, cast(Source, check.versus))  # the words are the same
    model, other = found.pair or (math.nan, math.nan)
    subject = f"{check.name} {number(model)}, {check.versus} {number(other)}: {number(found.value, sign=True)}"
    return _compared(case, rows, found, subject, title)


def _compared(case: Case, rows: Rows, found: Interval, subject: str, title: str) -> Verdict:
    """Return the verdict of an interval against the case's limits."""
    if not math.isfinite(found.value):
        return case.verdict("undecided", found, rows, found.reason, title)
    width = f"{100 * case.check.confidence:g} %, {rows.units:,} {rows.blocks.unit}"
    if not math.isfinite(found.low):
        return case.verdict(
            "undecided", found, rows, f"{subject} ({rows.units:,} {rows.blocks.unit}): {found.reason}", title
        )
    status = decide(found.low, found.high, case.limits)
    signed = case.check.versus is not None
    ends = f"[{number(found.low, sign=signed)}, {number(found.high, sign=signed)}]"
    reason = f"{subject} {ends} ({width}); {arithmetic(status, found.low, found.high, case.limits)}"
    if status == "undecided":
        reason += f"; {outlook(found.value, found.low, found.high, case.limits, rows.units, rows.blocks.unit)}"
    return case.verdict(status, found, rows, reason, title)


# --- slices ----------------------------------------------------------------------------------------------------------
def _slices(case: Case, rows: Rows) -> Verdict:
    """Return one verdict over every value of every column, each judged on its own."""
    absent = [column for column in case.check.slices if column not in rows.evaluation.slices]
    if absent:
        return case.without_rows(f"no values of {', '.join(absent)} were kept beside the rows", rows.count)
    groups = tuple(group for column in case.check.slices for group in _by_value(case, rows, column))
    judged = [g for g in groups if g.status != "reported"]
    if not judged:
        reason = f"none of {len(groups)} groups has {case.check.min_rows:,} rows"
        return replace(case.without_rows(reason, rows.count), groups=groups)
    worst = min(judged, key=lambda g: _room(g, case.limits))
    status = _joined([g.status for g in judged])
    return replace(
        worst, title=case.check.title, status=status, groups=groups, rows=rows.count, blocks=rows.units,
        reason=_slices_reason(case, groups, judged, worst),
    )  # fmt: skip


def _by_value(case: Case, rows: Rows, column: str) -> tuple[Verdict, ...]:
    values = rows.column(column)
    return tuple(_slice(case, rows.where(values == v), f"{column} = {v or MISSING}") for v in np.unique(values))


def _slice(case: Case, part: Rows, title: str) -> Verdict:
    verdict = _whole(case, part, title)
    if part.count >= case.check.min_rows:
        return verdict
    note = f"{part.count:,} rows, not judged under {case.check.min_rows:,}"
    return replace(verdict, status="reported", would_be=verdict.status, reason=f"{note}; {verdict.reason}")


def _room(verdict: Verdict, limits: Limits) -> float:
    """Return how far inside the limits the careful bound is; negative outside, lowest where nothing was measured."""
    if verdict.low is None or verdict.high is None:
        return -math.inf
    lower, upper = limits
    return min(math.inf if lower is None else verdict.low - lower, math.inf if upper is None else upper - verdict.high)


def _joined(statuses: Sequence[Status]) -> Status:
    """Return the status of checks that must all pass."""
    order: tuple[Status, ...] = ("failed", "undecided", "passed")
    return next(status for status in order if status in statuses)


def _slices_reason(case: Case, groups: Sequence[Verdict], judged: Sequence[Verdict], worst: Verdict) -> str:
    counts = {s: sum(g.status == s for g in judged) for s in ("passed", "failed", "undecided")}
    parts = ", ".join(f"{n} {s}" for s, n in counts.items() if n)
    small = len(groups) - len(judged)
    left = f", {small} under {case.check.min_rows:,} rows not judged" if small else ""
    return f"{len(judged)} groups: {parts}{left}; narrowest: {worst.title}, {worst.reason}"


# --- fairness --------------------------------------------------------------------------------------------------------
def _fairness(case: Case, rows: Rows, title: str) -> Verdict:
    problem = _unfit_for_fairness(case.check, rows)
    if problem:
        return case.without_rows(problem, rows.count, title)
    found = composite(case.check.name, rows.sample(), rows.values(case.check.group or ""), case.check.min_rows)
    rates = _rates(case, rows, found)
    if found.statistic is None:
        return replace(case.without_rows(found.reason, rows.count, title), groups=rates)
    value, ends = found.statistic.value, found.bounds(case.check.confidence, independent=rows.blocks.independent_rows)
    around = Interval(value, ends.low, ends.high, ends.reason.replace("blocks", rows.blocks.unit))
    subject = f"{case.check.name} {number(around.value)} ({_extremes(found)})"
    return replace(_compared(case, rows, around, subject, title), groups=rates)


def _unfit_for_fairness(check: GateCheck, rows: Rows) -> str:
    evaluation = rows.evaluation
    if evaluation.task != "binary_classification":
        return "fairness ratios compare rates of a binary decision"
    if check.group is None or check.group not in evaluation.slices:
        return f"no values of {check.group} were kept beside the rows"
    return evaluation.problem() or ("" if rows.count else "there are no rows")


def _extremes(found: Composite) -> str:
    """Return the groups with the smallest and the largest rate, per rate compared."""
    texts = []
    for rate in dict.fromkeys(rate for _, rate, _ in found.rates):
        values = [(s.value, group or MISSING) for group, name, s in found.rates if name == rate]
        (least, first), (most, last) = min(values), max(values)
        texts.append(f"{rate.replace('_', ' ')} {first} {number(least)} / {last} {number(most)}")
    return "; ".join(texts)


def _rates(case: Case, rows: Rows, found: Composite) -> tuple[Verdict, ...]:
    """Return the rates behind a ratio as reported verdicts, and the groups that were too small for it."""
    free = replace(case, limits=(None, None))
    column = case.check.group or ""
    values = rows.column(column)
    shown = [
        _rate(free, rows.where(values == group), f"{column} = {group or MISSING}: {rate.replace('_', ' ')} rate", s)
        for group, rate, s in found.rates
    ]
    small = [
        replace(
            free.without_rows(
                f"{n:,} rows, not judged under {case.check.min_rows:,}", n, f"{column} = {group or MISSING}"
            ),
            status="reported",
        )
        for group, n in found.small
    ]
    return (*shown, *small)


def _rate(case: Case, part: Rows, title: str, statistic: Statistic) -> Verdict:
    if not math.isfinite(statistic.value):
        return replace(case.without_rows("no rows to count", part.count, title), status="reported")
    around = bounded(part, statistic, case.check.confidence, (0.0, 1.0), title, logit=True)
    reason = (
        f"{number(around.value)} [{number(around.low)}, {number(around.high)}] of {statistic.trials or 0:,.0f} rows"
    )
    return case.verdict("reported", around, part, reason, title)


# --- latency and parity ----------------------------------------------------------------------------------------------
def _latency(case: Case, rows: Rows) -> Verdict:
    """Return the verdict on a quantile of single predictions' seconds; the reason shows milliseconds."""
    timings = rows.evaluation.latencies
    if timings is None or not len(timings):
        return case.without_rows("no latencies were measured")
    values = np.asarray(timings, dtype=np.float64)
    if not np.isfinite(values).all():
        return case.without_rows("some latencies are null or infinite", len(values))
    value, around = quantile_bounds(values, float(case.check.name.removeprefix("p")) / 100, case.check.confidence)
    status = decide(around.low, around.high, case.limits)
    inside = (1000 * around.low, 1000 * around.high)
    limits: Limits = tuple(None if x is None else 1000 * x for x in case.limits)  # type: ignore[assignment]  # two of two
    why = around.reason if status == "undecided" and around.reason else arithmetic(status, *inside, limits)
    reason = (
        f"{case.check.name} {number(1000 * value)} ms [{number(inside[0])}, {number(inside[1])}] "
        f"({100 * case.check.confidence:g} %, {len(values):,} timings); {why}"
    )
    verdict = case.without_rows(reason, len(values))
    return replace(
        verdict, status=status, value=value, low=finite(around.low), high=finite(around.high), blocks=len(values),
        unit="timings",
    )  # fmt: skip


def _parity(case: Case, rows: Rows) -> Verdict:
    """Return the verdict on the largest difference between package and estimator: a count of facts, no interval."""
    value = rows.evaluation.parity_difference
    if value is None or not math.isfinite(value):
        return case.without_rows("the package was not compared with the estimator", rows.count)
    status = decide(value, value, case.limits)
    limit = math.inf if case.check.max is None else case.check.max
    reason = f"largest difference {value:.2g} {'<=' if status == 'passed' else '>'} {limit:.2g}"
    return replace(case.without_rows(reason, rows.count), status=status, value=value, low=value, high=value)
