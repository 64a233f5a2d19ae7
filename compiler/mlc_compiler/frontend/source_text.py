"""The text of one file: turns character offsets, which is what the YAML parser counts, into lines and columns."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property

from mlc_compiler.diagnostics import LINE_BREAK, Span


class SourceText:
    """A file's name and text without byte order mark; offsets count its characters from 0."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in LINE_BREAK.finditer(self.text))]

    def line_and_column(self, offset: int) -> tuple[int, int]:
        """Return the line and column, from 1, of a character; offsets outside the text count as its ends."""
        offset = min(max(offset, 0), len(self.text))
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def offset(self, line: int) -> int:
        """Return the offset of the first character of a line that exists, by its number from 1."""
        return self._starts[line - 1]

    def line_start(self, offset: int) -> int:
        """Return the offset of the first character of the line that holds `offset`."""
        return self._starts[self.line_and_column(offset)[0] - 1]

    def line_end(self, offset: int) -> int:
        """Return the offset just after the last character, no line break, of the line that holds `offset`."""
        match = LINE_BREAK.search(self.text, self.line_start(offset))
        return match.start() if match else len(self.text)

    def span(self, start: int, end: int) -> Span:
        """Return the span of the characters from `start` up to, but not including, `end`."""
        return Span(self.file, *self.line_and_column(start), *self.line_and_column(max(start, end)))

    def character(self, offset: int) -> Span:
        """Return the span of one character, or of the empty end of its line."""
        return self.span(offset, min(offset + 1, max(offset, self.line_end(offset))))
