"""Sets of characters as RE2 names them: ranges of code points, classes, Unicode categories and scripts."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterable, Iterator

Ranges = tuple[tuple[int, int], ...]
"""Code points from the first to the last of each pair; sorted, apart from each other."""

LAST = 0x10FFFF
ANY: Ranges = ((0, LAST),)
NO_NEWLINE: Ranges = ((0, 9), (11, LAST))
DIGIT: Ranges = ((48, 57),)
SPACE: Ranges = ((9, 10), (12, 13), (32, 32))
WORD: Ranges = ((48, 57), (65, 90), (95, 95), (97, 122))
_UPPER, _LOWER = ((65, 90),), ((97, 122),)
NAMED: dict[str, Ranges] = {
    "alnum": DIGIT + _UPPER + _LOWER, "alpha": _UPPER + _LOWER, "ascii": ((0, 127),), "blank": ((9, 9), (32, 32)),
    "cntrl": ((0, 31), (127, 127)), "digit": DIGIT, "graph": ((33, 126),), "lower": _LOWER, "print": ((32, 126),),
    "punct": ((33, 47), (58, 64), (91, 96), (123, 126)), "space": ((9, 13), (32, 32)), "upper": _UPPER, "word": WORD,
    "xdigit": ((48, 57), (65, 70), (97, 102)),
}  # fmt: skip
_SCANNED = 0x20100  # two planes and some: the others hold rare ideographs and private use, which no sample needs
_SCRIPTS = {"Han": "CJK", "Nko": "NKO"}
_FOLDED = 4096
_SURROGATES = (0xD800, 0xDFFF)


def united(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Return ranges sorted, those that touch made one.

    >>> united([(5, 9), (1, 3), (4, 6)])
    ((1, 9),)
    """
    found: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], last))
        else:
            found.append((first, last))
    return tuple(found)


def negated(ranges: Ranges) -> Ranges:
    """Return all other code points.

    >>> negated(((0, 9), (11, 0x10FFFF)))
    ((10, 10),)
    """
    edges = [-1, *(edge for first, last in united(ranges) for edge in (first - 1, last + 1)), LAST + 1]
    gaps = zip(edges[::2], edges[1::2], strict=True)
    return tuple((first + (first < 0), last - (last > LAST)) for first, last in _inner(gaps))


def _inner(gaps: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    for first, last in gaps:
        start = max(first, 0)
        if start <= min(last, LAST):
            yield start, min(last, LAST)


def folded(ranges: Ranges) -> Ranges:
    """Return ranges with the other cases of their characters; of wide ranges, those of the first some thousand."""
    orbits = _orbits()
    cases = {
        ord(other)
        for first, last in ranges
        for point in range(first, min(last, first + _FOLDED) + 1)
        for other in orbits.get(chr(point).casefold(), "")
    }
    return united([*ranges, *((point, point) for point in cases)])


@functools.cache
def _orbits() -> dict[str, str]:
    """Return the characters that are one but for their case (s, S and the long s), by that case."""
    found: dict[str, str] = {}
    for character in map(chr, range(_SCANNED)):
        plain = character.casefold()
        if plain != character and len(plain) == 1:
            found[plain] = found.get(plain, plain) + character
    return found


def holds(ranges: Ranges, character: str) -> bool:
    """Tell whether a character is in a set."""
    point = ord(character)
    return any(first <= point <= last for first, last in ranges)


def encodable(ranges: Ranges) -> Ranges:
    """Return the code points that UTF-8 can hold: those that are no surrogates."""
    low, high = _SURROGATES
    parts = [(first, min(last, low - 1)) for first, last in ranges] + [(max(f, high + 1), last) for f, last in ranges]
    return united(part for part in parts if part[0] <= part[1])


@functools.lru_cache(maxsize=64)
def property_ranges(name: str) -> Ranges:
    """Return the characters of a Unicode category such as Lu or L, or of a script such as Greek; Any is all."""
    if name == "Any":
        return ANY
    if len(name) <= 2:  # a category has one letter or two, a script more
        return _runs(p for p in range(_SCANNED) if unicodedata.category(chr(p)).startswith(name))
    word = _SCRIPTS.get(name, name.replace("_", " ")).upper()
    return _runs(p for p in range(_SCANNED) if unicodedata.name(chr(p), "").startswith(f"{word} "))


def _runs(points: Iterable[int]) -> Ranges:
    return united((point, point) for point in points)
