"""The loader holds for any text: it never raises, its two readers agree, and every span names what it should."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlc_compiler.diagnostics import LINE_BREAK, Place, Sink, Span
from mlc_compiler.frontend.locate import locate
from mlc_compiler.frontend.source_text import SourceText
from mlc_compiler.frontend.yaml_source import load, spans
from mlc_compiler.frontend.yaml_tree import read_trees
from mlc_compiler.render import render_github, render_json, render_text
from yaml_texts import documents

# Texts made of YAML's own signs break a parser sooner than letters do.
LETTERS = "ab01.:-?[]{},&*!|>'\"%@` #\n\t\r\\~<=\x00\x85\u2028\ufeff🙂"
TOKENS = ("\n  ", ": ", "- ", "---\n", "<<: ", "&a ", "*a", "!!int ", "\\x4", "\n- ")
SIGNS = st.lists(st.sampled_from([*LETTERS, *TOKENS])).map("".join)
TEXTS = SIGNS | st.text()


@given(TEXTS | st.binary())
def test_any_input_is_read_without_an_exception_and_its_findings_can_be_shown(content: str | bytes) -> None:
    sink = Sink()
    documents = load("a.yaml", content, sink)
    text = content if isinstance(content, str) else content.decode(errors="replace")
    located = locate(sink, lambda _: text)
    for finding in located:
        assert is_inside(finding.span(), text)
    assert bool(located) == bool(render_text(located, lambda _: text))
    render_json(located)
    render_github(located)
    assert [document.index for document in documents] == sorted({document.index for document in documents})


@given(TEXTS)
def test_the_quick_and_the_careful_reader_agree(text: str) -> None:
    sink, careful = Sink(), Sink()
    read = {document.index: document.value for document in load("a.yaml", text, sink)}
    trees = read_trees(SourceText("a.yaml", text.removeprefix("\ufeff")), careful)
    assert repr(read) == repr({index: tree.value for index, tree in trees.items()})
    assert list(sink) == list(careful)


@given(documents())
def test_what_was_written_is_what_is_read(made: tuple[str, dict[str, Any]]) -> None:
    text, value = made
    sink = Sink()
    (document,) = load("a.yaml", text, sink)
    assert list(sink) == []
    assert repr(document.value) == repr(value)
    assert load("a.yaml", text.replace("\n", "\r\n"), sink) == (document,)


@given(documents())
def test_both_parsers_read_the_same(made: tuple[str, dict[str, Any]]) -> None:
    with_default = load("a.yaml", made[0], Sink())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(yaml, "__with_libyaml__", False)
        assert repr(load("a.yaml", made[0], Sink())) == repr(with_default)


@given(documents())
def test_every_span_marks_its_field(made: tuple[str, dict[str, Any]]) -> None:
    text, value = made
    positions = spans("a.yaml", text, 0)
    for path, item in fields(value):
        key, span, shown = positions.key(path), positions.value(path), positions.find(Place("a.yaml", 0, path))
        assert span is not None
        assert is_inside(span, text)
        assert is_inside(shown, text)
        if isinstance(path[-1], str):
            assert key is not None
            assert parsed(marked(key, text)) == path[-1]
        if not isinstance(item, (dict, list)) and span.line == span.end_line:
            assert repr(parsed(marked(span, text))) == repr(item)


@given(documents(), st.data())
def test_a_word_in_a_scalar_is_marked_exactly(made: tuple[str, dict[str, Any]], data: st.DataObject) -> None:
    text, value = made
    strings = [(path, item) for path, item in fields(value) if isinstance(item, str) and item.split()]
    for path, item in strings:
        word = data.draw(st.sampled_from(item.split()))
        start = item.index(word)
        span = spans("a.yaml", text, 0).find(Place("a.yaml", 0, path, within=(start, start + len(word))))
        assert is_inside(span, text)
        if word.isascii() and word.isalnum():
            assert marked(span, text) == word


def fields(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Return every field below a value with its path."""
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, child in children:
        yield (*path, step), child
        yield from fields(child, (*path, step))


def parsed(source: str) -> object:
    documents = load("a.yaml", f"[{source}]" if source else "[~]", Sink())
    value = documents[0].value
    assert isinstance(value, list)
    return value[0]


def marked(span: Span, text: str) -> str:
    return LINE_BREAK.split(text)[span.line - 1][span.column - 1 : span.end_column - 1]


def is_inside(span: Span, text: str) -> bool:
    lines = LINE_BREAK.split(text.removeprefix("\ufeff"))
    begin, end = (span.line, span.column), (span.end_line, span.end_column)
    return (
        (1, 1) <= begin <= end
        and span.end_line <= len(lines)
        and span.column <= len(lines[span.line - 1]) + 1
        and span.end_column <= len(lines[span.end_line - 1]) + 1
    )
