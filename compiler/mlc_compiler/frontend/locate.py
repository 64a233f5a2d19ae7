"""Gives findings their spans: only files that have a finding are read again with positions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from mlc_compiler.diagnostics import Finding, Place, Related, Span
from mlc_compiler.frontend.positions import Positions
from mlc_compiler.frontend.yaml_source import positions

Read = Callable[[str], str | None]


def locate(findings: Iterable[Finding], read: Read) -> list[Finding]:
    """Return the findings with spans for places, in the order of their files and lines, each once.

    `read` returns the text of a file, or None when it can't be read: its findings point at the file's start.
    """
    finder = _Finder(read)
    located = dict.fromkeys(_located(finding, finder) for finding in findings)
    return sorted(located, key=lambda finding: (finding.span(), finding.code, finding.message))


def _located(finding: Finding, finder: _Finder) -> Finding:
    related = tuple(replace(item, at=finder.span(item.at)) for item in finding.related)
    return replace(finding, at=finder.span(finding.at), related=related)


class _Finder:
    def __init__(self, read: Read) -> None:
        self._read = read
        self._files: dict[str, dict[int, Positions]] = {}

    def span(self, at: Place | Span | None) -> Span | None:
        if not isinstance(at, Place):
            return at
        if at.file not in self._files:
            self._files[at.file] = self._positions(at.file)
        document = self._files[at.file].get(at.document)
        return document.find(at) if document else Span(at.file, 1, 1, 1, 1)
