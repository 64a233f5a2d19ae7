"""Where the fields of one document stand in its file, down to the characters of a scalar."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mlc_compiler.diagnostics import Path, Place, Span
from mlc_compiler.frontend.source_text import SourceText
from mlc_compiler.frontend.yaml_tree import Node

# The units of a quoted scalar's source: `''` and an escape are one. An escaped line break stands for nothing.
_UNITS = {
    "'": re.compile(r"''|.", re.DOTALL),
    '"': re.compile(r"\\x..|\\u.{4}|\\U.{8}|\\\r\n|\\.|.", re.DOTALL),
}
_ANY = re.compile(r".", re.DOTALL)
_BLANK_ESCAPES = frozenset(f"\\{character}" for character in "tnrv f_NLP\n\r\t") | {"\\\r\n"}
_CODE_ESCAPES = ("\\x", "\\u", "\\U")
_PROPERTY = re.compile(r"(?:[&!]\S*\s+)*")
_BLOCK_HEADER = re.compile(r"[|>][^\r\n]*")


class Positions:
    """Spans by path from the document's root; without a tree every answer is None or the file's start."""

    def __init__(self, source: SourceText, root: Node | None) -> None:
        self._source = source
        self._root = root

    def key(self, path: Path) -> Span | None:
        """Return the span of a field's name; None for the root, for items of lists and for fields that are missing."""
        reached, key, _ = self._walk(path)
        return None if key is None or reached < len(path) else self._span(key)

    def value(self, path: Path) -> Span | None:
        """Return the span of a whole value, without the line break after it; None when it is missing."""
        reached, _, node = self._walk(path)
        return None if node is None or reached < len(path) else self._span(node)

    def raw(self, path: Path) -> str | None:
        """Return the source text of a value: `1.10` as it was written, with its quotes if it has any."""
        reached, _, node = self._walk(path)
        if node is None or reached < len(path):
            return None
        return self._source.text[node.start : node.end].rstrip()

    def find(self, place: Place) -> Span:
        """Return the span to show for a place: what it names, or the name of the deepest field above it that exists.

        A block of lines is shown by its key, or by its first line when it has none, and an empty value by its key.
        """
        reached, key, node = self._walk(place.path)
        if node is None:
            return self._source.character(0)
        if key is not None and (place.key or reached < len(place.path)):
            return self._span(key)
        if reached == len(place.path) and place.within is not None and isinstance(node.value, str) and not node.alias:
            return self._slice(node, *place.within)
        return self._shown(key, node)

    def _walk(self, path: Path) -> tuple[int, Node | None, Node | None]:
        """Return how many steps of the path exist, and the key and value nodes that the last of them leads to."""
        key, node = None, self._root
        for reached, step in enumerate(path):
            following = None if node is None else _step(node, step)
            if following is None:
                return reached, key, node
            key, node = following
        return len(path), key, node

    def _shown(self, key: Node | None, node: Node) -> Span:
        if key is not None and (node.style == "block" or node.start == node.end):
            return self._span(key)
        if node.style == "block":
            return self._source.span(node.start, self._first_line_end(node))
        return self._span(node)

    def _first_line_end(self, node: Node) -> int:
        """Return where the first line of a block ends, without the comment that may follow."""
        line_end = self._source.line_end(node.start)
        end = node.start + 1
        while node.style == "block" and node.start < line_end and (node.fields or node.items):
            key, node = next(iter(node.fields.values())) if node.fields else (None, node.items[0])
            end = key.end if key else end
        return min(node.end, line_end) if node.start < line_end else end

    def _span(self, node: Node) -> Span:
        text = self._source.text[node.start : node.end]
        return self._source.span(node.start, node.start + len(text.rstrip()))

    def _slice(self, node: Node, start: int, end: int) -> Span:
        """Return the span of some characters of a scalar.

        Quotes, folding and indentation change white space only, so the n-th other character of the value is the n-th
        other unit of the source.
        """
        value = str(node.value)
        skipped = _visible(value[:start])
        wanted = max(_visible(value[start:end]), 1)
        last = None
        for number, (unit_start, unit_end) in enumerate(self._visible_units(node)):
            if number == skipped:
                last = unit_start, unit_end
            elif last and number < skipped + wanted:
                last = last[0], unit_end
        return self._source.span(*last) if last else self._span(node)

    def _visible_units(self, node: Node) -> Iterator[tuple[int, int]]:
        text, start, end = self._source.text, node.start, node.end
        opening = _PROPERTY.match(text, start, end)
        start = opening.end() if opening else start
        if node.style in _UNITS:
            start, end = start + 1, end - 1
        elif node.style:
            header = _BLOCK_HEADER.match(text, start, end)
            start = header.end() if header else start
        for unit in _UNITS.get(node.style, _ANY).finditer(text, start, end):
            if not _is_blank(unit.group()):
                yield unit.span()


def _step(node: Node, step: str | int) -> tuple[Node | None, Node] | None:
    if isinstance(step, str):
        return node.fields.get(step)
    return (None, node.items[step]) if 0 <= step < len(node.items) else None


def _visible(text: str) -> int:
    return sum(not character.isspace() for character in text)


def _is_blank(unit: str) -> bool:
    if unit.startswith(_CODE_ESCAPES):
        return chr(int(unit[2:], 16)).isspace()
    return unit.isspace() or unit in _BLANK_ESCAPES
