"""Lays out a spec file: two spaces a level, no stray blanks; words, quotes, comments and columns inside lines stay.

It moves lines instead of writing the values again, because a YAML dumper would undo what people align by hand.
"""

from __future__ import annotations

import re
from bisect import bisect_left

from mlc_compiler.diagnostics import LINE_BREAK, Sink
from mlc_compiler.frontend.source_text import SourceText
from mlc_compiler.frontend.yaml_source import load
from mlc_compiler.frontend.yaml_tree import Node, read_trees

STEP = 2

_ROUNDS = 3
_BEFORE_TOKEN = re.compile(r"[- ]*")
_BLOCK_HEADER = re.compile(r"(?:[&!]\S*\s+)*[|>]([-+0-9]*)")


def format_text(text: str) -> str:
    """Return the text in canonical layout; unchanged if it is no valid YAML or can't be laid out without a doubt.

    The values stay the same, and formatting again changes nothing.

    >>> format_text("a:   # why\\n    b: {x: 1,  y: 2}\\n\\n\\n    c:\\n    - 1")
    'a:   # why\\n  b: {x: 1,  y: 2}\\n\\n  c:\\n    - 1\\n'
    """
    before, formatted = text, _laid_out(text)
    for _ in range(_ROUNDS):
        if formatted is None or formatted == before:
            break
        before, formatted = formatted, _laid_out(formatted)
    is_stable = formatted is not None and formatted == before
    return formatted if formatted is not None and is_stable and _values(formatted) == _values(text) else text


def _values(text: str) -> str:
    # 1, 1.0 and True are equal but not the same value.
    return repr([(document.index, document.value) for document in load("", text, Sink())])


def _laid_out(text: str) -> str | None:
    source = SourceText("", LINE_BREAK.sub("\n", text.removeprefix("\ufeff")))
    sink = Sink()
    trees = read_trees(source, sink)
    if len(sink):
        return None
    layout = _Layout(source)
    try:
        for tree in trees.values():
            layout.value(tree, 0, 0, tree.start)
    except _UnsafeError:
        return None
    return layout.text()


class _UnsafeError(Exception):
    """A way of writing YAML that the layout does not know."""


