"""Reads the YAML that the quick reader of `yaml_source` leaves: keeps where everything stands and says what is wrong.

It takes the same parser events and the same meaning of scalars as the quick reader, so their values agree.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import TYPE_CHECKING, Any

from yaml.error import Mark, MarkedYAMLError, YAMLError
from yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from mlc_compiler.diagnostics import Related, Sink, Span, nearest
from mlc_compiler.frontend.source_text import SourceText
from mlc_compiler.frontend.yaml_parser import MAX_DEPTH, event_reader
from mlc_compiler.frontend.yaml_scalar import MERGE_KEY, Doubt, Value, plain
from mlc_compiler.frontend.yaml_syntax import blank_control_characters, next_document, syntax_finding
from mlc_compiler.records import dataclass

if TYPE_CHECKING:
    from yaml._yaml import Mark as CMark  # exists only where PyYAML was built with libyaml

MAX_EXPANDED = 100_000
MAX_SYNTAX_ERRORS = 20
MAX_FINDINGS = 100  # of one file: a generated file with one mistake a line would fill the memory

_CORE = "tag:yaml.org,2002:"
_SCALAR_TAGS: dict[str, tuple[type, ...]] = {
    f"{_CORE}int": (int,), f"{_CORE}float": (int, float), f"{_CORE}bool": (bool,), f"{_CORE}null": (type(None),),
}  # fmt: skip


@dataclass(slots=True, eq=False)
class Node:
    """A value and where it stands: `start` and `end` are offsets in the file's text, as the parser gives them.

    `style` is `block` or `flow` for collections, else the quote, `|`, `>` or nothing for plain scalars. `size` counts
    the values in it, aliases expanded. An alias shares the children of the value that it repeats.
    """

    start: int
    end: int
    style: str
    value: Value = None
    fields: dict[str, tuple[Node, Node]] = field(default_factory=dict)
    items: list[Node] = field(default_factory=list)
    size: int = 1
    alias: bool = False


@dataclass(slots=True, eq=False)
class _Open:
    """A collection that is being read; `key` is the key that waits for its value, `name` None when both are dropped."""

    node: Node
    anchor: str | None
    key: Node | None = None
    name: str | None = None


class _EnoughError(Exception):
    """Reading on would help nobody: too deep, or too many findings already."""


def read_trees(source: SourceText, sink: Sink) -> dict[int, Node]:
    """Return the trees of the documents that are not empty, by index among all documents of the file."""
    reader = _TreeReader(source, sink)
    text = blank_control_characters(source, sink)
    for _ in range(MAX_SYNTAX_ERRORS):
        try:
            reader.read(text)
        except _EnoughError:
            break
        except (YAMLError, ValueError) as error:
            sink.add(syntax_finding(source, error, reader.base))
            following = _after(text, error, reader.base)
            if following is None:
                break
            reader.base = following
        else:
            break
    return reader.trees


def _after(text: str, error: YAMLError | ValueError, base: int) -> int | None:
    """Return where to go on after a syntax error: at the next document."""
    mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
    return None if mark is None else next_document(text, base + mark.index, base)


class _TreeReader:
    def __init__(self, source: SourceText, sink: Sink) -> None:
        self.source = source
        self.sink = sink
        self.trees: dict[int, Node] = {}
        self.base = 0
        self.index = -1
        self.stack: list[_Open] = []
        self.anchors: dict[str, Node | None] = {}
        self.expanded = 0
        self.reported = 0

    def read(self, text: str) -> None:
        """Read from `base` to the end; raises _EnoughError, YAMLError or ValueError."""
        handlers: dict[type[Event], Callable[[Any], None]] = {  # each takes its own class of event
            ScalarEvent: self.scalar,
            MappingStartEvent: self.open,
            SequenceStartEvent: self.open,
            MappingEndEvent: self.close,
            SequenceEndEvent: self.close,
            AliasEvent: self.alias,
            DocumentStartEvent: self.open_document,
        }
        for event in iter(event_reader(text[self.base :]), None):
            handler = handlers.get(type(event))
            if handler is not None:
                handler(event)

    # --- events ------------------------------------------------------------------------------------------------------
    def open_document(self, _event: DocumentStartEvent) -> None:
        self.index += 1
        self.expanded = 0
        self.stack.clear()
        self.anchors.clear()

    def scalar(self, event: ScalarEvent) -> None:
        node = self.node(event, event.style or "")
        node.value = self.scalar_value(event, node)
        if event.anchor is not None:
            self.anchors[event.anchor] = node
        self.add(node)

    def open(self, event: CollectionStartEvent) -> None:
        is_mapping = isinstance(event, MappingStartEvent)
        node = self.node(event, "flow" if event.flow_style else "block")
        node.value = {} if is_mapping else []
        if len(self.stack) >= MAX_DEPTH:
            self.error("MLC011", node, f"values are nested more than {MAX_DEPTH} levels deep", help="flatten the value")
            raise _EnoughError
        if event.tag not in (None, "!", _CORE + ("map" if is_mapping else "seq")):
            self.refuse_tag(event.tag, node)
        if event.anchor is not None:
            self.anchors[event.anchor] = None  # until it is complete: an alias inside it would make it endless
        self.stack.append(_Open(node, event.anchor))

    def close(self, event: MappingEndEvent | SequenceEndEvent) -> None:
        opened = self.stack.pop()
        node = opened.node
        if node.style == "flow":
            node.end = self.offset(event.end_mark)
        if opened.anchor is not None:
            self.anchors[opened.anchor] = node
        self.add(node)

    def alias(self, event: AliasEvent) -> None:
        node = self.node(event, "")
        node.alias = True
        target = self.anchors.get(event.anchor or "")
        if target is None:
            self.refuse_alias(event.anchor or "", node)
        elif self.within_budget(target, node):
            node.value, node.fields, node.items, node.size = target.value, target.fields, target.items, target.size
        self.add(node)

    # --- values ------------------------------------------------------------------------------------------------------
    def node(self, event: NodeEvent, style: str) -> Node:
        return Node(self.offset(event.start_mark), self.offset(event.end_mark), style)

    def offset(self, mark: Mark | CMark | None) -> int:
        return self.base + (mark.index if mark else 0)

    def scalar_value(self, event: ScalarEvent, node: Node) -> Value:
        text: str = event.value
        if event.tag in ("!", f"{_CORE}str") or (event.tag is None and event.style):
            return text
        value = plain(text)
        if isinstance(value, Doubt):
            if self.is_key():
                return None  # key_name refuses it as it does any other number
            self.refuse_number(value, text, node)
            return text
        if event.tag is not None and type(value) not in _SCALAR_TAGS.get(event.tag, ()):
            self.refuse_tag(event.tag, node)
        return value

    def is_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].node.value, dict) and self.stack[-1].key is None

    def add(self, node: Node) -> None:
        if not self.stack:
            if node.value is not None:
                self.trees[self.index] = node
            return
        opened = self.stack[-1]
        parent = opened.node
        if isinstance(parent.value, list):
            parent.items.append(node)
            parent.value.append(node.value)
        elif opened.key is None:
            opened.key, opened.name = node, self.key_name(parent, node)
            return
        elif isinstance(parent.value, dict):
            if opened.name is not None:
                parent.fields[opened.name] = opened.key, node
                parent.value[opened.name] = node.value
            opened.key = None
        parent.size += node.size
        if parent.style == "block":
            parent.end = max(node.end, parent.start)

    # --- findings ----------------------------------------------------------------------------------------------------
    def key_name(self, parent: Node, node: Node) -> str | None:
        """Return the name that a key gives its value, or None, with a finding, when it can't be one."""
        name = node.value
        if not isinstance(name, str):
            self.refuse_key(node, self.source.text[node.start : node.end])
        elif name == MERGE_KEY and not node.style and not node.alias:
            self.error(
                "MLC007", node, "`<<` merges mappings only in YAML 1.1; specs are YAML 1.2",
                help="write the fields out, or repeat the whole value with an alias: `key: *name`",
            )  # fmt: skip
        elif name in parent.fields:
            first = Related("first", at=self.span(parent.fields[name][0]))
            message = f"key `{name}` stands twice in this mapping"
            self.error("MLC005", node, message, related=(first,), help="keep one of them")
        else:
            return name
        return None

    def refuse_key(self, node: Node, text: str) -> None:
        if isinstance(node.value, (dict, list)):
            self.error("MLC006", node, "a key can't be a list or mapping", help="write a plain name before the colon")
        elif not text:
            self.error("MLC006", node, "a key is missing before the colon", help="write a name before the colon")
        else:
            self.error("MLC006", node, f"key `{text}` is no string", help=f'quote it if it is a name: "{text}"')

    def refuse_number(self, doubt: Doubt, text: str, node: Node) -> None:
        if doubt is Doubt.OUT_OF_RANGE:
            self.error(
                "MLC014", node, f"`{text}` is no finite number of 64 bits",
                help="write a number that fits, leave the field out if it means `no limit`, or quote it if it is text",
            )  # fmt: skip
            return
        sign, digits = text[: text[0] in "+-"], text.lstrip("+-").lstrip("0") or "0"
        octal = f" or `{sign}0o{digits}` (octal)" if set(digits) <= set("01234567") and not sign else ""
        self.error(
            "MLC013", node, f"`{text}` is {sign}{digits} in YAML 1.2 and something else in YAML 1.1",
            help=f'write `{sign}{digits}`{octal}, or quote it if it is text: "{text}"',
        )  # fmt: skip

    def refuse_tag(self, tag: str, node: Node) -> None:
        shown = f"!!{tag.removeprefix(_CORE)}" if tag.startswith(_CORE) else tag
        self.error(
            "MLC008", node, f"tag `{shown}` is not allowed here", note="specs are data: no tag builds anything",
            help="delete the tag, or quote the value if it is text",
        )  # fmt: skip

    def refuse_alias(self, name: str, node: Node) -> None:
        if name in self.anchors:
            self.error("MLC009", node, f"alias `*{name}` stands inside `&{name}` itself", help="write the value out")
            return
        similar = nearest(name, self.anchors)
        define = f"mark the value with `&{name}` before this line, or write it out"
        self.error(
            "MLC009", node, f"alias `*{name}` has no anchor `&{name}` before it in this document",
            help=f"did you mean `*{similar}`?" if similar else define,
        )  # fmt: skip

    def within_budget(self, target: Node, node: Node) -> bool:
        was_within = self.expanded <= MAX_EXPANDED
        self.expanded += target.size
        if self.expanded > MAX_EXPANDED and was_within:
            self.error(
                "MLC010", node, f"aliases expand this document to more than {MAX_EXPANDED:,} values",
                help="write the values out, or split the document",
            )  # fmt: skip
        return self.expanded <= MAX_EXPANDED

    def span(self, node: Node) -> Span:
        text = self.source.text[node.start : node.end]
        return self.source.span(node.start, node.start + len(text.rstrip()))

    def error(
        self, code: str, node: Node, message: str, *, note: str = "", related: tuple[Related, ...] = (), **mend: str
    ) -> None:
        self.reported += 1
        if self.reported > MAX_FINDINGS:
            raise _EnoughError
        self.sink.error(code, self.span(node), message, note=note, related=related, **mend)
