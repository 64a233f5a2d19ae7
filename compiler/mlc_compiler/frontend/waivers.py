"""Waivers: findings that a document turns off for itself, with a reason and until a date."""

from __future__ import annotations

from typing import Any

from mlc_compiler.codes import REGISTRY
from mlc_compiler.diagnostics import Finding, Sink, Waivers
from mlc_compiler.frontend.document import Document, Waiver
from mlc_compiler.frontend.project import Project


def active_waivers(project: Project, today: str, sink: Sink) -> Waivers:
    """Return what the documents waive on a day (ISO date); expired and unknown waivers go to the sink."""
    active: dict[tuple[str, int], frozenset[str]] = {}
    for document in project.documents():
        codes = {w.code for w in document.waivers if _holds(document, w, today, sink)}
        if codes:
            key = (document.place.file, document.place.document)
            active[key] = active.get(key, frozenset()) | codes
    return active


def _holds(document: Document[Any], waiver: Waiver, today: str, sink: Sink) -> bool:
    at = document.place.at("x-allow", waiver.code)
    if waiver.code not in REGISTRY:
        help = "write the code that the finding shows; `mlc explain` lists them all"
        sink.add(Finding("MLC804", f"there is no finding `{waiver.code}`", at.name(), help=help))
        return False
    if waiver.until < today:
        help = f"mend what it waived ({waiver.reason}), or move the date"
        sink.add(Finding("MLC804", f"the waiver of {waiver.code} ended on {waiver.until}", at.at("until"), help=help))
        return False
    return True
