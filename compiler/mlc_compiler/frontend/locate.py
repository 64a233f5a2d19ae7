"""Gives findings their spans: only files that have a finding are read again with positions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from mlc_compiler.diagnostics import Finding, Place, Severity, Span
from mlc_compiler.frontend.positions import Positions
from mlc_compiler.frontend.yaml_source import positions

Read = Callable[[str], str | None]


def locate(findings: Iterable[Finding], read: Read) -> list[Finding]:
    """Return the findings with spans for places, in the order of their files and lines, each once.

    `read` returns the text of a file, or None when it can't be read: its findings point at the file's start.
    """
    finder = _Finder(read)
    located = dict.fromkeys(finder.located(finding) for finding in findings)
    return sorted(_without_echoes(located), key=_order)


def _order(finding: Finding) -> tuple[object, ...]:
    at = finding.span()
    return at.file, at.line, at.column, at.end_line, at.end_column, finding.code, finding.message


def of_first_files(findings: Iterable[Finding], enough: int) -> tuple[list[Finding], int]:
    """Return the findings of the first files, until there are enough, and of all that have errors; how many are left.

    To find places costs as much as to read a file anew: of a thousand files with a warning each, nobody reads all.
    """
    by_file: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_file[finding.at.file].append(finding)
    taken: list[Finding] = []
    left = 0
    for _, found in sorted(by_file.items()):
        if len(taken) < enough or any(f.severity is Severity.ERROR for f in found):
            taken += found
        else:
            left += len(found)
    return taken, left


def span_finder(read: Read) -> Callable[[Place], Span]:
    """Return a function that finds the spans of places; each file is read once, when it is first asked for."""
    return _Finder(read).span


def _without_echoes(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Leave out what the schema says of values that could not be read as YAML: it only repeats the first finding."""
    findings = tuple(findings)
    unread = [finding.span() for finding in findings if finding.code.startswith("MLC0")]
    given_up = {finding.span().file for finding in findings if finding.code == "MLC010"}  # later aliases are empty
    for finding in findings:
        span = finding.span()
        echoes = span.file in given_up or any(_is_within(inner, span) for inner in unread)
        if not (echoes and finding.code.startswith("MLC1")):
            yield finding


def _is_within(span: Span, outer: Span) -> bool:
    start = span.line, span.column
    inside = (outer.line, outer.column) <= start < (outer.end_line, outer.end_column)
    return span.file == outer.file and inside


class _Finder:
    """Finds the spans of places; reads each file once."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._files: dict[str, dict[int, Positions]] = {}

    def located(self, finding: Finding) -> Finding:
        related = tuple(replace(item, at=item.at and self.span(item.at)) for item in finding.related)
        return replace(finding, at=self.span(finding.at), related=related)

    def span(self, at: Place | Span) -> Span:
        if isinstance(at, Span):
            return at
        document = self._positions(at.file).get(at.document)
        return document.find(at) if document else Span(at.file, 1, 1, 1, 1)

    def _positions(self, file: str) -> dict[int, Positions]:
        if file not in self._files:
            text = self._read(file)
            self._files[file] = {} if text is None else positions(file, text)
        return self._files[file]
