"""Promotion: the pin of the environment before becomes the pin of this one, with the same snapshot and evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mlc_compiler import codec, ir
from mlc_compiler.conventions import duration_text, evidence_path, pin_path
from mlc_compiler.gitops.release import Refusal, Released, pin_text


def make_promotion(
    to: ir.Environment, model: ir.Model, before: ir.Pin | None, evidence: Mapping[str, str], today: str
) -> Released | Refusal:
    """Return the pin's file, or why it may not be written. `evidence` maps paths to the texts that are committed.

    Gates, freezes (`today` is an ISO date), version and digest of the evidence are checked; approvals and soak belong
    to the pull request that carries the change (`still_to_hold`).
    """
    freeze = next((f for f in to.freezes if f.since <= today <= f.until), None)
    if freeze is not None:
        return Refusal(
            f"nothing is promoted to {to.name} from {freeze.since} until {freeze.until}: {freeze.reason}",
            f"promote it after {freeze.until}, or end the freeze in the environment's spec",
        )
    if to.promoted_from is None:
        return Refusal(
            f"nothing is promoted to {to.name}: it tracks {to.tracks}", f"use `mlc release MODEL -e {to.name}`"
        )
    if before is None:
        return Refusal(
            f"{model.name} has no version in {to.promoted_from}",
            f"release it there first: `mlc release {model.name} -e {to.promoted_from}`",
        )
    text = evidence.get(evidence_path(model.name, before.version))
    if text is None or codec.text_digest(text) != before.evidence:
        said = "is missing" if text is None else "was changed after it was released"
        return Refusal(
            f"the evidence of {model.name} {before.version[7:19]} {said}",
            "restore it from git: a version is promoted by the evidence of its own run",
        )
    missing = _gates_missing(to, text)
    if missing:
        return Refusal(
            f"{to.name} requires gate {missing}, of which the evidence says nothing", "run with that gate first"
        )
    pin = replace(before, path=pin_path(to.name, model.name))
    return Released(pin, {pin.path: pin_text(pin)})


def _gates_missing(to: ir.Environment, evidence: str) -> str | None:
    import json

    judged = {v["gate"] for v in json.loads(evidence)["verdicts"]}
    return next((g for g in to.gates if g not in judged), None)


def still_to_hold(to: ir.Environment) -> tuple[str, ...]:
    """Return what the environment asks for besides, for the pull request's reviewers to see to."""
    soak = (f"it has run in {to.promoted_from} for {duration_text(to.soak)}",) if to.soak else ()
    return soak + tuple(f"{a.count} approval{'' if a.count == 1 else 's'} of {a.team}" for a in to.approvals)
