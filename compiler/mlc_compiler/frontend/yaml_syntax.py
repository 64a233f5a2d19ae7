"""Turns the parser's exceptions into findings by looking at the text they point at, never at their wording."""

from __future__ import annotations

import re

from yaml.error import MarkedYAMLError, YAMLError

from mlc_compiler.diagnostics import Finding, Related, Sink
from mlc_compiler.frontend.source_text import SourceText

MAX_CONTROL_CHARACTERS = 20

_NOT_PRINTABLE = "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
_DOCUMENT_START = re.compile(r"^---(?=\s|$)", re.MULTILINE)
_KEY = re.compile(r":\s")
_RESERVED = "@`%&*!|>"
_OPENING = {"[": "]", "{": "}", '"': '"', "'": "'"}


def blank_control_characters(source: SourceText, sink: Sink) -> str:
    """Return the text with U+FFFD for each character that YAML forbids, so that the rest can be read; report those."""
    text, forbidden = source.text, re.compile(_NOT_PRINTABLE)  # 6 ms to compile, for the few files that need it
    for number, match in enumerate(forbidden.finditer(text)):
        if number >= MAX_CONTROL_CHARACTERS:
            break
        sink.error(
            "MLC003", source.span(match.start(), match.end()),
            f"the file contains the control character U+{ord(match.group()):04X}",
            help="delete it; inside double quotes it can be written as an escape",
        )  # fmt: skip
    return forbidden.sub("\ufffd", text)


def next_document(text: str, offset: int, base: int) -> int | None:
    """Return where the next document starts in or after the line of `offset`, but after `base`, or None."""
    line = text.rfind("\n", 0, offset) + 1
    starts = (match.start() for match in _DOCUMENT_START.finditer(text, line))
    return next((start for start in starts if start > base), None)


def syntax_finding(source: SourceText, error: YAMLError | ValueError, base: int) -> Finding:
    """Return the finding for an exception of the parser, which started to read at the offset `base`."""
    if not isinstance(error, MarkedYAMLError) or error.problem_mark is None:
        return Finding("MLC001", "the file is not valid YAML", source.span(base, base), note=type(error).__name__)
    offset = base + error.problem_mark.index
    tab = _tab_before(source, offset)
    if tab is not None:
        advice = "indent with spaces, two for each level"
        return Finding("MLC004", "a tab is used for indentation", source.character(tab), help=advice)
    return _unreadable(source, error, offset, base)


def _tab_before(source: SourceText, offset: int) -> int | None:
    """Return the offset of a tab in the white space that leads the line up to `offset`, or None."""
    start = source.line_start(offset)
    leading = re.compile(r"[ \t]*").match(source.text, start, max(offset, start) + 1)
    tab = source.text.find("\t", start, leading.end() if leading else start)
    return tab if tab >= 0 else None


def _unreadable(source: SourceText, error: MarkedYAMLError, offset: int, base: int) -> Finding:
    message, problem = "the file is not valid YAML", error.problem or ""
    opened = offset if error.context_mark is None else base + error.context_mark.index
    bracket = source.text[opened : opened + 1]
    if offset >= len(source.text.rstrip()):
        # The end of the file is only where the parser notices.
        message = f"the file ends before this `{bracket}` is closed" if bracket in _OPENING else message
        help = f"write `{_OPENING[bracket]}` where the value ends" if bracket in _OPENING else ""
        return Finding("MLC001", message, source.character(opened), problem, help=help)
    related = () if opened == offset else (Related(error.context or "", at=source.character(opened)),)
    return Finding("MLC001", message, source.character(offset), problem, related, _advice(source, opened, offset))


def _advice(source: SourceText, opened: int, offset: int) -> str:
    """Return how to mend the usual mistakes, told from the characters where the parser gave up and where it began."""
    character, bracket = source.text[offset : offset + 1], source.text[opened : opened + 1]
    before = source.text[source.line_start(offset) : offset]
    if bracket == '"' and "\\" in source.text[max(opened, offset - 2) : offset + 1]:
        return "double the backslash, or use single quotes, where it is an ordinary character"
    if bracket in _OPENING and opened != offset:
        return f"close the `{bracket}` of line {source.line_and_column(opened)[0]} before this"
    if character == ":" and _KEY.search(before):
        return "put quotes round a value that contains `: `"
    if character and character in _RESERVED:
        return f"put quotes round a value that starts with {character}"
    if character == ":" or not before.strip():
        return "start the keys of one mapping in the same column, and close every bracket and quote above"
    return ""
