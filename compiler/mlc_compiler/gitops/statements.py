"""What is attested, as in-toto statements: a run (SLSA provenance), a promotion (verification summary), a rollout.

Each names by digest the files and packages that it speaks of, so that no byte of them can change afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Literal

from mlc_compiler import codec, ir
from mlc_compiler.conventions import evidence_path
from mlc_compiler.gitops.pins import pin_text
from mlc_compiler.gitops.signing import Json, Statement
from mlc_compiler.records import dataclass

STATEMENT = "https://in-toto.io/Statement/v1"
PROVENANCE = "https://slsa.dev/provenance/v1"
SUMMARY = "https://slsa.dev/verification_summary/v1"
ROLLOUT = "https://mlc.dev/rollout/v1"
RUN = "https://mlc.dev/run/v1"
BUILDER, VERIFIER = "https://mlc.dev/run", "https://mlc.dev/promote"
PARTS = "https://mlc.dev/parts"
"""Annotation of an evidence file: the digest of each of its fields, to tell which one was changed."""

Outcome = Literal["succeeded", "failed"]


def provenance(pin: ir.Pin, evidence: str, mlc: str) -> Statement:
    """Return the statement that a release makes of its run: what the package was made from, with which results."""
    value = json.loads(evidence)
    path = evidence_path(value["model"], pin.version)
    datasets = sorted(value["inputs"]["datasets"].items())
    libraries = sorted(value.get("libraries", {}).items())
    return _statement(
        (_file(path, evidence, {PARTS: parts(value)}), _package(pin)),
        PROVENANCE,
        {
            "buildDefinition": {
                "buildType": RUN,
                "externalParameters": {n: value.get(n) for n in ("project", "model", "version", "gates_digest")},
                "internalParameters": {n: value.get(n) for n in ("seed", "threads", "params", "champion")},
                "resolvedDependencies": [
                    *({"name": f"dataset {name}", "digest": _hex(digest)} for name, digest in datasets),
                    *({"name": f"package {name}", "annotations": {"version": v}} for name, v in libraries),
                ],
            },
            "runDetails": {"builder": {"id": BUILDER, "version": {"mlc": mlc}}},
        },
    )


@dataclass(frozen=True, slots=True)
class Verifier:
    """Who verified, when: the project, the time as ISO text, and mlc's version."""

    project: str
    when: str
    mlc: str


def verification_summary(
    by: Verifier, to: ir.Environment, model: str, pin: ir.Pin, attested: Mapping[str, str]
) -> Statement:
    """Return the statement of a promotion: this version meets what the environment requires.

    `attested` holds, by path, the texts of all attestations that this was judged by.
    """
    return _statement(
        (_file(pin.path, pin_text(pin)), _package(pin)),
        SUMMARY,
        {
            "verifier": {"id": VERIFIER, "version": {"mlc": by.mlc}},
            "timeVerified": by.when,
            "resourceUri": f"mlc:{by.project}/{to.name}/{model}",
            "policy": {"uri": f"mlc:{by.project}/Environment/{to.name}", "digest": _hex(policy_digest(to))},
            "inputAttestations": [{"uri": path, "digest": text_hex(text)} for path, text in attested.items()],
            "verificationResult": "PASSED",
            "verifiedLevels": ["MLC_GATES_PASSED"],
            "slsaVersion": "1.0",
        },
    )


def policy_digest(to: ir.Environment) -> str:
    """Return the digest of what the environment requires of a version."""
    return codec.digest((to.promoted_from, to.gates, to.soak, to.approvals, to.signed))


def rollout_record(pin: ir.Pin, environment: str, model: str, outcome: Outcome, source: str) -> Statement:
    """Return the statement of how the rollout of a pin ended, and who says so."""
    said = {"environment": environment, "model": model, "version": pin.version, "outcome": outcome, "source": source}
    return _statement((_file(pin.path, pin_text(pin)), _package(pin)), ROLLOUT, said)


# --- reading ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Rolled:
    """How the rollout of a pin ended, as the record beside it says."""

    outcome: str
    source: str
    of: Mapping[str, str]


def read_rollout(statement: Statement) -> Rolled | None:
    """Return what a rollout record says; None where it is none."""
    said = statement.get("predicate")
    if statement.get("predicateType") != ROLLOUT or not isinstance(said, dict):
        return None
    return Rolled(str(said.get("outcome")), str(said.get("source")), subjects(statement))


def subjects(statement: Statement) -> dict[str, str]:
    """Return the digests (`sha256:...`) of what a statement speaks of, by name."""
    return {str(s.get("name")): f"sha256:{d}" for s in _subjects(statement) if (d := _sha256(s)) is not None}


def said_parts(statement: Statement, path: str) -> Mapping[str, str]:
    """Return the digests of an evidence file's fields as the statement has them."""
    for subject in _subjects(statement):
        annotations = subject.get("annotations")
        if subject.get("name") == path and isinstance(annotations, dict):
            found = annotations.get(PARTS)
            return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}
    return {}


def parts(evidence: Mapping[str, Json]) -> dict[str, str]:
    """Return the digest of each field of the evidence, and of the fields within these where they are mappings."""
    found: dict[str, str] = {}
    for name, value in evidence.items():
        inner = value.items() if isinstance(value, Mapping) else ()
        found |= {f"{name}.{key}": codec.digest(item) for key, item in inner}
        if not isinstance(value, Mapping):
            found[name] = codec.digest(value)
    return found


def differing(evidence: str, statement: Statement, path: str) -> tuple[str, ...]:
    """Return the fields of an evidence file that are not as the statement says; empty where that can't be told."""
    try:
        value = json.loads(evidence)
        now = parts(value) if isinstance(value, dict) else {}
    except (ValueError, RecursionError):
        return ()
    then = said_parts(statement, path)
    return tuple(sorted(n for n in now.keys() | then.keys() if now.get(n) != then.get(n))) if then else ()


# --- pieces ----------------------------------------------------------------------------------------------------------
def _statement(subject: Sequence[Statement], kind: str, predicate: Statement) -> Statement:
    return {"_type": STATEMENT, "subject": list(subject), "predicateType": kind, "predicate": predicate}


def _file(path: str, text: str, annotations: Mapping[str, Json] | None = None) -> Statement:
    subject: dict[str, Json] = {"name": path, "digest": text_hex(text)}
    return {**subject, "annotations": annotations} if annotations else subject


def _package(pin: ir.Pin) -> Statement:
    return {"name": "package", "digest": _hex(pin.artifact)}


def text_hex(text: str) -> dict[str, str]:
    """Return the digest of a text as statements write it."""
    return _hex(codec.text_digest(text))


def _hex(digest: str) -> dict[str, str]:
    return {"sha256": str(digest).removeprefix("sha256:")}


def _subjects(statement: Statement) -> list[Mapping[str, Json]]:
    found = statement.get("subject")
    return [s for s in found if isinstance(s, dict)] if isinstance(found, list) else []


def _sha256(subject: Mapping[str, Json]) -> str | None:
    digest = subject.get("digest")
    found = digest.get("sha256") if isinstance(digest, dict) else None
    return found if isinstance(found, str) else None
