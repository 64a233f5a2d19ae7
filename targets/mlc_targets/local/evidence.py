"""The evidence of a run: what went in, what was measured and decided. Same inputs, same bytes: no clock, no paths."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from mlc_compiler.evidence import gates_digest, snapshot_of_test_rows
from mlc_targets.local import digests
from mlc_targets.local.job import Run

FORMAT_VERSION = 1
Json = Any
"""A JSON value of any shape."""
_DIGITS = 9
"""Significant digits of measured numbers: beyond them machines differ."""


def evidence(run: Run) -> dict[str, Any]:
    """Return the evidence as JSON values, from the outputs of the run's steps."""
    split, gate, package = run.outputs("split"), run.outputs("gate"), run.outputs("package")
    trained = run.outputs("train estimator")
    return {
        "format_version": FORMAT_VERSION,
        "project": run.project.name,
        "model": run.model.name,
        "task": run.model.task,
        "version": run.model.version,
        "artifact": package["artifact"],
        "gates_digest": gates_digest(run.model.gates),
        "test_snapshot": snapshot_of_test_rows(dict(run.inputs), run.model.features, run.model.label, run.model.split),
        "champion": _champion(run),
        "inputs": {"datasets": dict(run.inputs), "lock": lock_digest(run)},
        "folds": split["folds"],
        "label": split["dropped"],
        "metrics": rounded(run.outputs("evaluate")["metrics"]),
        "verdicts": [_verdict(verdict) for verdict in gate["verdicts"]],
        "decision": _decision(run, trained["threshold"]),
        "params": trained["params"],
        "parity": {"format": run.model.package, "max_difference": package["parity"], "rows": package["parity_rows"]},
        "libraries": dict(run.libraries),
        "seed": run.model.seed,
        "threads": run.threads,
        "passed": gate["passed"],
    }


def text_of(value: Mapping[str, Any]) -> str:
    """Return the evidence's text: sorted keys, two spaces, one newline at the end."""
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def digest_of(text: str) -> str:
    """Return `sha256:...` of the evidence's text."""
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def lock_digest(run: Run) -> str:
    """Return the digest of what the lock pins besides datasets."""
    return digests.digest(run.project.lock)


def _champion(run: Run) -> dict[str, str] | None:
    if run.champion is None:
        return None
    return {"version": run.champion.version, "artifact": run.champion.artifact}


def _decision(run: Run, threshold: float | None) -> dict[str, object] | None:
    decision = run.model.decision
    if decision is None:
        return None
    return {"rule": decision.rule, "value": decision.value, "threshold": threshold}


def _verdict(verdict: Mapping[str, Any]) -> dict[str, Any]:
    """Return a verdict that is the same in every run: of a latency only whether it held, not what was measured."""
    kept = dict(verdict)
    if kept["kind"] == "latency":
        limit = kept.get("bound", "")
        kept.update(dict.fromkeys(("value", "low", "high")), reason=f"{kept['status']} against {limit}")
        kept["groups"] = []
    return {name: rounded(value) for name, value in kept.items()}


def rounded(value: Json) -> Json:
    """Return a value with all of its floats rounded to nine significant digits."""
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}")
    if isinstance(value, Mapping):
        return {name: rounded(item) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [rounded(item) for item in value]
    return value
