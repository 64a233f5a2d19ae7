"""Reads a pattern as RE2 does, which checks texts against it in training and serving, and refuses what RE2 refuses.

RE2 has neither lookarounds nor backreferences, and at most 1,000 repetitions: its time is linear in the text. Python's
own parser takes another language, so it can't tell.
"""

from __future__ import annotations

import functools
import re
from typing import TypeAlias

from mlc_compiler.records import dataclass
from mlc_compiler.sql.regex_classes import (
    ANY,
    DIGIT,
    LAST,
    NAMED,
    NO_NEWLINE,
    SPACE,
    WORD,
    Ranges,
    folded,
    negated,
    property_ranges,
    united,
)

MOST_REPEATS = 1000  # kMaxRepeat of RE2, of nested repetitions together
_LONGEST = 2000
_DEEPEST = 50


@dataclass(frozen=True, slots=True)
class Chars:
    """One character of a set."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Boundary:
    """A place that takes no character: `^` and `$` of the text or of a line, `b` and `B` of a word."""

    kind: str


@dataclass(frozen=True, slots=True)
class Joined:
    """Parts, one after the other."""

    parts: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Any one of its options."""

    options: tuple[Pattern, ...]


@dataclass(frozen=True, slots=True)
class Repeated:
    """A part, `least` to `most` times; None is without end. `counted` repetitions are written in braces."""

    part: Pattern
    least: int
    most: int | None
    counted: bool = False


Pattern: TypeAlias = Chars | Boundary | Joined | Choice | Repeated
Parsed: TypeAlias = "Pattern | PatternProblem"


@dataclass(frozen=True, slots=True)
class PatternProblem:
    """Why a pattern was not read; `refused` by RE2 as well, or only too long or deep for this reader."""

    reason: str
    refused: bool = True
    help: str = ""


class _ProblemError(Exception):
    def __init__(self, reason: str, *, refused: bool = True, help: str = "") -> None:
        super().__init__(reason)
        self.problem = PatternProblem(reason, refused, help)


@functools.lru_cache(maxsize=1024)
def parse_pattern(text: str) -> Parsed:
    """Return the pattern of a text, or why there is none."""
    try:
        if len(text) > _LONGEST:
            raise _ProblemError(f"it has {len(text):,} characters", refused=False)
        reader = _Reader(text)
        pattern = reader.choice(0, "")
        if reader.more:
            raise _ProblemError("a `)` has no `(` before it")
    except _ProblemError as error:
        return error.problem
    return pattern


_COUNT = re.compile(r"\{(0|[1-9][0-9]{0,7})(,(0|[1-9][0-9]{0,7})?)?\}")
_FLAGS = re.compile(r"\(\?(?P<on>[imsU]*)(?:-(?P<off>[imsU]+))?(?P<end>[:)])")
_NAME = re.compile(r"\(\?P<[A-Za-z0-9_]+>")
_HEX = re.compile(r"\\x(?:\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2}))")
_OCTAL = re.compile(r"\\(0[0-7]{0,2}|[1-7][0-7]{1,2})")
_PROPERTY = re.compile(r"\\[pP](?:\{(\^?)([A-Za-z_]+)\}|([A-Z]))")
_NAMED = re.compile(r"\[:(\^?)([a-z]+):\]")
_QUOTED = re.compile(r"\\Q(.*?)(?:\\E|\Z)", re.DOTALL)
_CONTROLS = {"a": 7, "f": 12, "t": 9, "n": 10, "r": 13, "v": 11}
_CLASSES = {"d": DIGIT, "s": SPACE, "w": WORD}
_LOOKING = {"(?=": "looks ahead", "(?!": "looks ahead", "(?<=": "looks behind", "(?<!": "looks behind"}


