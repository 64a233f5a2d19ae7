"""Whether a fairness ratio can be decided: how often groups that are treated alike fail it by their size alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mlc_compiler.analysis.figures import count, percent
from mlc_compiler.analysis.gate_samples import Case, group_rows, never_decided, round_up
from mlc_compiler.analysis.ratio_power import Clusters, rate_rows_needed, ratio_pass_probability
from mlc_compiler.analysis.standard_errors import Rows, effect_of
from mlc_compiler.conventions import number_text
from mlc_compiler.diagnostics import Finding, Sink
from mlc_compiler.metrics import FAIRNESS, MIN_BLOCKS
from mlc_compiler.records import dataclass
from mlc_compiler.spec.model import Model

_WORDS = {
    "selection": "selection rate",
    "true_positive": "true positive rate",
    "false_positive": "false positive rate",
    "precision": "precision",
}


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate that a ratio compares: its name, how many rows of a group it counts, about what it is."""

    name: str
    value: float

    def count(self, rows: Rows) -> int:
        """Return the rows behind the rate; as many are taken as chosen as are positive."""
        by_name = {"selection": rows.rows, "false_positive": rows.negatives}
        return by_name.get(self.name, rows.positives or 0)


def check(case: Case, wanted: float, sink: Sink) -> None:
    """Report groups too small for the ratio: none to compare, none that an interval can be made of, a coin's toss."""
    column = case.check.group or ""
    groups = dict(group_rows(case, column)) if case.gate.spec.split == "test" else {}
    if not groups or any(rows.positives is None for rows in groups.values()):
        return
    judged = {name: rows for name, rows in groups.items() if rows.rows >= case.check.min_rows}
    if len(judged) < 2:
        _none_to_compare(case, groups, judged, sink)
        return
    for rate in _rates(case):
        small = {n: r for n, r in judged.items() if min(rate.count(r), r.units) < MIN_BLOCKS}
        if small:
            named = {f"{column} = {name}": rows for name, rows in small.items()}
            needs = f"its {_WORDS[rate.name]} needs {MIN_BLOCKS} days, groups or rows"
            sink.add(never_decided(case, case.at("group"), case.check.fairness or "", named, needs))
        elif case.check.min is not None:
            _by_chance(case, rate, judged, wanted, sink)


def _rates(case: Case) -> tuple[Rate, ...]:
    names = {ratio.name: ratio.rates for ratio in FAIRNESS}[case.check.fairness or ""]
    return tuple(Rate(name, _usual(name, case.model, case.rows)) for name in names)


def _usual(name: str, model: Model, rows: Rows) -> float:
    """Return about what a rate is at the model's operating point: what the decision asks for, or what is usual."""
    decision = model.decision
    stated = {
        "true_positive": decision.min_recall,
        "false_positive": decision.max_false_positive_rate,
        "precision": decision.min_precision,
    }.get(name)
    usual = {"true_positive": 0.7, "false_positive": 0.2, "precision": 0.5, "selection": rows.prevalence}
    return min(max(stated or usual[name], 0.01), 0.99)


def _none_to_compare(case: Case, groups: Mapping[str, Rows], judged: Mapping[str, Rows], sink: Sink) -> None:
    second, (how, severity) = sorted((rows.rows for rows in groups.values()), reverse=True)[1:2], case.undecided()
    sink.add(
        Finding(
            "MLC512",
            f"{len(judged) or 'none'} of {count(len(groups), 'group')} of `{case.check.group}` has "
            f"{case.check.min_rows:,} rows, and a ratio needs two: the check {how}",
            case.at("min_rows"),
            help=f"lower `min_rows` to {second[0]} or less" if second else "name a column with several groups",
            severity=severity,
        )
    )


def _by_chance(case: Case, rate: Rate, judged: Mapping[str, Rows], wanted: float, sink: Sink) -> None:
    """Report the group that fails most often by chance, each against the largest: more groups only fail more often."""
    largest = max(judged, key=lambda name: (rate.count(judged[name]), name))
    chances = {n: _passes(case, rate, rows, judged[largest]) for n, rows in judged.items() if n != largest}
    weak = sorted((chance, name) for name, chance in chances.items() if chance < wanted)
    if not weak:
        return
    chance, name = weak[0]
    others = f", and {count(len(weak) - 1, 'other group')} too often" if len(weak) > 1 else ""
    least = "at least " if len(judged) > 2 or len(_rates(case)) > 1 else ""
    sink.warn(
        "MLC510",
        case.at("group"),
        f"{case.check.group} = {name} fails `min: {number_text(case.check.min or 0)}` {least}{percent(1 - chance)} "
        f"of the time {_how(case)}{others}",
        note=f"{_counted(rate, judged[name])} for its {_WORDS[rate.name]}, "
        f"{_counted(rate, judged[largest])} for that of {largest}; both near "
        f"{number_text(float(f'{rate.value:.2g}'))}",
        help=_mend(case, rate, judged[name], judged[largest], wanted),
    )


def _counted(rate: Rate, rows: Rows) -> str:
    """Return how many rows count for a rate, and how many independent ones they are worth."""
    number, effect = rate.count(rows), effect_of(rate.count(rows), rows)
    words = f"{number:,} rows count"
    return words if effect == 1 else f"{words}, as much as {max(round(number / effect), 1):,} independent ones,"


def _how(case: Case) -> str:
    if case.check.expect is not None:
        return f"at a true ratio of {number_text(case.check.expect)}"
    return "although it is treated no worse"


def _passes(case: Case, rate: Rate, rows: Rows, other: Rows) -> float:
    ratio = 1.0 if case.check.expect is None else min(max(case.check.expect, 0.01), 1.0)
    confidence = case.check.confidence or case.gate.spec.confidence
    return ratio_pass_probability(
        case.check.min or 0.0,
        (rate.value * ratio, rate.value),
        (rate.count(rows), rate.count(other)),
        confidence,
        _clusters(case, rate, rows, other, rate.count(rows)),
    )


def _clusters(case: Case, rate: Rate, rows: Rows, other: Rows, counted: int) -> Clusters | None:
    """Return how rows of the two groups vary together, `counted` of the first; None where each stands for itself."""
    if rows.unit == "rows":
        return None
    grown = replace(rows, rows=max(round(rows.rows * counted / max(rate.count(rows), 1)), counted))
    effects = (effect_of(counted, grown), effect_of(rate.count(other), other))
    shared = min(rows.icc or 0.0, other.icc or 0.0, case.rows.icc or 0.0)
    return Clusters(min(rows.units, other.units), effects, shared)


def _mend(case: Case, rate: Rate, rows: Rows, other: Rows, wanted: float) -> str:
    counted, confidence = rate.count(rows), case.check.confidence or case.gate.spec.confidence
    ratio = 1.0 if case.check.expect is None else case.check.expect
    needed = rate_rows_needed(
        case.check.min or 0.0,
        (rate.value * ratio, rate.value),
        rate.count(other),
        confidence,
        lambda count: _clusters(case, rate, rows, other, count),
        wanted,
    )
    if needed is None:
        return "lower `min`, or take a wider range of data: a group as large as the other would fail as often"
    total = round_up(-(-needed * rows.rows // max(counted, 1)))
    return f"say `min_rows: {total}`, on which {needed:,} rows count for the rate, or lower `min`"
