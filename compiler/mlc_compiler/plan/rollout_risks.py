"""Rollouts that try a version less, or send it back later, than before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlc_compiler.conventions import duration_text
from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.plan.impact import ABSENT
from mlc_compiler.plan.leaves import text
from mlc_compiler.plan.risk import Risk
from mlc_compiler.spec.rollout import Analysis, Rollout, Step

# How carefully a strategy tries a version, by what live users see of it before it is judged.
CARE: Mapping[str, int] = {"rolling": 0, "blue_green": 1, "bandit": 2, "ab_test": 2, "canary": 2, "shadow": 3}


def rollout_risks(before: ResolvedModel, after: ResolvedModel) -> Iterator[Risk]:
    """Yield what the rollout of a model gives up."""
    was, now = before.rollout, after.rollout
    if was is None:
        return
    label = f"Rollout/{was.name}"
    if now is None:
        if was.spec.strategy != "rolling":
            message = f"{after.name} has no rollout any more: a new version takes all traffic at once"
            yield Risk("MLC963", "high", message, was.spec.strategy, ABSENT, label, "", after.name)
        return
    risks = [*_exposure(was.spec, now.spec), *_analysis(was.spec, now.spec), *_rollback(was.spec, now.spec)]
    for code, severity, message, old, new, field in risks:
        where = f"rollout `{now.name}`: {message}"
        yield Risk(code, severity, where, old, new, f"Rollout/{now.name}", f"spec.{field}", after.name)  # type: ignore[arg-type]  # a table of literals


Row = tuple[str, str, str, str, str, str]
"""Code, severity, message, before, after, field."""


def _exposure(before: Rollout, after: Rollout) -> Iterator[Row]:
    if CARE[after.strategy] < CARE[before.strategy]:
        yield "MLC963", "high", "a strategy that tries less", before.strategy, after.strategy, "strategy"
        return
    trial = [[s for s in rollout.steps if s.weight < 100] for rollout in (before, after)]
    if len(trial[1]) < len(trial[0]):
        yield "MLC963", "high", "fewer steps before all traffic", *map(_steps, trial), "steps"  # type: ignore[misc]  # two
    held = [sum(s.hold or 0.0 for s in steps) for steps in trial]
    if len(trial[0]) == len(trial[1]):
        for index, (was, now) in enumerate(zip(*trial, strict=True)):
            yield from _step(index, was, now)
    elif held[1] < held[0]:
        yield "MLC963", "medium", "less time before all traffic", *map(duration_text, held), "steps"  # type: ignore[misc]  # two
    if sum(s.approval for s in trial[1]) < sum(s.approval for s in trial[0]):
        yield "MLC963", "high", "a step no longer waits for approval", "approval", ABSENT, "steps"
    if (after.mirror or 0.0) < (before.mirror or 0.0):
        yield "MLC963", "medium", "less traffic is mirrored", text(before.mirror), text(after.mirror), "mirror"


def _steps(steps: list[Step]) -> str:
    return ", ".join(f"{s.weight:g}% for {duration_text(s.hold or 0.0)}" for s in steps) or ABSENT


def _step(index: int, before: Step, after: Step) -> Iterator[Row]:
    field = f"steps.{index}"
    if (after.hold or 0.0) < (before.hold or 0.0):
        shown = duration_text(before.hold or 0.0), duration_text(after.hold or 0.0)
        yield "MLC963", "medium", f"step {index + 1} is held for less time", *shown, f"{field}.hold"
    if after.weight > before.weight:
        severity = "high" if index == 0 and after.weight >= 2 * before.weight else "medium"
        shown = f"{before.weight:g}%", f"{after.weight:g}%"
        yield "MLC963", severity, f"step {index + 1} takes more traffic", *shown, f"{field}.weight"


def _analysis(before: Rollout, after: Rollout) -> Iterator[Row]:
    now = {a.metric: a for a in after.analysis}
    for was in before.analysis:
        found = now.get(was.metric)
        if found is None:
            yield "MLC963", "high", f"{was.metric} is no longer watched", _bound(was), ABSENT, "analysis"
        else:
            yield from _watched(was, found, f"analysis.{after.analysis.index(found)}")
    if (before.no_data, after.no_data) == ("fail", "hold"):
        yield "MLC963", "medium", "a measurement without data no longer fails", "fail", "hold", "no_data"
    if after.min_requests < before.min_requests:
        shown = str(before.min_requests), str(after.min_requests)
        yield "MLC963", "medium", "a measurement needs fewer requests", *shown, "min_requests"


def _bound(analysis: Analysis) -> str:
    shown = [f"{name} {text(value)}" for name in ("min", "max") if (value := getattr(analysis, name)) is not None]
    return ", ".join(shown) or "watched"


def _watched(before: Analysis, after: Analysis, field: str) -> Iterator[Row]:
    for name, direction in (("max", 1), ("min", -1), ("failure_limit", 1), ("interval", 1)):
        was, now = getattr(before, name), getattr(after, name)
        if was is not None and (now is None or (now - was) * direction > 0):
            severity = "high" if name in ("max", "min") else "medium"
            yield "MLC963", severity, f"{before.metric} may be worse: {name}", text(was), text(now), f"{field}.{name}"


def _rollback(before: Rollout, after: Rollout) -> Iterator[Row]:
    old, new = before.rollback, after.rollback
    if old.automatic and not new.automatic:
        yield "MLC965", "high", "a breach no longer rolls back by itself", "true", "false", "rollback.automatic"
    if new.within > old.within:
        shown = duration_text(old.within), duration_text(new.within)
        yield "MLC965", "medium", "rolling back may take longer", *shown, "rollback.within"
    if new.keep < old.keep:
        yield "MLC965", "high", "fewer former versions to roll back to", str(old.keep), str(new.keep), "rollback.keep"
    if (after.preview or 0.0) < (before.preview or 0.0) and after.strategy == "blue_green":
        shown = duration_text(before.preview or 0.0), duration_text(after.preview or 0.0)
        yield "MLC965", "high", "the former version stays up for less time", *shown, "preview"
