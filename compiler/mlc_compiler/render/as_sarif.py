"""Findings as SARIF 2.1.0, which code scanning and editors read: rules with their texts, places, and fixes.

https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/sarif-v2.1.0-errata01.html
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from urllib.parse import quote

from mlc_compiler import __version__
from mlc_compiler.codes import REGISTRY
from mlc_compiler.diagnostics import Finding, Place, Related, Severity, Span
from mlc_compiler.render.snippet import Read, Sources

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
ROOT = "%SRCROOT%"

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}

Node = dict[str, object]


def render_sarif(findings: Iterable[Finding], read: Read) -> str:
    """Return one SARIF log; paths are relative to the project's root, which is called %SRCROOT%."""
    findings = tuple(findings)
    rules = sorted({finding.code for finding in findings})
    driver = {
        "name": "mlc",
        "semanticVersion": __version__,
        "rules": [_rule(code) for code in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {ROOT: {"description": {"text": "The folder of the project."}}},
        "results": _results(findings, rules, Sources(read)),
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(code: str) -> Node:
    entry = REGISTRY[code]
    first, *_ = entry.explanation.strip().split("\n\n")
    return {
        "id": code,
        "name": "".join(word.capitalize() for word in entry.title.replace("-", " ").split() if word.isalnum()),
        "shortDescription": {"text": _sentence(f"{entry.title[:1].upper()}{entry.title[1:]}")},
        "fullDescription": {"text": _sentence(" ".join(first.split()))},
        "help": {"text": entry.explanation.strip(), "markdown": entry.explanation.strip()},
    }


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _results(findings: Iterable[Finding], rules: list[str], sources: Sources) -> list[Node]:
    seen: Counter[str] = Counter()
    return [_result(finding, rules.index(finding.code), _fingerprint(finding, sources, seen)) for finding in findings]


def _result(finding: Finding, rule: int, fingerprint: str) -> Node:
    related = [r for r in finding.related if isinstance(r.at, Span)]
    result: Node = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": _text(finding)},
        "locations": [{"physicalLocation": _place(finding.span())}],
        "partialFingerprints": {"mlcFinding/v1": fingerprint},
    }
    if related:
        result["relatedLocations"] = [_related(number, item) for number, item in enumerate(related)]
    if finding.fix:
        result["fixes"] = [_fix(finding)]
    return result


def _text(finding: Finding) -> str:
    """Return message, note, facts without a place, and help: what a reader of the text format sees."""
    facts = [f"{r.label}: {r.text}" for r in finding.related if r.at is None]
    rest = [finding.note, *facts, f"help: {finding.help}" if finding.help else ""]
    return "\n".join([_sentence(finding.message), *(_sentence(line) for line in rest if line)])


def _place(span: Span) -> Node:
    return {"artifactLocation": _artifact(span), "region": _region(span)}


def _artifact(span: Span) -> Node:
    return {"uri": quote(span.file), "uriBaseId": ROOT}


def _region(span: Span) -> Node:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _related(number: int, item: Related) -> Node:
    if item.at is None or isinstance(item.at, Place):
        raise TypeError(f"the related place `{item.label}` was not located")
    message = {"text": _sentence(f"{item.label}: {item.text}" if item.text else item.label)}
    return {"id": number, "physicalLocation": _place(item.at), "message": message}


def _fix(finding: Finding) -> Node:
    span = finding.span()
    replacement = {"deletedRegion": _region(span), "insertedContent": {"text": finding.fix}}
    change = {"artifactLocation": _artifact(span), "replacements": [replacement]}
    return {"description": {"text": f"Write `{finding.fix}`."}, "artifactChanges": [change]}


def _fingerprint(finding: Finding, sources: Sources, seen: Counter[str]) -> str:
    """Return what stays the same while other lines move: the code, the file and the marked line's text."""
    span = finding.span()
    line = sources.line(span.file, span.line) or ""
    same = "\0".join((finding.code, span.file, line.strip(), finding.message))
    digest = hashlib.sha256(same.encode(errors="replace")).hexdigest()[:32]
    seen[digest] += 1
    return f"{digest}:{seen[digest]}"
