"""Reads spec files: YAML 1.2 values, and a finding for every trap of YAML.

Clean text takes the quick reader, which builds values alone. Whatever it does not expect (an alias, a tag, an error) it
leaves to `yaml_tree`, which reads the same events again, keeps positions and says what is wrong.
"""

from __future__ import annotations

from dataclasses import field
from sys import intern
from typing import Any

from yaml.error import YAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from mlc_compiler.diagnostics import Sink, Span
from mlc_compiler.frontend.positions import Positions
from mlc_compiler.frontend.secret_words import may_hold_secret
from mlc_compiler.frontend.source_text import SourceText
from mlc_compiler.frontend.yaml_parser import MAX_DEPTH, event_reader
from mlc_compiler.frontend.yaml_scalar import CONSTANTS, MERGE_KEY, NUMBER_STARTS, Doubt, Value, number
from mlc_compiler.frontend.yaml_tree import read_trees
from mlc_compiler.records import dataclass

MAX_BYTES = 5_000_000
BYTE_ORDER_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """One document that is not empty: its file, its index among all documents of the file, and its plain value.

    `harmless` says that its file holds nothing that a secret could be made of.
    """

    file: str
    index: int
    value: Value
    harmless: bool = field(default=False, compare=False)


def load(file: str, text: bytes | str, sink: Sink) -> tuple[YamlDocument, ...]:
    """Return the documents of a file that could be read; findings tell of the others. Never raises."""
    decoded = _decode(file, text, sink)
    if decoded is None:
        return ()
    try:
        values = _quick_values(decoded)
    except (_UnexpectedError, YAMLError, ValueError):
        trees = read_trees(SourceText(file, decoded), sink)
        values = {index: tree.value for index, tree in trees.items()}
    harmless = not may_hold_secret(decoded)
    return tuple(YamlDocument(file, index, value, harmless) for index, value in values.items())


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


def _quick_values(text: str) -> dict[int, Value]:  # noqa: C901, PLR0912  see below
    """Return the values of clean text by index of their document; raises _UnexpectedError, YAMLError or ValueError.

    The hot loop of the front end: one function, since a call for each of 300 events a file takes half of its time.
    """
    if BYTE_ORDER_MARK in text:  # invisible, and libyaml takes it for a letter
        raise _UnexpectedError
    values: dict[int, Value] = {}
    index, container, key = -1, None, None  # of the document; what is being filled; its key that waits for a value
    stack: list[tuple[dict[str, Value] | list[Value] | None, str | None]] = []
    value: Value
    for event in iter(event_reader(text), None):
        kind = type(event)
        if kind is ScalarEvent:
            value = _scalar(event)
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            value = container
            container, key = stack.pop()
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            if _is_unexpected(event, len(stack)) or (key is None and type(container) is dict):
                raise _UnexpectedError
            stack.append((container, key))
            container, key = {} if kind is MappingStartEvent else [], None
            continue
        elif kind is AliasEvent:
            raise _UnexpectedError
        else:
            index += kind is DocumentStartEvent
            continue
        if type(container) is list:
            container.append(value)
        elif type(container) is not dict:
            values.update({} if value is None else {index: value})
        elif key is not None:
            container[key] = value
            key = None
        elif type(value) is str and value not in container:
            key = intern(value)  # the same few words in every document
        else:
            raise _UnexpectedError
    return values


def _is_unexpected(event: Any, depth: int) -> bool:  # noqa: ANN401  its class was looked at
    return event.tag is not None or event.anchor is not None or depth >= MAX_DEPTH


def _scalar(event: Any) -> Value:  # noqa: ANN401  its class was looked at
    """Return a scalar's value: as `yaml_scalar.plain`, without a call for the common word."""
    if event.tag is not None or event.anchor is not None:
        raise _UnexpectedError
    text: str = event.value
    if event.style:
        return text
    if text in CONSTANTS:
        return CONSTANTS[text]
    if text[0] in NUMBER_STARTS:
        value = number(text)
        if isinstance(value, Doubt):
            raise _UnexpectedError
        return value
    if text == MERGE_KEY:
        raise _UnexpectedError
    return intern(text)
