"""Texts that match a pattern, made from the pattern: short, long, of every alternative, and far beyond ASCII.

Every text is matched before it is given: what assertions exclude is left out. Time is bounded, whatever the pattern.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping

from mlc_compiler.records import dataclass
from mlc_compiler.sql.regex_classes import WORD, Ranges, encodable, holds
from mlc_compiler.sql.regex_syntax import Boundary, Chars, Choice, Joined, Pattern, PatternProblem, Repeated
from mlc_compiler.sql.regex_syntax import parse_pattern as parse

LONGEST = 2000
"""The most characters of a text that is made."""
_STEPS = 20_000  # of one match: some 10 ms
_MOST_BRANCHES = 4
_NUMBERED = 300
_VAIN = 50  # tries for each text that is found
_WRITTEN = 20_000  # characters of all keys together: some 200 ms


class _TooMuchError(Exception):
    """A text would get too long, or a match would take too many steps."""


# --- matching --------------------------------------------------------------------------------------------------------
def fits(pattern: Pattern, text: str) -> bool:
    """Tell whether a whole text matches; no where that would take too long to tell."""
    try:
        return len(text) in _Match(text).ends(pattern, 0)
    except _TooMuchError:
        return False


def matches(pattern: str, text: str) -> bool:
    """Tell whether a whole text matches a pattern; no where the pattern is none, or it would take too long to tell.

    >>> matches("[A-Z]{3}", "JFK"), matches("[A-Z]{3}", "JF"), matches("[A-Z", "J")
    (True, False, False)
    """
    parsed = parse(pattern)
    return not isinstance(parsed, PatternProblem) and fits(parsed, text)


class _Match:
    """Where each part of a pattern may end in one text, by where it begins."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._known: dict[tuple[int, int], frozenset[int]] = {}
        self._steps = 0

    def ends(self, pattern: Pattern, start: int) -> frozenset[int]:
        """Return the places at which the pattern may end."""
        if isinstance(pattern, Chars):
            fit = start < len(self._text) and holds(pattern.ranges, self._text[start])
            return frozenset((start + 1,)) if fit else frozenset()
        if isinstance(pattern, Boundary):
            return frozenset((start,)) if self._is_boundary(pattern.kind, start) else frozenset()
        key = (id(pattern), start)
        if key not in self._known:
            self._steps += 1
            if self._steps > _STEPS:
                raise _TooMuchError
            self._known[key] = self._ends(pattern, start)
        return self._known[key]

    def _ends(self, pattern: Joined | Choice | Repeated, start: int) -> frozenset[int]:
        if isinstance(pattern, Choice):
            return frozenset[int]().union(*(self.ends(option, start) for option in pattern.options))
        if isinstance(pattern, Repeated):
            return self._repeated(pattern, start)
        reached = frozenset((start,))
        for part in pattern.parts:
            reached = self._after(part, reached)
        return reached

    def _after(self, pattern: Pattern, starts: frozenset[int]) -> frozenset[int]:
        self._steps += len(starts)
        if self._steps > _STEPS:
            raise _TooMuchError
        return frozenset[int]().union(*(self.ends(pattern, start) for start in starts))

    def _repeated(self, pattern: Repeated, start: int) -> frozenset[int]:
        reached = frozenset((start,))
        for _ in range(pattern.least):
            before, reached = reached, self._after(pattern.part, reached)
            if reached == before:
                break
        found, times = reached, pattern.least
        while reached and (pattern.most is None or times < pattern.most):
            reached = self._after(pattern.part, reached) - found
            found |= reached
            times += 1
        return found

    def _is_boundary(self, kind: str, at: int) -> bool:
        before, after = self._text[at - 1 : at] if at else "", self._text[at : at + 1]
        if kind in ("^", "$"):
            return not (before if kind == "^" else after)
        if kind in ("^^", "$$"):
            return (before if kind == "^^" else after) in ("", "\n")
        word = _is_word(before) != _is_word(after)
        return word if kind == "b" else not word


def _is_word(character: str) -> bool:
    return bool(character) and holds(WORD, character)


# --- making ----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Taste:
    """How a text is made where the pattern leaves a choice: characters to prefer, repetitions beyond the least."""

    preferred: str = ""
    further: int = 0
    branch: int = 0
    last: bool = False  # the last characters of each set


