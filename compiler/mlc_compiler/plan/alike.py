"""Puts changes and risks together that several models share, so that the same edit of a thousand is told once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain

from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.plan.data_risks import data_risks
from mlc_compiler.plan.environment_risks import runtime_risks
from mlc_compiler.plan.gate_risks import gate_risks
from mlc_compiler.plan.impact import IMPACTS, Edit
from mlc_compiler.plan.meaning import Change, Hazard, Meaning
from mlc_compiler.plan.monitor_risks import monitor_risks
from mlc_compiler.plan.risk import SEVERITIES, Risk
from mlc_compiler.plan.rollout_risks import rollout_risks

MODEL_RISKS = (gate_risks, data_risks, rollout_risks, monitor_risks, runtime_risks)
VARIES = "varies"
MANY = 8
"""Groups from which models are told together although the values of their fields differ."""


def model_risks(before: ResolvedModel, after: ResolvedModel) -> Iterator[Risk]:
    """Yield what a change of one model gives up."""
    for risks in MODEL_RISKS:
        yield from risks(before, after)


def meaning(changes: Iterable[Change], risks: Iterable[Risk]) -> Meaning:
    """Return the changes and risks, those of models that are alike together."""
    found = [c for c in changes if c.edits]
    exact = _grouped(found, lambda c: tuple((e.impacts, e.kind, e.field, e.before, e.after) for e in c.edits))
    if len(exact) > MANY:
        exact = _grouped(found, lambda c: tuple((e.impacts, e.kind, e.field) for e in c.edits))
    ordered = sorted(exact, key=lambda c: (IMPACTS.index(c.impacts[0]), c.models, c.environments))
    return Meaning(tuple(ordered), _hazards(risks))


def _grouped(changes: Iterable[Change], key: Callable[[Change], object]) -> list[Change]:
    groups: dict[tuple[object, tuple[str, ...], bool], list[Change]] = {}
    for change in changes:
        groups.setdefault((key(change), change.environments, bool(change.models)), []).append(change)
    return [_together(group) for group in groups.values()]


def _together(group: list[Change]) -> Change:
    first = group[0]
    if len(group) == 1:
        return first
    models = tuple(sorted({name for change in group for name in change.models}))
    edits = tuple(_merged(edits) for edits in zip(*(change.edits for change in group), strict=True))
    return replace(first, models=models, edits=edits, versions=None)


def _merged(edits: tuple[Edit, ...]) -> Edit:
    """Return the first of some alike edits; values in which the others differ are said to vary."""
    first = edits[0]
    if all((e.before, e.after) == (first.before, first.after) for e in edits):
        return first
    return replace(first, after=f"{first.after} ({VARIES})")


def _hazards(risks: Iterable[Risk]) -> tuple[Hazard, ...]:
    groups: dict[tuple[object, ...], list[Risk]] = {}
    for risk in risks:
        said = risk.message.replace(risk.model, "*") if risk.model else risk.message
        kind = risk.document.partition("/")[0]
        groups.setdefault((risk.code, kind, risk.field, said, risk.before, risk.after, risk.waived), []).append(risk)
    if len(groups) > MANY:
        groups = _coarser(groups)
    found = [Hazard(g[0], tuple(sorted({r.model for r in g if r.model}))) for g in groups.values()]
    order = {severity: number for number, severity in enumerate(SEVERITIES)}
    return tuple(sorted(found, key=lambda h: (bool(h.risk.waived), order[h.risk.severity], h.risk.code, h.models)))


def _coarser(groups: Mapping[tuple[object, ...], list[Risk]]) -> dict[tuple[object, ...], list[Risk]]:
    """Return risks together that differ by name and number alone."""
    found: dict[tuple[object, ...], list[Risk]] = {}
    for risk in chain.from_iterable(groups.values()):
        key = risk.code, risk.document.partition("/")[0], risk.field, risk.before, risk.after, risk.waived
        found.setdefault(key, []).append(risk)
    return found
