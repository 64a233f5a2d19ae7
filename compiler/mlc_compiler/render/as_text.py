"""Findings for people, in the layout that rustc made known: message, place, source line with carets, help."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from mlc_compiler.conventions import counted
from mlc_compiler.diagnostics import Finding, Place, Related, Severity
from mlc_compiler.render.cells import printable
from mlc_compiler.render.snippet import Read, Row, Sources

_COLORS = {Severity.ERROR: "1;31", Severity.WARNING: "1;33", Severity.INFO: "1;36"}
_BOLD = "1"
_GUTTER = "1;34"


def render_text(findings: Iterable[Finding], read: Read, color: bool = False, width: int = 120) -> str:
    """Return located findings and a summary line, or nothing when there are none.

    `read` returns a file's text for the source lines, or None; lines are cut to `width` columns round the carets.
    """
    findings = tuple(findings)
    if not findings:
        return ""
    page = _Page(Sources(read), color, width)
    return "\n".join(page.block(finding) for finding in findings) + f"\n{summary(findings)}\n"


def summary(findings: Iterable[Finding]) -> str:
    """Return how many findings there are of each severity: `3 errors, 1 warning`."""
    counts = Counter(finding.severity for finding in findings)
    return ", ".join(counted(counts[severity], severity.value) for severity in Severity if counts[severity])


class _Page:
    """Lays out one finding at a time."""

    def __init__(self, sources: Sources, color: bool, width: int) -> None:
        self._sources = sources
        self._color = color
        self._width = width

    def block(self, finding: Finding) -> str:
        span = finding.span()
        margin = " " * len(str(span.end_line))
        rows = self._sources.rows(span, self._width - len(margin) - 3)
        where = f"{printable(span.file)}:{span.line}:{span.column}"
        lines = [self._head(finding), f"{margin}{self._paint('-->', _GUTTER)} {where}"]
        lines += self._snippet(finding, rows, margin)
        lines += [self._fact(margin, item.label, self._related(item, margin)) for item in finding.related]
        if finding.help:
            lines.append(self._fact(margin, "help", finding.help))
        lines.append(self._fact(margin, "see", f"mlc explain {finding.code}"))
        return "\n".join(lines) + "\n"

    def _head(self, finding: Finding) -> str:
        label = self._paint(f"{finding.severity.value}[{finding.code}]", _COLORS[finding.severity])
        return label + self._paint(f": {printable(finding.message)}", _BOLD)

    def _snippet(self, finding: Finding, rows: list[Row], margin: str) -> list[str]:
        bar = self._paint(f"{margin} |", _GUTTER)
        if not rows:
            return [f"{margin}   {line}" for line in _lines(finding.note)]
        lines = [bar]
        for row in rows:
            if row.number > rows[0].number + 1:
                lines.append(self._paint(f"{margin}...", _GUTTER))
            lines.append(self._paint(f"{row.number:>{len(margin)}} |", _GUTTER) + f" {row.text}".rstrip())
            note = finding.note if row is rows[-1] else ""
            lines += [f"{bar} {line}" for line in self._carets(row, note, finding.severity)]
        return lines

    def _carets(self, row: Row, note: str, severity: Severity) -> list[str]:
        first, *others = _lines(note) or [""]
        indent = " " * row.indent
        marks = self._paint(f"{'^' * row.carets} {first}".rstrip(), _COLORS[severity])
        hanging = indent + " " * (row.carets + 1)
        return [indent + marks, *(hanging + self._paint(line, _COLORS[severity]) for line in others)]

    def _related(self, item: Related, margin: str) -> str:
        at = item.at
        if at is None:
            return item.text
        if isinstance(at, Place):
            raise TypeError(f"the related place `{item.label}` was not located")
        where = f"{at.file}:{at.line}:{at.column}"
        room = self._width - len(margin) - len(item.label) - len(where) - 7
        text = item.text or self._sources.excerpt(at, room)
        return f"{where}  {text}".rstrip()

    def _fact(self, margin: str, label: str, text: str) -> str:
        label = printable(label)
        first, *others = _lines(text) or [""]
        hanging = " " * (len(margin) + len(label) + 5)
        head = f"{margin} {self._paint('=', _GUTTER)} {self._paint(f'{label}:', _BOLD)} {first}".rstrip()
        return "\n".join([head, *(hanging + line for line in others)])

    def _paint(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self._color else text


def _lines(text: str) -> list[str]:
    return [printable(line) for line in text.splitlines()]
