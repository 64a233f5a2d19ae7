"""The way back: a breach is seen in every state of a rollout, and in time, and there is a version to go back to."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from mlc_compiler.analysis.figures import about, amount
from mlc_compiler.analysis.measurements import PROGRESSIVE, PROPAGATION_SECONDS, held, seconds_to_rollback, window
from mlc_compiler.analysis.rollback import machine
from mlc_compiler.analysis.subject import Subject
from mlc_compiler.analysis.variants import Variant, report, variants
from mlc_compiler.conventions import counted, duration_text, number_text
from mlc_compiler.diagnostics import Finding, Place, Related, Severity, Sink
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import BoundModel, Project
from mlc_compiler.spec.environment import Environment, Patch
from mlc_compiler.spec.monitor import Monitor
from mlc_compiler.spec.rollout import Analysis, Rollout

_HISTORY = "revisionHistoryLimit"
_CONTROLLED = ("Rollout", "Deployment")


def prove_rollback(subject: Subject, sink: Sink) -> None:
    """Report states without a way back, ways that take too long, and versions that are not kept."""
    for bound, model in subject.pairs():
        if bound.rollout is None or model.rollout is None:
            continue
        _retained(subject.project, bound, bound.rollout, sink)
        if model.rollout.spec.strategy not in PROGRESSIVE:
            continue
        _watched(bound, bound.rollout, sink)
        found = [(variant, Sink()) for variant in variants(subject.project, model)]
        for variant, told in found:
            for index, analysis in enumerate(variant.model.rollout.spec.analysis if variant.model.rollout else ()):
                _in_time(bound.rollout, variant, index, analysis, told)
        report(found, sink)


# --- every state -----------------------------------------------------------------------------------------------------
def _watched(bound: BoundModel, document: Document[Rollout], sink: Sink) -> None:
    """Report states that send users to the new version while nothing measures it."""
    rollout = document.spec
    if not rollout.rollback.automatic:
        return
    if not rollout.analysis and held(rollout):
        sink.warn(
            "MLC642",
            document.at("strategy"),
            "nothing is measured, so nothing sends a bad version back before it has all of the traffic",
            related=[Related("rollback", "automatic", document.at("rollback", "automatic"))],
            help="add `analysis: [{metric: error_rate, max: ...}]`, or say `rollback: {automatic: false}`",
        )
    if not rollout.analysis:
        return
    if bound.monitor is not None and _pages(bound.monitor.spec):
        return  # a person is called
    for state in machine(rollout).unguarded():
        if state.kind != "approval" or not state.weight or state.step is None:
            continue
        sink.warn(
            "MLC641",
            document.at("steps", state.step, "approval"),
            f"while step {state.step + 1} waits for approval, {number_text(state.weight)} % of the users are on the "
            "new version and nothing measures it: analyses end with the hold",
            help="state `slo:` in the model's Monitor, whose alerts page while it waits, or let the step hold instead",
        )


def _pages(monitor: Monitor) -> bool:
    stated = monitor.slo.availability is not None or monitor.slo.latency_p99 is not None
    return stated or any(signal.severity == "page" for signal in monitor.signals)


# --- in time ---------------------------------------------------------------------------------------------------------
def _in_time(document: Document[Rollout], variant: Variant, index: int, analysis: Analysis, sink: Sink) -> None:
    """Report an analysis that takes longer to send a version back than the rollout promises."""
    rollout = variant.model.rollout.spec if variant.model.rollout else document.spec
    needed, within = seconds_to_rollback(analysis), rollout.rollback.within
    if not rollout.rollback.automatic or needed <= within or not held(rollout):
        return
    measured, limit = window(analysis), analysis.failure_limit
    more = f" + {limit} x {duration_text(analysis.interval)}" if limit else ""
    stated = "within" in document.spec.rollback.model_fields_set
    places = (
        Related(analysis.metric, "", document.at(*_slowness(index, analysis))),
        Related("within", duration_text(within), document.at("rollback", "within")),
    )
    sink.add(Finding(
        "MLC640",
        f"{variant.where}a breach of {analysis.metric} is sent back after {duration_text(measured)}{more} + "
        f"{duration_text(PROPAGATION_SECONDS)} = {about(needed)}; `rollback.within` allows {duration_text(within)}",
        document.at("rollback", "within") if stated else document.at(*_slowness(index, analysis)),
        _exposure(rollout, needed),
        (places[0] if stated else places[1], *variant.related),
        _faster(analysis, needed, within),
        Severity.ERROR if stated else Severity.WARNING,
    ))  # fmt: skip


def _slowness(index: int, analysis: Analysis) -> tuple[str | int, ...]:
    return "analysis", index, "failure_limit" if analysis.failure_limit else "interval"


def _exposure(rollout: Rollout, seconds: float) -> str:
    if rollout.traffic is None:
        return ""
    weight = max(weight for _, weight, _ in held(rollout))
    rate = rollout.traffic.requests_per_second
    answered = amount(rate * weight / 100 * seconds)
    return (
        f"until then {number_text(rate)} requests/s x {number_text(weight)} % x {about(seconds)} = {answered} requests"
    )


def _faster(analysis: Analysis, needed: float, within: float) -> str:
    """Return the failure limit that would be fast enough, or the time to allow."""
    allowed = f"`rollback: {{within: {duration_text(math.ceil(needed / 60) * 60.0)}}}`"
    most = math.floor((within - PROPAGATION_SECONDS - window(analysis)) / analysis.interval + 1e-9)
    if most >= 0:
        return f"use `failure_limit: {most}`, measure more often, or allow {allowed}"
    return f"measure more often than every {duration_text(analysis.interval)}, or allow {allowed}"


# --- something to go back to -----------------------------------------------------------------------------------------
def _retained(project: Project, bound: BoundModel, document: Document[Rollout], sink: Sink) -> None:
    """Report patches by which fewer former versions stay than the rollout keeps."""
    keep = document.spec.rollback.keep
    for environment in project.environments:
        for place, kept in _histories(environment, bound.name):
            if kept < keep:
                sink.error(
                    "MLC643",
                    place,
                    f"the patch leaves {counted(kept, 'former version')} of `{bound.name}` in "
                    f"{environment.name}, where `rollback.keep` counts on {keep}",
                    related=[Related("keep", str(keep), document.at("rollback", "keep"))],
                    help=f"patch it to {keep} or more, or change `rollback.keep` instead",
                )


def _histories(environment: Document[Environment], model: str) -> Iterator[tuple[Place, int]]:
    """Yield where patches on the model's workload say how many former versions stay, and how many."""
    for index, patch in enumerate(environment.spec.patches):
        if patch.target.kind in _CONTROLLED and patch.target.name == model:
            yield from _patched(environment.at("patches", index), patch)


def _patched(place: Place, patch: Patch) -> Iterator[tuple[Place, int]]:
    spec: Any = (patch.patch or {}).get("spec")  # free-form: whatever stands in the patch
    if isinstance(spec, dict) and isinstance(spec.get(_HISTORY), int):
        yield place.at("patch", "spec", _HISTORY), spec[_HISTORY]
    for index, operation in enumerate(patch.json_patch or ()):
        sets = operation.path == f"/spec/{_HISTORY}" and operation.op in ("add", "replace")
        if sets and isinstance(operation.value, int):
            yield place.at("json_patch", index, "value"), operation.value
