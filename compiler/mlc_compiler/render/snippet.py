"""The lines of source that a finding points at, with carets under what is meant."""

from __future__ import annotations

from collections.abc import Callable

from mlc_compiler.diagnostics import LINE_BREAK, Span
from mlc_compiler.records import dataclass
from mlc_compiler.render.cells import cells, clip, fitting, fitting_before, width

Read = Callable[[str], str | None]

_ELLIPSIS = "..."
_LEAST_ROOM = 20


@dataclass(frozen=True, slots=True)
class Row:
    """A line of source as shown: its number, its text, and how far from the left the carets start and how many."""

    number: int
    text: str
    indent: int
    carets: int


class Sources:
    """The lines of the files that findings point at; each file is read once."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._lines: dict[str, list[str]] = {}

    def line(self, file: str, number: int) -> str | None:
        """Return a line by its number from 1, without its break, or None when there is no such line."""
        if file not in self._lines:
            text = self._read(file)
            self._lines[file] = [] if text is None else LINE_BREAK.split(text.removeprefix("\ufeff"))
        lines = self._lines[file]
        return lines[number - 1] if 0 < number <= len(lines) else None

    def excerpt(self, span: Span, room: int) -> str:
        """Return the line where a span starts, on its own and cut to `room` columns."""
        return clip((self.line(span.file, span.line) or "").strip(), max(room, _LEAST_ROOM))

    def rows(self, span: Span, room: int) -> list[Row]:
        """Return the first line of a span, and the last when that is another, each at most `room` columns wide."""
        first = self.line(span.file, span.line)
        if first is None:
            return []
        room = max(room, _LEAST_ROOM)
        if span.line == span.end_line:
            return [_row(span.line, first, span.column - 1, span.end_column - 1, room)]
        rows = [_row(span.line, first, span.column - 1, len(first.rstrip()), room)]
        last = self.line(span.file, span.end_line)
        if last is not None and last[: span.end_column - 1].strip():
            indent = len(last) - len(last.lstrip())
            rows.append(_row(span.end_line, last, indent, span.end_column - 1, room))
        return rows


def _row(number: int, line: str, start: int, end: int, room: int) -> Row:
    shown = cells(line.rstrip())
    start = min(start, len(shown))
    end = min(max(end, start + 1), max(len(shown), start + 1))
    widths = [width(cell) for cell in shown]
    low, high = _window(widths, start, room)
    before, after = _ELLIPSIS if low else "", _ELLIPSIS if high < len(shown) else ""
    return Row(
        number,
        before + "".join(shown[low:high]) + after,
        len(before) + sum(widths[low:start]),
        max(sum(widths[start : min(end, high)]), 1),
    )


def _window(widths: list[int], start: int, room: int) -> tuple[int, int]:
    """Return which cells of a line to show: all, or with a third of the room for what is before `start`."""
    if sum(widths) <= room:
        return 0, len(widths)
    room -= 2 * len(_ELLIPSIS)
    low = fitting_before(widths, start, room // 3)
    high = fitting(widths, low, room)
    return (fitting_before(widths, high, room), high) if high == len(widths) else (low, high)