class _Layout:
    """The new indentation of each line of a file; lines and columns count from 0 here."""

    def __init__(self, source: SourceText) -> None:
        self.source = source
        self.lines = source.text.split("\n")
        self.indents: dict[int, int] = {}
        self.fixed: dict[int, str] = {}
        self.gaps: dict[int, list[tuple[int, int]]] = {}
        self.tokens: list[tuple[int, int, int]] = []  # line, old and new column of each key and dash

    # --- where lines go ----------------------------------------------------------------------------------------------
    def value(self, node: Node, indent: int, old: int, owner: int) -> None:
        """Place a value of a collection; `indent` is where its content goes, `old` the column of the collection."""
        if node.alias:
            return
        if node.style == "block" and node.fields:
            self.mapping(node, indent)
        elif node.style == "block":
            self.sequence(node, indent)
        else:
            line, column = self.position(node.start)
            if not self.lines[line][:column].strip() and node.start != owner:
                self.indents[line] = indent
            if node.style in ("|", ">"):
                self.block_scalar(node, line, indent, old)
            else:
                self.continuation(node, line)

    def mapping(self, node: Node, indent: int) -> None:
        for key, value in node.fields.values():
            column = self.token(key.start, indent)
            self.value(value, indent + STEP, column, key.start)

    def sequence(self, node: Node, indent: int) -> None:
        if self.source.text[node.start] != "-":
            raise _UnsafeError
        column = self.position(node.start)[1]
        for item in node.items:
            dash = self.dash(item, column)
            self.token(dash, indent)
            self.close_gap(dash, item)
            self.value(item, indent + STEP, column, dash)

    def token(self, offset: int, indent: int) -> int:
        """Place a key or dash, which starts its line or follows dashes; return its old column."""
        line, column = self.position(offset)
        before = self.lines[line][:column]
        if not _BEFORE_TOKEN.fullmatch(before):
            raise _UnsafeError
        if not before.strip():
            self.indents[line] = indent
        self.tokens.append((line, column, indent))
        return column

    def dash(self, item: Node, column: int) -> int:
        """Return the offset of an item's dash, which stands in its line or in one above."""
        line = self.position(item.start)[0]
        for number in range(line, -1, -1):
            text = self.lines[number]
            if text[column : column + 1] == "-" and _BEFORE_TOKEN.fullmatch(text[:column]):
                return self.source.offset(number + 1) + column
        raise _UnsafeError

    def close_gap(self, dash: int, item: Node) -> None:
        line, column = self.position(dash)
        item_line, item_column = self.position(item.start)
        if line == item_line and item_column > column + 1:
            self.gaps.setdefault(line, []).append((column + 1, item_column))

    def block_scalar(self, node: Node, line: int, indent: int, old: int) -> None:
        header = _BLOCK_HEADER.match(self.source.text, node.start)
        if header is None:
            raise _UnsafeError
        last = self.last_line(node, keep="+" in header[1])
        content = [text for text in self.lines[line + 1 : last + 1] if text.strip()]
        if re.search("[0-9]", header[1]):
            shift = indent - STEP - old
        else:
            shift = indent - _leading(content[0]) if content else 0
        for number in range(line + 1, last + 1):
            self.fixed[number] = _shifted(self.lines[number], shift)

    def continuation(self, node: Node, line: int) -> None:
        """Move the other lines of a quoted or folded scalar or of a flow collection with its first."""
        shift = self.indents.get(line, _leading(self.lines[line])) - _leading(self.lines[line])
        for number in range(line + 1, self.position(node.end)[0] + 1):
            text = self.lines[number].strip(" ")
            self.fixed[number] = text and " " * max(_leading(self.lines[number]) + shift, 0) + text

    def last_line(self, node: Node, *, keep: bool) -> int:
        end = node.end if keep else node.start + len(self.source.text[node.start : node.end].rstrip())
        line, column = self.position(end)
        return line if column else line - 1

    def position(self, offset: int) -> tuple[int, int]:
        line, column = self.source.line_and_column(offset)
        return line - 1, column - 1

    # --- the new text ------------------------------------------------------------------------------------------------
    def text(self) -> str:
        made: list[str] = []
        for number, line in enumerate(self.lines):
            if number in self.fixed:
                made.append(self.fixed[number])
            elif line.strip():
                made.append(self.line(number, line))
            elif made and made[-1]:
                made.append("")
        while made and not made[-1] and len(self.lines) - 1 not in self.fixed:
            made.pop()
        return "".join(f"{line}\n" for line in made)

    def line(self, number: int, line: str) -> str:
        for start, end in reversed(self.gaps.get(number, [])):
            line = f"{line[:start]} {line[end:]}"
        text = line.strip()
        if number in self.indents:
            return " " * self.indents[number] + text
        if text.startswith("#"):
            return " " * self.comment_indent(number, _leading(line)) + text
        return line.rstrip()

    def comment_indent(self, number: int, column: int) -> int:
        """Return where a comment goes: with the next key or dash of its column, else with the last one."""
        place = bisect_left(self.tokens, (number, 0, 0))
        if place < len(self.tokens) and self.tokens[place][1] == column:
            return self.tokens[place][2]
        for _, old, new in reversed(self.tokens[:place]):
            if old == column:
                return new
            if old < column:
                break
        return self.tokens[place][2] if place < len(self.tokens) else 0


def _leading(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _shifted(line: str, shift: int) -> str:
    if shift >= 0:
        return line and " " * shift + line
    if line[:-shift].strip(" "):
        raise _UnsafeError
    return line[-shift:]