TASTES: Mapping[str, _Taste] = {
    "shortest match": _Taste(),
    "longer match": _Taste(further=1),
    **{f"match of branch {number}": _Taste(branch=number - 1) for number in range(2, _MOST_BRANCHES + 1)},
    "long match": _Taste(further=300),
    "composed accent": _Taste("\u00e9\u00c9", 1),
    "decomposed accent": _Taste("\u0301\u0300", 1),
    "sharp s": _Taste("\u00df", 1),
    "beyond the basic plane": _Taste("\U0001f6eb\U00020000\U0001d400", 1),
    "right to left": _Taste("\u05d0", 1),
    "last characters": _Taste(last=True, further=1),
}


@functools.lru_cache(maxsize=1024)
def matching_texts(pattern: str) -> Mapping[str, str]:
    """Return texts that match a pattern by what is odd about them; none where none was found.

    >>> matching_texts("[A-Z]{2}-?[0-9]")
    {'shortest match': 'AA0', 'longer match': 'AA-0', 'last characters': 'ZZ-9'}
    """
    parsed = parse(pattern)
    if isinstance(parsed, PatternProblem):
        return {}
    found: dict[str, str] = {}
    for name, taste in TASTES.items():
        text = _made(parsed, _Writer(taste))
        asked = text is not None and (not taste.preferred or any(c in text for c in taste.preferred))
        if asked and text is not None and text not in found.values():
            found[name] = text
    return found


@functools.lru_cache(maxsize=256)
def numbered_texts(pattern: str) -> tuple[str, ...]:
    """Return different texts that match a pattern, up to some hundred, as keys need them."""
    parsed = parse(pattern)
    if isinstance(parsed, PatternProblem):
        return ()
    found: dict[str, None] = {}
    written = 0
    for number in range(1, 2 * _NUMBERED):
        writer = _Writer(_Taste(), number)
        text = _made(parsed, writer)
        found |= {} if text is None else {text: None}
        written += writer.length
        if len(found) == _NUMBERED or written > _WRITTEN or number > _VAIN * (len(found) + 1):
            break
    return tuple(found)


def _made(pattern: Pattern, writer: _Writer) -> str | None:
    try:
        text = writer.text(pattern)
    except _TooMuchError:
        return None
    return text if fits(pattern, text) else None


class _Writer:
    """Writes one text. With a number, each choice takes a digit of it: other numbers, other texts."""

    def __init__(self, taste: _Taste, number: int | None = None) -> None:
        self._taste = taste
        self._number = number
        self.length = 0

    def text(self, pattern: Pattern) -> str:
        """Return a text of the pattern, its assertions aside."""
        return "".join(self._pieces(pattern))

    def _pieces(self, pattern: Pattern) -> Iterator[str]:
        if isinstance(pattern, Chars):
            self.length += 1
            if self.length > LONGEST:
                raise _TooMuchError
            yield self._character(pattern.ranges)
        elif isinstance(pattern, Joined):
            for part in pattern.parts:
                yield from self._pieces(part)
        elif isinstance(pattern, Choice):
            yield from self._pieces(pattern.options[self._branch(len(pattern.options))])
        elif isinstance(pattern, Repeated):
            for _ in range(self._times(pattern)):
                yield from self._pieces(pattern.part)

    def _branch(self, count: int) -> int:
        return min(self._taste.branch, count - 1) if self._number is None else self._digit(count)

    def _times(self, pattern: Repeated) -> int:
        further = self._taste.further if self._number is None else self._digit(3)
        return pattern.least + (further if pattern.most is None else min(further, pattern.most - pattern.least))

    def _character(self, ranges: Ranges) -> str:
        choices = _choices(ranges)
        if not choices:
            raise _TooMuchError
        if self._number is not None:
            return choices[self._digit(len(choices))]
        if self._taste.last:
            return chr(encodable(ranges)[-1][1])
        return next((c for c in self._taste.preferred if holds(ranges, c)), choices[0])

    def _digit(self, base: int) -> int:
        self._number, digit = divmod(self._number or 0, base)
        return digit


@functools.lru_cache(maxsize=256)
def _choices(ranges: Ranges) -> str:
    """Return some characters of a set, those that people type before all others."""
    plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    found = "".join(c for c in plain if holds(ranges, c))
    points = (point for first, last in encodable(ranges) for point in range(first, min(last, first + 20) + 1))
    return found or "".join(chr(point) for point, _ in zip(points, range(20), strict=False))
