"""Data to YAML or JSON text, with the origin of every line that has one.

Every string reads back as that string in YAML 1.1 readers (PyYAML, Go's yaml.v2) and YAML 1.2 readers alike: plain
where both agree, quoted elsewhere, a literal block for several lines. Block style, keys in the order given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from json.encoder import encode_basestring
from math import isfinite

from mlc_compiler.backend.target import Part, Sourced
from mlc_compiler.ir import Origin

# Every character but blanks, the colon, control characters and what hides from a reviewer: line separators, zero-width
# and bidirectional marks, private use.
_ASCII_INK = r"\x21-\x39\x3b-\x7e"
_INK = (
    rf"{_ASCII_INK}\u00a1-\u00ac\u00ae-\u0603\u061d-\u167f\u1681-\u180d\u180f-\u1fff\u2010-\u2027\u2030-\u205e"
    r"\u2070-\ud7ff\uf900-\ufdcf\ufdf0-\ufdff\ufe10-\ufefe\uff01-\uffef\U00010000-\U0001fffd\U00020000-\U0002fffd"
)
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")


class _Patterns:
    """How strings may be written, as regular expressions over the characters that may be seen."""

    def __init__(self, ink: str) -> None:
        self.hidden = re.compile(rf"[^{ink}:\x20]")
        self.escaped = re.compile(rf"[\\\"]|[^{ink}:\x20]")
        # What may stand without quotes: no indicator first, no `: ` or ` #` inside, no blank or colon last.
        self.plain = re.compile(
            r"(?![?:,\[\]{}#&*!|>'\"%@`=<~\x20]|-(?:\x20|\Z)|---|\.\.\.)"
            rf"(?:[{ink}]++|:(?!\x20|\Z)|\x20(?!\#|\Z))++"
        )
        # A block keeps its text only if its indentation can be seen and no blank ends a line.
        self.block = re.compile(rf"(?![\x20\t\n])(?:(?:[{ink}:\x20\t]++(?<![\x20\t]))?(?:\n|\Z))++")


@cache
def _patterns(ascii: bool) -> _Patterns:
    """Return the patterns for a text; those for all of Unicode take 20 ms to compile, and few projects need them."""
    return _Patterns(_ASCII_INK if ascii else _INK)


_NUMBER = re.compile(
    r"[-+]?(?:0[xXoObB][0-9a-fA-F_]*"
    r"|[0-9][0-9_,]*(?::[0-9_]*)*(?:\.[0-9_]*)?(?:[eE][-+]?[0-9_]*)?"  # with sexagesimal: 12:30
    r"|\.[0-9_]*(?:[eE][-+]?[0-9_]*)?"
    r"|\.?(?:inf|nan|infinity))",
    re.IGNORECASE,
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}(?:-[0-9]{1,2})?(?:[Tt\x20].*)?")
_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))

_SINGLE = (int, float, bool, type(None))  # what stands on one line without being looked at
_SEQUENCES = (list, tuple)
_MAPPINGS = (dict, Mapping)  # dict is one: told first, since asking an abstract class takes ten times as long
_LONGEST_CACHED = 128
_LONGEST_KEY = 1000  # readers look at most 1,024 characters ahead for a key's colon

_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0"}


def yaml_text(data: object, origin: Origin | None = None, comment: str | None = None) -> tuple[str, tuple[Part, ...]]:
    """Return a YAML document, below a comment if one is given, and the origins of its lines.

    `data` is made of str, int, float, bool, None, mappings with str keys, lists, tuples and `Sourced`. With `origin`,
    the lines that no `Sourced` covers have that origin. Raises ValueError for a number or text that YAML cannot carry
    to every reader (infinity, nan, lone surrogates, a key over 1,000 characters) and TypeError for any other type.

    >>> yaml_text({"on": ["push"], "version": "1.10", "replicas": 2})[0]
    '"on":\\n- push\\nversion: "1.10"\\nreplicas: 2\\n'
    """
    writer = _Yaml(origin, [] if comment is None else [comment])
    writer.document(data)
    return "\n".join(writer.lines) + "\n", writer.origins()


def yaml_documents(documents: tuple[object, ...], origin: Origin | None = None) -> tuple[str, tuple[Part, ...]]:
    """Return a stream of YAML documents, separated by `---`, and the origins of its lines."""
    writer = _Yaml(origin)
    for index, data in enumerate(documents):
        if index:
            writer.lines.append("---")
        writer.document(data)
    return "\n".join(writer.lines) + "\n", writer.origins()


def json_text(data: object, origin: Origin | None = None) -> tuple[str, tuple[Part, ...]]:
    """Return a JSON document, indented by two, and the origins of its lines. Data and errors as for `yaml_text`.

    >>> json_text({"panels": [], "title": "drift"})[0]
    '{\\n  "panels": [],\\n  "title": "drift"\\n}\\n'
    """
    writer = _Json(origin)
    writer.node(data, "", "", "")
    return "\n".join(writer.lines) + "\n", writer.origins()


class _Lines:
    """The lines written so far, one string each, and where an origin begins."""

    __slots__ = ("_origin", "_starts", "lines")

    def __init__(self, origin: Origin | None, lines: Iterable[str] = ()) -> None:
        self.lines = list(lines)
        self._origin = origin
        self._starts: dict[int, Origin | None] = {len(self.lines) + 1: origin}

    def begin(self, origin: Origin) -> Origin | None:
        """Let `origin` hold from the next line on; return the one to give back to `end`."""
        outer, self._origin = self._origin, origin
        self._starts[len(self.lines) + 1] = origin
        return outer

    def end(self, outer: Origin | None) -> None:
        self._origin = outer
        self._starts[len(self.lines) + 1] = outer

    def origins(self) -> tuple[Part, ...]:
        """Return the parts in order of lines, without those that repeat the one before."""
        parts: list[Part] = []
        last, before = len(self.lines), None
        for line, origin in self._starts.items():
            if origin is None or line > last or origin is before:  # mostly the same one, not only an equal one
                continue
            if before is None or before.field != origin.field or before.document != origin.document:
                parts.append(Part(line, origin))
                before = origin
        return tuple(parts)


class _Yaml(_Lines):
    __slots__ = ()

    def document(self, data: object) -> None:
        """Write a whole document."""
        outer: list[Origin | None] = []
        while isinstance(data, Sourced):
            outer.append(self.begin(data.origin))
            data = data.value
        if isinstance(data, Mapping) and data:
            self._mapping(data, "", "")
        elif isinstance(data, list | tuple) and data:
            self._sequence(data, "", "")
        else:
            self.lines.append(_quoted(data) if isinstance(data, str) and "\n" in data else _scalar(data))
        while outer:
            self.end(outer.pop())

    def _mapping(self, mapping: Mapping[object, object], pad: str, lead: str) -> None:
        """Write the entries at `pad`; the first follows `lead`, the dashes of the sequences it opens."""
        lines = self.lines
        start = lead or pad
        for key, value in mapping.items():
            name = _short_text(key) if type(key) is str and len(key) <= _LONGEST_CACHED else _key(key)
            if type(value) is str and "\n" not in value:
                text = _short_text(value) if len(value) <= _LONGEST_CACHED else _text(value)
                lines.append(f"{start}{name}: {text}")
            elif type(value) is int:
                lines.append(f"{start}{name}: {value}")
            elif type(value) is dict and value:
                lines.append(f"{start}{name}:")
                self._mapping(value, f"{pad}  ", "")
            else:
                self._value(value, f"{start}{name}:", pad)
            start = pad

    def _sequence(self, items: list[object] | tuple[object, ...], pad: str, lead: str) -> None:
        start = lead or pad
        for item in items:
            if type(item) is dict and item:
                self._mapping(item, f"{pad}  ", f"{start}- ")
            else:
                self._item(item, pad, start)
            start = pad

    def _item(self, item: object, pad: str, start: str) -> None:
        if type(item) is Sourced:
            outer = self.begin(item.origin)
            self._item(item.value, pad, start)
            self.end(outer)
        elif isinstance(item, _MAPPINGS) and item:
            self._mapping(item, f"{pad}  ", f"{start}- ")
        elif isinstance(item, _SEQUENCES) and item:
            self._sequence(item, f"{pad}  ", f"{start}- ")
        else:
            self._value(item, f"{start}-", pad)

    def _value(self, value: object, head: str, pad: str) -> None:
        """Write what stands after `head`, a key with its colon or a dash, on the same line or below it."""
        if type(value) is Sourced:
            outer = self.begin(value.origin)
            self._value(value.value, head, pad)
            self.end(outer)
        elif type(value) in _SINGLE or (type(value) is str and "\n" not in value):
            self.lines.append(f"{head} {_scalar(value)}")
        elif isinstance(value, _SEQUENCES) and value:
            self.lines.append(head)
            self._sequence(value, pad, "")  # a dash is indentation enough: what kubectl and kustomize print
        elif isinstance(value, str) and "\n" in value:
            self._several_lines(value, head, pad)
        elif isinstance(value, _MAPPINGS) and value:
            self.lines.append(head)
            self._mapping(value, f"{pad}  ", "")
        else:
            self.lines.append(f"{head} {_scalar(value)}")

    def _several_lines(self, text: str, head: str, pad: str) -> None:
        if not _patterns(text.isascii()).block.fullmatch(text):
            self.lines.append(f"{head} {_quoted(text)}")
            return
        body = text.split("\n")
        ends = len(text) - len(text.rstrip("\n"))
        self.lines.append(f"{head} |{'-' if ends == 0 else '' if ends == 1 else '+'}")
        self.lines.extend(f"{pad}  {line}" if line else "" for line in (body[:-1] if ends else body))


class _Json(_Lines):
    __slots__ = ()

    def node(self, value: object, pad: str, head: str, tail: str) -> None:
        """Write a value between `head`, its indentation and key, and `tail`, its comma."""
        if isinstance(value, str) or type(value) in _SINGLE:
            self.lines.append(f"{head}{_json_scalar(value)}{tail}")
        elif isinstance(value, Sourced):
            outer = self.begin(value.origin)
            self.node(value.value, pad, head, tail)
            self.end(outer)
        elif isinstance(value, _MAPPINGS) and value:
            entries = [(f"{_json_key(key)}: ", item) for key, item in value.items()]
            self._container(entries, pad, (f"{head}{{", f"{pad}}}{tail}"))
        elif isinstance(value, _SEQUENCES) and value:
            self._container([("", item) for item in value], pad, (f"{head}[", f"{pad}]{tail}"))
        else:
            self.lines.append(f"{head}{_json_scalar(value)}{tail}")

    def _container(self, entries: list[tuple[str, object]], pad: str, brackets: tuple[str, str]) -> None:
        self.lines.append(brackets[0])
        inner = f"{pad}  "
        for key, item in entries[:-1]:
            self.node(item, inner, inner + key, ",")
        key, item = entries[-1]
        self.node(item, inner, inner + key, "")
        self.lines.append(brackets[1])


def _key(key: object) -> str:
    if type(key) is str and len(key) <= _LONGEST_CACHED:
        return _short_text(key)
    if not isinstance(key, str):
        raise TypeError(f"a key must be a string, not {key!r}")
    text = _text(key)
    if len(text) > _LONGEST_KEY:
        raise ValueError(f"a key of {len(text)} characters is longer than YAML readers look ahead")
    return text


def _scalar(value: object) -> str:
    if isinstance(value, str):
        return _short_text(value) if len(value) <= _LONGEST_CACHED else _text(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return _float(value)
    return _empty(value)


def _empty(value: object) -> str:
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, list | tuple):
        return "[]"
    raise TypeError(f"a {type(value).__name__} cannot be written: {value!r}")


def _float(value: float) -> str:
    """Return the shortest text that reads back as the same number; YAML 1.1 wants a dot before an exponent."""
    if not isfinite(value):
        raise ValueError(f"{value!r} cannot be written: JSON has no text for it")
    text = float.__repr__(value)
    if "e" in text and "." not in text:
        return text.replace("e", ".0e")
    return text


def _text(text: str) -> str:
    """Return a string on one line, plain where every reader takes it for that string."""
    if _patterns(text.isascii()).plain.fullmatch(text) and not _looks_typed(text):
        return text
    return _quoted(text)


_short_text = lru_cache(maxsize=8192)(_text)


def _looks_typed(text: str) -> bool:
    """Tell whether some reader of YAML 1.1 or 1.2 takes the plain text for something else than a string."""
    first = text[0]
    if first in "0123456789+-.iInN" and (_NUMBER.fullmatch(text) or _DATE.fullmatch(text)):
        return True
    return len(text) <= 5 and text.lower() in _WORDS


def _quoted(text: str) -> str:
    """Return a string in quotes: single ones where that saves escapes."""
    patterns = _patterns(text.isascii())
    if ('"' in text or "\\" in text) and not patterns.hidden.search(text):
        return "'" + text.replace("'", "''") + "'"
    if _LONE_SURROGATE.search(text):
        raise ValueError(f"a lone surrogate cannot be written: {text!r}")
    return f'"{patterns.escaped.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    if character in _ESCAPES:
        return _ESCAPES[character]
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _json_key(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a key must be a string, not {key!r}")
    return _json_scalar(key)


def _json_scalar(value: object) -> str:
    if isinstance(value, str):
        if not value.isascii() and _LONE_SURROGATE.search(value):
            raise ValueError(f"a lone surrogate cannot be written: {value!r}")
        return encode_basestring(value)
    return _scalar(value)
