"""Reads spec files: YAML 1.2 values, and a finding for every trap of YAML.

Clean text takes the quick reader, which builds values alone. Whatever it does not expect (an alias, a tag, an error) it
leaves to `yaml_tree`, which reads the same events again, keeps positions and says what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from yaml.error import YAMLError
from yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from mlc_compiler.diagnostics import Sink, Span
from mlc_compiler.frontend.positions import Positions
from mlc_compiler.frontend.source_text import SourceText
from mlc_compiler.frontend.yaml_parser import MAX_DEPTH, event_reader
from mlc_compiler.frontend.yaml_scalar import CONSTANTS, MERGE_KEY, NUMBER_STARTS, Doubt, Value, number
from mlc_compiler.frontend.yaml_tree import read_trees

MAX_BYTES = 5_000_000
BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """One document that is not empty: its file, its index among all documents of the file, and its plain value."""

    file: str
    index: int
    value: Value


def load(file: str, text: bytes | str, sink: Sink) -> tuple[YamlDocument, ...]:
    """Return the documents of a file that could be read; findings tell of the others. Never raises."""
    decoded = _decode(file, text, sink)
    if decoded is None:
        return ()
    try:
        values = _QuickReader().read(decoded)
    except (_UnexpectedError, YAMLError, ValueError):
        trees = read_trees(SourceText(file, decoded), sink)
        values = {index: tree.value for index, tree in trees.items()}
    return tuple(YamlDocument(file, index, value) for index, value in values.items())


def positions(file: str, text: str) -> dict[int, Positions]:
    """Return where everything stands, for each document of a file by its index; for text that has none, nothing."""
    source = SourceText(file, text.removeprefix(BYTE_ORDER_MARK))
    return {index: Positions(source, tree) for index, tree in read_trees(source, Sink()).items()}


def spans(file: str, text: str, document_index: int) -> Positions:
    """Return where everything stands in one document; for a document that can't be read, only the file's start."""
    source = SourceText(file, text.removeprefix(BYTE_ORDER_MARK))
    return Positions(source, read_trees(source, Sink()).get(document_index))


def _decode(file: str, text: bytes | str, sink: Sink) -> str | None:
    if len(text) > MAX_BYTES:
        sink.error(
            "MLC012", Span(file, 1, 1, 1, 1),
            f"the file has {len(text) / 1e6:.1f} MB; a spec may have {MAX_BYTES / 1e6:.0f} MB",
            help="keep data outside of the specs and refer to it by path, or split the file",
        )  # fmt: skip
        return None
    if isinstance(text, str):
        return text.removeprefix(BYTE_ORDER_MARK)
    try:
        return text.decode().removeprefix(BYTE_ORDER_MARK)
    except UnicodeDecodeError as error:
        return _replace_invalid(file, text, error, sink)


def _replace_invalid(file: str, text: bytes, error: UnicodeDecodeError, sink: Sink) -> str | None:
    is_utf16 = text.startswith((b"\xff\xfe", b"\xfe\xff"))
    before = SourceText(file, text[: error.start].decode().removeprefix(BYTE_ORDER_MARK))
    at = before.span(len(before.text), len(before.text))
    problem = "it is UTF-16" if is_utf16 else f"byte {error.start} is {text[error.start : error.end].hex(' ')}"
    sink.error("MLC002", at, f"the file is not UTF-8: {problem}", help="save the file as UTF-8")
    return None if is_utf16 else text.decode(errors="replace").removeprefix(BYTE_ORDER_MARK)


class _UnexpectedError(Exception):
    """The text needs the careful reader."""


class _QuickReader:
    """Builds the values of clean text and nothing else: the hot loop of the front end, hence its bare style."""

    __slots__ = ("container", "index", "key", "stack", "values")

    def __init__(self) -> None:
        self.values: dict[int, Value] = {}
        self.index = -1
        self.container: dict[str, Value] | list[Value] | None = None
        self.key: str | None = None
        self.stack: list[tuple[dict[str, Value] | list[Value] | None, str | None]] = []

    def read(self, text: str) -> dict[int, Value]:
        """Return the values by index of their document; raises _UnexpectedError, YAMLError or ValueError."""
        if BYTE_ORDER_MARK in text:  # invisible, and libyaml takes it for a letter
            raise _UnexpectedError
        handlers: dict[type[Event], Callable[[Any], None]] = {  # each takes its own class of event
            ScalarEvent: self.scalar,
            MappingStartEvent: self.open_mapping,
            SequenceStartEvent: self.open_sequence,
            MappingEndEvent: self.close,
            SequenceEndEvent: self.close,
            AliasEvent: self.alias,
            DocumentStartEvent: self.start_document,
        }
        for event in iter(event_reader(text), None):
            handler = handlers.get(type(event))
            if handler is not None:
                handler(event)
        return self.values

    def start_document(self, _event: DocumentStartEvent) -> None:
        self.index += 1

    def alias(self, _event: AliasEvent) -> None:
        raise _UnexpectedError

    def open_mapping(self, event: MappingStartEvent) -> None:
        self.open(event, {})

    def open_sequence(self, event: SequenceStartEvent) -> None:
        self.open(event, [])

    def open(self, event: CollectionStartEvent, value: dict[str, Value] | list[Value]) -> None:
        is_key = self.key is None and type(self.container) is dict
        if is_key or event.tag is not None or event.anchor is not None or len(self.stack) >= MAX_DEPTH:
            raise _UnexpectedError
        self.stack.append((self.container, self.key))
        self.container = value
        self.key = None

    def close(self, _event: Event) -> None:
        value = self.container
        self.container, self.key = self.stack.pop()
        self.add(value)

    def scalar(self, event: ScalarEvent) -> None:
        if event.tag is not None or event.anchor is not None:
            raise _UnexpectedError
        text: str = event.value
        value: Value | Doubt = text
        if not event.style:  # as yaml_scalar.plain, without a call for the common word
            if text in CONSTANTS:
                value = CONSTANTS[text]
            elif text[0] in NUMBER_STARTS:
                value = number(text)
            elif text == MERGE_KEY:
                raise _UnexpectedError
        if isinstance(value, Doubt):
            raise _UnexpectedError
        self.add(value)

    def add(self, value: Value) -> None:
        container = self.container
        if type(container) is dict:
            key = self.key
            if key is not None:
                container[key] = value
                self.key = None
            elif type(value) is str and value not in container:
                self.key = value
            else:
                raise _UnexpectedError
        elif type(container) is list:
            container.append(value)
        elif value is not None:
            self.values[self.index] = value