class _Reader:
    """One pass over the text; `flags` are those of the group that is being read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    @property
    def more(self) -> bool:
        return self._at < len(self._text)

    def _next(self, text: str) -> bool:
        return self._text.startswith(text, self._at)

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._text, self._at)
        if found:
            self._at = found.end()
        return found

    # --- alternatives and sequences ---
    def choice(self, depth: int, flags: str) -> Pattern:
        """Read alternatives up to the end of their group."""
        if depth > _DEEPEST:
            raise _ProblemError(f"its groups are nested more than {_DEEPEST} deep", refused=False)
        options, parts, repeated = [], list[Pattern](), False
        while self.more and not self._next(")"):
            if self._next("|"):
                self._at += 1
                options.append(_joined(parts))
                parts, repeated = [], False
            elif (times := self._times()) is not None:
                _repeat(parts, times, again=repeated)
                repeated = True
            else:
                found, flags = self._item(depth, flags)
                parts += found
                repeated = False
        options.append(_joined(parts))
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _times(self) -> tuple[int, int | None, bool] | None:
        """Read how often the part before may come, if that is said here."""
        simple: dict[str, tuple[int, int | None, bool]] = {
            "*": (0, None, False), "+": (1, None, False), "?": (0, 1, False)
        }  # fmt: skip
        found = simple.get(self._text[self._at])
        if found:
            self._at += 1
        elif count := self._take(_COUNT):
            least, upper = int(count[1]), count[3]
            found = (least, int(upper) if upper else None if count[2] else least, True)
        if found and self._next("?"):  # lazy: the same texts
            self._at += 1
        return found

    def _item(self, depth: int, flags: str) -> tuple[list[Pattern], str]:
        """Read what stands at this place: a group, a class, an escape, a character; flags may change."""
        character = self._text[self._at]
        if character == "(":
            return self._group(depth, flags)
        if character == "[":
            return [Chars(self._class(flags))], flags
        if character == "\\":
            return self._escape(flags), flags
        self._at += 1
        if character in "^$":
            return [Boundary(character * (2 if "m" in flags else 1))], flags
        if character == ".":
            return [Chars(ANY if "s" in flags else NO_NEWLINE)], flags
        return [_literal(ord(character), flags)], flags

    def _group(self, depth: int, flags: str) -> tuple[list[Pattern], str]:
        inner, changed = flags, self._take(_FLAGS)
        if changed:
            inner = "".join(sorted({*flags, *changed["on"]} - {*(changed["off"] or "")}))
            if changed["end"] == ")":
                return [], inner
        elif not self._next("(?"):
            self._at += 1
        elif not self._take(_NAME):
            raise self._refused_group()
        part = self.choice(depth + 1, inner)
        if not self.more:
            raise _ProblemError("a `(` is never closed")
        self._at += 1
        return [part], flags

    def _refused_group(self) -> _ProblemError:
        for start, what in sorted(_LOOKING.items(), key=lambda item: -len(item[0])):
            if self._next(start):
                help = "write what the whole text must be; an `expression` check can say the rest"
                return _ProblemError(f"`{start}` {what}, which RE2 can't", help=help)
        if self._next("(?<"):
            return _ProblemError("`(?<` names a group, which RE2 writes otherwise", help="write (?P<name>...)")
        return _ProblemError(f"`{self._text[self._at : self._at + 3]}` begins nothing that RE2 knows")

    # --- escapes ---
    def _escape(self, flags: str) -> list[Pattern]:
        quoted = self._take(_QUOTED)
        if quoted:
            return [_literal(ord(character), flags) for character in quoted[1]]
        following = self._text[self._at + 1 : self._at + 2]
        if following and following in "AzbB":
            self._at += 2
            return [Boundary({"A": "^", "z": "$"}.get(following, following))]
        if following == "C":  # a byte: only of ASCII is it a text
            self._at += 2
            return [Chars(((0, 127),))]
        ranges = self._set_escape(flags)
        if ranges is not None:
            return [Chars(ranges)]
        return [_literal(self._point(), flags)]

    def _set_escape(self, flags: str) -> Ranges | None:
        """Read a class that an escape names, if one stands here; its complement is of all cases of its characters."""
        following = self._text[self._at + 1 : self._at + 2]
        if following.lower() in _CLASSES:
            self._at += 2
            return _set(_CLASSES[following.lower()], flags, negative=following.isupper())
        if following not in ("p", "P"):
            return None
        found = self._take(_PROPERTY)
        ranges = property_ranges(found[2] or found[3]) if found else ()
        if found is None or not ranges:
            raise _ProblemError(f"`{self._shown(found)}` is no Unicode category or script", refused=found is None)
        return _set(ranges, flags, negative=(following == "P") != bool(found[1]))

    def _shown(self, found: re.Match[str] | None) -> str:
        return found[0] if found else self._text[self._at : self._at + 3]

    def _point(self) -> int:
        """Read an escaped character."""
        if found := self._take(_HEX):
            point = int(found[1] or found[2], 16)
            if point > LAST:
                raise _ProblemError(f"`{found[0]}` is no character")
            return point
        if found := self._take(_OCTAL):
            return int(found[1], 8)
        following = self._text[self._at + 1 : self._at + 2]
        if not following:
            raise _ProblemError("it ends in a single `\\`")
        if following in "123456789":
            raise _ProblemError(f"`\\{following}` refers back to a group, which RE2 can't", help="repeat the group")
        if following not in _CONTROLS and (following.isalnum() or not following.isascii()):
            raise _ProblemError(f"`\\{following}` means nothing to RE2")
        self._at += 2
        return _CONTROLS.get(following, ord(following))

    # --- classes ---
    def _class(self, flags: str) -> Ranges:
        """Read `[...]`."""
        self._at += 1
        negative = self._next("^")
        self._at += negative
        found: list[tuple[int, int]] = []
        first = True
        while first or not self._next("]"):
            found += self._member(flags)
            first = False
        self._at += 1
        return _set(united(found), "", negative=negative)

    def _member(self, flags: str) -> Ranges:
        if named := self._take(_NAMED):
            if named[2] not in NAMED:
                raise _ProblemError(f"`{named[0]}` is no class", help=f"there are {', '.join(NAMED)}")
            return _set(NAMED[named[2]], flags, negative=bool(named[1]))
        if self._next("\\") and (ranges := self._set_escape(flags)) is not None:
            return ranges
        low = self._class_point()
        if not self._next("-") or self._text[self._at + 1 : self._at + 2] in ("]", ""):
            return _set(((low, low),), flags)
        self._at += 1
        high = self._class_point()
        if high < low:
            raise _ProblemError(f"the range {chr(low)}-{chr(high)} runs backwards")
        return _set(((low, high),), flags)

    def _class_point(self) -> int:
        if not self.more:
            raise _ProblemError("a `[` is never closed")
        if self._next("\\"):
            return self._point()
        self._at += 1
        return ord(self._text[self._at - 1])


def _literal(point: int, flags: str) -> Pattern:
    return Chars(_set(((point, point),), flags))


def _set(ranges: Ranges, flags: str, *, negative: bool = False) -> Ranges:
    """Return a set as the flags have it: every case of its characters, then all others where it is negative."""
    cases = folded(ranges) if "i" in flags else ranges
    return negated(cases) if negative else cases


def _joined(parts: list[Pattern]) -> Pattern:
    return parts[0] if len(parts) == 1 else Joined(tuple(parts))


# --- repetitions -----------------------------------------------------------------------------------------------------
def _repeat(parts: list[Pattern], times: tuple[int, int | None, bool], *, again: bool) -> None:
    """Let the last part repeat."""
    least, most, counted = times
    if not parts:
        raise _ProblemError("a repetition has nothing before it to repeat")
    if again:
        raise _ProblemError("a repetition follows another one", help="put the first into a group: (?:...)")
    if least > MOST_REPEATS or (most is not None and not least <= most <= MOST_REPEATS):
        shown = f"{{{least}}}" if least == most else f"{{{least},{'' if most is None else most}}}"
        raise _ProblemError(f"`{shown}` is no repetition of RE2, which repeats {MOST_REPEATS:,} times at most")
    repeated = Repeated(parts.pop(), least, most, counted)
    if counted and max(least, most or 0) > 1 and not _room(repeated, MOST_REPEATS):
        raise _ProblemError(f"its nested repetitions come to more than {MOST_REPEATS:,}, the most that RE2 takes")
    parts.append(repeated)


def _room(pattern: Pattern, left: int) -> int:
    """Return how often the innermost part might still repeat, as RE2 counts it."""
    if isinstance(pattern, Repeated):
        times = (pattern.least if pattern.most is None else pattern.most) if pattern.counted else 1
        return _room(pattern.part, left // max(times, 1))
    inner = pattern.parts if isinstance(pattern, Joined) else pattern.options if isinstance(pattern, Choice) else ()
    return min((_room(part, left) for part in inner), default=left)
