"""Findings as JSON for programs; `mlc_schemas/output/findings.schema.json` publishes the shape."""

from __future__ import annotations

import json
from collections.abc import Iterable

from mlc_compiler.diagnostics import Finding, Place, Related, Span

FORMAT_VERSION = 1


def render_json(findings: Iterable[Finding]) -> str:
    """Return located findings as one JSON object; raises TypeError for a finding that was never located."""
    shown = {"format_version": FORMAT_VERSION, "findings": [_finding(finding) for finding in findings]}
    # Characters beyond ASCII are escaped: the text survives any encoding of the stream, lone surrogates included.
    return json.dumps(shown, indent=2) + "\n"


def _finding(finding: Finding) -> dict[str, object]:
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "message": finding.message,
        "at": _span(finding.span()),
        "note": finding.note,
        "help": finding.help,
        "fix": finding.fix,
        "related": [_related(item) for item in finding.related],
    }


def _related(item: Related) -> dict[str, object]:
    if isinstance(item.at, Place):
        raise TypeError(f"the related place `{item.label}` was not located")
    return {"label": item.label, "text": item.text, "at": item.at and _span(item.at)}


def _span(span: Span) -> dict[str, object]:
    return {
        "file": span.file,
        "line": span.line,
        "column": span.column,
        "end_line": span.end_line,
        "end_column": span.end_column,
    }
