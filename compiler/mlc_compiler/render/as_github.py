"""Findings as GitHub Actions workflow commands, which the runner turns into annotations of the changed files."""

from __future__ import annotations

from collections.abc import Iterable

from mlc_compiler.diagnostics import Finding, Place, Related, Severity

# GitHub truncates an annotation at 64 KiB, which would cut our escapes apart.
MAX_BYTES = 64 * 1024

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_IN_TEXT = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTY = {**_IN_TEXT, ":": "%3A", ",": "%2C"}


def render_github(findings: Iterable[Finding]) -> str:
    """Return one workflow command a line for each located finding; paths must be relative to the repository's root."""
    return "".join(f"{_command(finding)}\n" for finding in findings)


def _command(finding: Finding) -> str:
    span = finding.span()
    properties = {"file": span.file, "line": str(span.line), "endLine": str(span.end_line), "title": finding.code}
    if span.line == span.end_line:  # a column of another line than the last would point at nothing
        properties["col"] = str(span.column)
    order = sorted(properties, key=["file", "line", "endLine", "col", "title"].index)
    listed = ",".join(f"{name}={_escape(properties[name], _IN_PROPERTY)}" for name in order)
    head = f"::{_COMMANDS[finding.severity]} {listed}::"
    return head + _clipped(_escape(_body(finding), _IN_TEXT), MAX_BYTES - len(head.encode(errors="replace")))


def _body(finding: Finding) -> str:
    lines = [finding.message, finding.note, *(_related(item) for item in finding.related)]
    if finding.help:
        lines.append(f"help: {finding.help}")
    return "\n".join(line for line in lines if line)


def _related(item: Related) -> str:
    at = item.at
    where = "" if at is None or isinstance(at, Place) else f"{at.file}:{at.line}:{at.column}"
    return " ".join(part for part in (f"{item.label}:", where, item.text) if part)


def _escape(text: str, escapes: dict[str, str]) -> str:
    return "".join(escapes.get(character, character) for character in text)


def _clipped(text: str, size: int) -> str:
    encoded = text.encode(errors="replace")
    if len(encoded) <= size:
        return text
    kept = encoded[: size - len("...")].decode(errors="ignore")
    cut = kept.rfind("%", len(kept) - 2)
    return (kept if cut < 0 else kept[:cut]) + "..."
