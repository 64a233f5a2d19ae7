"""What ran where and when, who let it in, on which evidence: told by git history alone, no spec is read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlc_compiler import codec, ir
from mlc_compiler.conventions import evidence_path, provenance_path
from mlc_compiler.gitops.git import Commit, Repository
from mlc_compiler.gitops.history import PinChange, until
from mlc_compiler.gitops.integrity import Committed
from mlc_compiler.gitops.proposal import PROPOSAL
from mlc_compiler.gitops.requirements import moment
from mlc_compiler.records import dataclass

APPROVALS = ("Approved-by", "Reviewed-by")
_NUMBERS = ("value", "low", "high", "confidence", "rows")


@dataclass(frozen=True, slots=True)
class Tenure:
    """The time in which a version ran in an environment; `end` is None while it does."""

    environment: str
    model: str
    change: PinChange
    pin: ir.Pin
    end: int | None


def tenures(history: Sequence[PinChange], environment: str, model: str, now: int) -> Iterator[Tenure]:
    """Yield the versions that ran there, newest first."""
    for position, change in enumerate(history):
        if change.pin is not None:
            end = until(history, change, now) if position else None
            yield Tenure(environment, model, change, change.pin, end)


def ran_on(tenures: Sequence[Tenure], start: int, end: int) -> tuple[Tenure, ...]:
    """Return the versions that ran at some time in [start, end)."""
    return tuple(t for t in tenures if t.change.since < end and (t.end is None or t.end > start))


def records(repository: Repository, tenures: Sequence[Tenure]) -> list[dict[str, Any]]:
    """Return the tenures as JSON values, with the evidence as it was committed then."""
    files = [
        (t.change.commit.id, path(t.model, t.pin.version)) for t in tenures for path in (evidence_path, provenance_path)
    ]
    texts = repository.read(files)
    return [_record(repository, t, texts[2 * i], texts[2 * i + 1]) for i, t in enumerate(tenures)]


def _record(repository: Repository, tenure: Tenure, evidence: bytes | None, signed: bytes | None) -> dict[str, Any]:
    commit, pin = tenure.change.commit, tenure.pin
    text = None if evidence is None else evidence.decode("utf-8", "replace")
    if text is None or codec.text_digest(text) != pin.evidence:  # an older one: git keeps it
        text = Committed(repository, commit.id, ()).evidence(tenure.model, pin)
    value = _evidence(text)
    merged = _merged(repository, commit)
    return {
        "environment": tenure.environment,
        "model": tenure.model,
        "version": pin.version,
        "artifact": pin.artifact,
        "image": pin.image,
        "from": moment(tenure.change.since),
        "until": None if tenure.end is None else moment(tenure.end),
        "cut": tenure.change.cut,
        "action": _action(commit, merged),
        "commit": commit.id,
        "author": commit.author,
        "committer": commit.committer,
        "approved_by": _approvals(commit, merged),
        "evidence": pin.evidence,
        "signed": signed is not None,
        "gates": [_verdict(v) for v in value.get("verdicts", ()) if isinstance(v, Mapping)],
        "data": _data(value),
    }


def _merged(repository: Repository, commit: Commit) -> tuple[Commit, ...]:
    """Return the commits that a merge brought; none for what is no merge."""
    if len(commit.parents) < 2:
        return ()
    ids = repository.text("rev-list", "--max-count=50", commit.id, f"^{commit.parents[0]}").split()
    return tuple(c for c in repository.commits(ids) if c.id != commit.id)


def _action(commit: Commit, merged: Sequence[Commit]) -> str:
    """Return promote or rollback as a commit's trailer says, and release for all others."""
    said = [*commit.trailers(PROPOSAL), *(t for c in merged for t in c.trailers(PROPOSAL))]
    return said[0].partition(" ")[0] if said else "release"


def _approvals(commit: Commit, merged: Sequence[Commit]) -> list[str]:
    said = (name for c in (commit, *merged) for key in APPROVALS for name in c.trailers(key))
    return list(dict.fromkeys(said))


def _evidence(text: str | None) -> Mapping[str, Any]:
    try:
        value = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _verdict(verdict: Mapping[str, Any]) -> dict[str, Any]:
    words = {name: str(verdict.get(name) or "") for name in ("gate", "title", "status", "reason")}
    return {**words, **{name: verdict.get(name) for name in _NUMBERS}}


def _data(evidence: Mapping[str, Any]) -> dict[str, str]:
    inputs = evidence.get("inputs")
    datasets = inputs.get("datasets") if isinstance(inputs, Mapping) else None
    return {str(k): str(v) for k, v in sorted(datasets.items())} if isinstance(datasets, Mapping) else {}
