"""A version that passed its gates becomes what an environment runs: pin, snapshot and evidence, as files to write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mlc_compiler import codec, ir
from mlc_compiler.conventions import evidence_path, image_name, image_tag, pin_path, snapshot_path
from mlc_compiler.evidence import gates_digest
from mlc_compiler.gitops.pins import pin_text
from mlc_compiler.middle.lower import lower_model
from mlc_compiler.middle.resolved import ResolvedModel, snapshot_text
from mlc_compiler.records import dataclass


@dataclass(frozen=True, slots=True)
class Released:
    """The pin, and the files that make it true: path to text."""

    pin: ir.Pin
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a version is not released, and what to do."""

    message: str
    help: str


def make_release(
    project: ir.Project,
    environment: ir.Environment,
    model: ResolvedModel,
    evidence: Mapping[str, Any],
    image: str | None,
) -> Released | Refusal:
    """Return the files that pin the model in the environment, or why its evidence does not allow it."""
    damaged = Refusal(f"the evidence of `{model.name}` is damaged", f"run it again: `mlc run {model.name}`")
    artifact = str(evidence.get("artifact"))
    try:
        refusal = refuse(environment, model, evidence) or (None if artifact.startswith("sha256:") else damaged)
    except (KeyError, TypeError, AttributeError):
        refusal = damaged
    if refusal is not None:
        return refusal
    snapshot = snapshot_text(model)
    evidence_file = json.dumps(evidence, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    reference = image or f"{image_name(project.image_registry, project.name, model.name)}:{image_tag(model.version)}"
    pin = ir.Pin(
        version=model.version,
        artifact=artifact,
        image=reference,
        snapshot=codec.text_digest(snapshot),
        path=pin_path(environment.name, model.name),
        evidence=codec.text_digest(evidence_file),
    )
    files = {
        pin.path: pin_text(pin),
        snapshot_path(model.name, pin.snapshot): snapshot,
        evidence_path(model.name, model.version): evidence_file,
    }
    return Released(pin, files)


def refuse(environment: ir.Environment, model: ResolvedModel, evidence: Mapping[str, Any]) -> Refusal | None:
    """Return why this evidence does not let the model into the environment, or None."""
    if evidence.get("version") != model.version:
        return Refusal(
            f"the last run of `{model.name}` was of version {str(evidence.get('version'))[7:19]}, the specs are "
            f"{model.version[7:19]}",
            "run it again: something that the model is trained from has changed",
        )
    gates = {g.name for g in model.gates}
    missing = sorted(set(environment.gates) - gates)
    if missing:
        return Refusal(
            f"`{environment.name}` requires gate `{missing[0]}`, which does not judge `{model.name}`",
            f"let its `model:` pick `{model.name}`",
        )
    if gates_digest(lower_model(model, frozenset(), None).gates) != evidence.get("gates_digest"):
        return Refusal(
            f"the gates of `{model.name}` have changed since it was run", "run it again: the gates are judged anew"
        )
    blocking = [v for v in evidence.get("verdicts", ()) if v["status"] in ("failed", "undecided")]
    if blocking or not evidence.get("passed"):
        reasons = "; ".join(f"{v['gate']} {v['status']}: {v['reason']}" for v in blocking) or "the run did not pass"
        said = f"`{model.name}` has not passed its gates: {reasons}"
        return Refusal(said, "mend the model or the gate, and run again")
    return None
