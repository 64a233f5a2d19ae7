"""Where a finding points: the span of what it names, or of the deepest field above it that exists."""

from __future__ import annotations

import pytest

from mlc_compiler.diagnostics import Finding, Place, Related, Span
from mlc_compiler.frontend.locate import locate
from mlc_compiler.frontend.yaml_source import spans

TEXT = """\
kind: FeatureView
spec:
  features:   # of the view
    raw: {expr: arr_delay, 'a ''b': "x\\ty\\u00e9 z"}
  query: |
    select a,
      b, c
    from t
  folded: one two
    three four
  quoted: 'it''s
    late'
  empty:
  list:
    - a: 1   # why
      b: 2
    - - x
    -
  base: &base {q: 1}
  again: *base
---
kind: Second
version: 1.10
"""


def shown(place: Place, text: str = TEXT) -> str:
    """Return `line:column text` of what a place's span marks; a span of several lines ends in its last line."""
    (finding,) = locate([Finding("MLC000", "x", place)], lambda _: text)
    span = finding.span()
    lines = text.split("\n")
    if span.line == span.end_line:
        return f"{span.line}:{span.column} {lines[span.line - 1][span.column - 1 : span.end_column - 1]}"
    return f"{span.line}:{span.column}-{span.end_line}:{span.end_column}"


def at(*path: str | int, document: int = 0) -> Place:
    return Place("a.yaml", document, path)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (at("kind"), "1:7 FeatureView"),
        (at("kind").name(), "1:1 kind"),
        (at("spec", "features", "raw"), "4:10 {expr: arr_delay, 'a ''b': \"x\\ty\\u00e9 z\"}"),
        (at("spec", "features", "raw", "expr"), "4:17 arr_delay"),
        (at("spec", "features", "raw", "a 'b").name(), "4:28 'a ''b'"),
        (at("spec", "query"), "5:10-8:11"),
        (at("spec", "list", 0, "b"), "16:10 2"),
        (at("kind", document=1), "22:7 Second"),
    ],
)
def test_a_field_is_shown_where_it_stands(place: Place, expected: str) -> None:
    assert shown(place) == expected


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (at("spec"), "2:1 spec"),
        (at("spec", "features"), "3:3 features"),
        (at(), "1:1 kind: FeatureView"),
        (at("spec", "list", 0), "15:7 a: 1"),
        (at("spec", "list", 1), "17:7 - x"),
        (at("spec", "empty"), "13:3 empty"),
        (at("spec", "list", 2), "18:6 "),
        (at("spec", "list", 0).name(), "15:7 a: 1"),
    ],
)
def test_a_block_is_shown_by_its_key_or_first_line(place: Place, expected: str) -> None:
    assert shown(place) == expected


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        (at("spec", "features", "rwa", "expr"), "3:3 features"),
        (at("spec", "list", 0, "c"), "15:7 a: 1"),
        (at("spec", "list", 7), "14:3 list"),
        (at("spec", "features", "raw", "type"), "4:5 raw"),
        (at("metadata", "name"), "1:1 kind: FeatureView"),
        (at("kind", "x", 3), "1:1 kind"),
    ],
)
def test_a_missing_field_is_shown_at_the_deepest_one_above(place: Place, expected: str) -> None:
    assert shown(place) == expected


@pytest.mark.parametrize(
    ("place", "within", "expected"),
    [
        (at("spec", "features", "raw", "expr"), (4, 9), "4:21 delay"),
        (at("spec", "features", "raw", "a 'b"), (2, 4), "4:41 y\\u00e9"),
        (at("spec", "features", "raw", "a 'b"), (3, 4), "4:42 \\u00e9"),
        (at("spec", "query"), (12, 13), "7:7 b"),
        (at("spec", "query"), (10, 16), "7:7 b, c"),
        (at("spec", "query"), (7, 13), "6:12-7:8"),
        (at("spec", "folded"), (8, 13), "10:5 three"),
        (at("spec", "quoted"), (3, 4), "11:16 s"),
        (at("spec", "quoted"), (5, 9), "12:5 late"),
        (at("spec", "quoted"), (2, 3), "11:14 ''"),
        (at("spec", "again", "q"), (0, 1), "19:19 1"),
    ],
)
def test_characters_of_a_scalar_are_found_in_every_style(place: Place, within: tuple[int, int], expected: str) -> None:
    assert shown(place.slice(*within)) == expected


def test_a_field_behind_an_alias_is_shown_at_the_anchor_and_the_alias_itself_where_it_stands() -> None:
    assert shown(at("spec", "again", "q")) == "19:19 1"
    assert shown(at("spec", "again")) == "20:10 *base"


def test_columns_count_characters_and_skip_the_byte_order_mark() -> None:
    (finding,) = locate([Finding("MLC000", "x", at("é🙂"))], lambda _: "\ufeffé🙂: 中\r\nb: 1")
    assert finding.at == Span("a.yaml", 1, 5, 1, 6)


def test_a_file_that_cannot_be_read_or_parsed_is_shown_at_its_start() -> None:
    for text in (None, "a: [", ""):
        (finding,) = locate([Finding("MLC000", "x", at("a"))], lambda _, text=text: text)  # type: ignore[misc]
        assert finding.at == Span("a.yaml", 1, 1, 1, 1)


def test_findings_come_in_the_order_of_their_places_each_once_and_read_each_file_once() -> None:
    second, first = Finding("MLC002", "x", at("spec")), Finding("MLC001", "x", at("kind"))
    same = Finding("MLC001", "x", Span("a.yaml", 1, 7, 1, 18))
    other = Finding("MLC000", "x", Place("0.yaml", 0, ("kind",)))
    read: list[str] = []

    def reading(file: str) -> str:
        read.append(file)
        return TEXT

    located = locate([second, first, same, other, second], reading)
    assert [(finding.code, finding.span().file) for finding in located] == [
        ("MLC000", "0.yaml"), ("MLC001", "a.yaml"), ("MLC002", "a.yaml"),
    ]  # fmt: skip
    assert sorted(read) == ["0.yaml", "a.yaml"]


def test_related_places_are_located_too() -> None:
    finding = Finding("MLC000", "x", at("spec"), related=(Related("declared", at=at("kind")), Related("fact", "text")))
    (located,) = locate([finding], lambda _: TEXT)
    assert located.related == (Related("declared", at=Span("a.yaml", 1, 7, 1, 18)), Related("fact", "text"))


def test_positions_tell_how_a_scalar_was_written() -> None:
    second = spans("a.yaml", TEXT, 1)
    assert second.raw(("version",)) == "1.10"
    assert second.key(("version",)) == Span("a.yaml", 23, 1, 23, 8)
    assert second.value(("version",)) == Span("a.yaml", 23, 10, 23, 14)
    assert [second.raw(("missing",)), second.key(("missing",)), second.value(("missing",))] == [None] * 3
    assert second.key(()) is None


def test_positions_of_a_document_that_does_not_exist_answer_with_the_start_of_the_file() -> None:
    missing = spans("a.yaml", TEXT, 9)
    assert missing.value(()) is None
    assert missing.find(at("kind")) == Span("a.yaml", 1, 1, 1, 2)
