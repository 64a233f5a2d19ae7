"""How characters look in a terminal: their width, and an escape for those that would hide or reorder text."""

from __future__ import annotations

import unicodedata

TAB = "    "

# Control, format (bidirectional overrides, zero-width), surrogate, line and paragraph separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_WIDE = frozenset({"W", "F"})


def cells(text: str) -> list[str]:
    """Return what to print for each character of a line.

    >>> cells("a\\t\\x1b\\u202e")
    ['a', '    ', '\\\\x1b', '\\\\u202e']
    """
    if text.isascii() and text.isprintable():
        return list(text)
    return [_cell(character) for character in text]


def printable(text: str) -> str:
    """Return the text with every hidden character escaped, line breaks included."""
    return "".join(cells(text))


def width(text: str) -> int:
    """Return how many columns a printable text takes.

    >>> width("né\\u4e2d")
    4
    """
    return len(text) if text.isascii() else sum(_width(character) for character in text)


def clip(text: str, room: int) -> str:
    """Return the printable form of a text, cut to at most `room` columns."""
    shown = cells(text)
    if sum(map(width, shown)) <= room:
        return "".join(shown)
    return "".join(shown[: fitting(list(map(width, shown)), 0, room - 3)]) + "..."


def fitting(widths: list[int], start: int, room: int) -> int:
    """Return the end of the longest run of cells from `start` that fits into `room` columns."""
    end = start
    while end < len(widths) and widths[end] <= room:
        room -= widths[end]
        end += 1
    return end


def fitting_before(widths: list[int], end: int, room: int) -> int:
    """Return the start of the longest run of cells up to `end` that fits into `room` columns."""
    return len(widths) - fitting(widths[::-1], len(widths) - end, room)


def _cell(character: str) -> str:
    if character == "\t":
        return TAB
    if unicodedata.category(character) not in _HIDDEN:
        return character
    return character.encode("unicode_escape").decode("ascii")


def _width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in _WIDE else 1
