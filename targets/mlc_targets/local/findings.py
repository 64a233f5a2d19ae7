"""Findings of the local target: where they point, and how they are kept beside a step's outputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlc_compiler.backend.target import ExecutionError
from mlc_compiler.diagnostics import Finding, Place, Related, Severity, Span
from mlc_compiler.ir import Origin


def place(origin: Origin) -> Place:
    """Return an origin as a place whose file is the document (Kind/name): a target does not know the spec's files."""
    return Place(
        origin.document, 0, tuple(int(part) if part.isdigit() else part for part in origin.field.split(".") if part)
    )


def error(code: str, origin: Origin, message: str, *, note: str = "", help: str = "", related: str = "") -> Finding:
    """Return an error finding at a spec field; `related` is a line of figures below it."""
    lines = (Related("measured", related),) if related else ()
    return Finding(code, message, place(origin), note, lines, help)


def refuse(code: str, origin: Origin, message: str, *, note: str = "", help: str = "") -> ExecutionError:
    """Return the exception of one error finding at a spec field."""
    return ExecutionError(error(code, origin, message, note=note, help=help))


class RefusedError(ExecutionError):
    """Several independent findings that end a step; `finding` is the first."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__(findings[0])
        self.findings = findings


def findings_of(failure: ExecutionError) -> tuple[Finding, ...]:
    """Return all findings of a failure."""
    return failure.findings if isinstance(failure, RefusedError) else (failure.finding,)


def to_json(finding: Finding) -> dict[str, object]:
    """Return a finding as JSON values; a step that is not run again tells its warnings again from these."""
    return {
        "code": finding.code,
        "message": finding.message,
        "at": _place_json(finding.at),
        "note": finding.note,
        "help": finding.help,
        "severity": finding.severity.value,
        "related": [[r.label, r.text] for r in finding.related],
    }


def from_json(value: Mapping[str, Any]) -> Finding:
    """Return the finding that `to_json` made."""
    file, document, path = value["at"]
    return Finding(
        value["code"],
        value["message"],
        Place(file, document, tuple(path)),
        value["note"],
        tuple(Related(label, text) for label, text in value["related"]),
        value["help"],
        Severity(value["severity"]),
    )


def _place_json(at: Place | Span) -> list[object]:
    return [at.file, 0, []] if isinstance(at, Span) else [at.file, at.document, list(at.path)]
