"""Promotion: the pin of the environment before becomes the pin of this one, with the same snapshot and evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from mlc_compiler import ir
from mlc_compiler.analysis.interfaces import check_interfaces
from mlc_compiler.conventions import counted, duration_text, pin_path
from mlc_compiler.diagnostics import Finding, Place, Sink
from mlc_compiler.frontend.project import Project
from mlc_compiler.gitops.history import PinChange
from mlc_compiler.gitops.pins import pin_text
from mlc_compiler.gitops.release import Released
from mlc_compiler.gitops.requirements import (
    Candidate,
    check_evidence,
    check_freeze,
    check_signed,
    check_soak,
)
from mlc_compiler.middle.lower import lower_model
from mlc_compiler.middle.resolved import ResolvedModel


def check_way(to: ir.Environment, model: str, before: ir.Pin | None, at: Place) -> Iterator[Finding]:
    """Yield why nothing can be promoted to the environment: it is not promoted to, or nothing runs before it."""
    if to.promoted_from is None:
        said = f"nothing is promoted to `{to.name}`: it tracks `{to.tracks}`"
        yield Finding("MLC915", said, at, help=f"use `mlc release MODEL -e {to.name}`")
    elif before is None:
        said = f"`{model}` has no version in `{to.promoted_from}`"
        help = f"release it there first: `mlc release {model} -e {to.promoted_from}`"
        yield Finding("MLC915", said, at, help=help)


def check_promotion(candidate: Candidate, history: Sequence[PinChange] | None, now: int) -> Iterable[Finding]:
    """Yield everything that speaks against the promotion; `history` of the pin it comes from, None without git."""
    yield from check_freeze(candidate.to, now, candidate.at)
    yield from check_evidence(candidate)
    yield from check_signed(candidate)
    if history is not None:
        yield from check_soak(candidate, history, now)


def check_interface(project: Project, release: ir.Release, candidate: ResolvedModel, sink: Sink) -> None:
    """Report what callers, and readers of answers, of the version that runs would meet in the candidate.

    That is the version of the environment before: the specs, which every compilation compares, may have moved on.
    """
    live = tuple(m for m in release.models if m.name == candidate.name and m.pin)
    after = lower_model(candidate, frozenset(), None)
    check_interfaces(project, ir.ProjectRelease(release.project, (release.with_models(live),), (after,)), sink)


def make_promotion(to: ir.Environment, model: str, before: ir.Pin) -> Released:
    """Return the pin that the promotion writes."""
    pin = replace(before, path=pin_path(to.name, model))
    return Released(pin, {pin.path: pin_text(pin)})


def held(to: ir.Environment, signed: bool) -> tuple[str, ...]:
    """Return what was found to hold, for the checklist of the pull request."""
    gates = ", ".join(to.gates)
    return (
        "the evidence is of this version, these gates and these test rows",
        *((f"gates passed: {gates}",) if gates else ("the gates of the model passed",)),
        *(("the evidence's signature holds",) if signed else ()),
        *((_soaked(to),) if to.soak else ()),
        "requests fit both it and what runs now",
        "no freeze covers today",
    )


def _soaked(to: ir.Environment) -> str:
    return f"it has run in {to.promoted_from} for {duration_text(to.soak)}, rolled out with success"


def still_to_hold(to: ir.Environment) -> tuple[str, ...]:
    """Return what the environment asks for besides, for the pull request's reviewers to see to."""
    return tuple(f"{counted(a.count, 'approval')} of {a.team}" for a in to.approvals)
