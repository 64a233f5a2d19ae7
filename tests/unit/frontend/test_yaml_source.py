"""What a spec file's text means, and which finding each trap of YAML gets."""

from __future__ import annotations

import pytest
import yaml

from mlc_compiler.diagnostics import Finding, Sink, Span
from mlc_compiler.frontend.yaml_source import MAX_BYTES, YamlDocument, load


@pytest.fixture(params=[True, False], ids=["libyaml", "pure"], autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run every test with both parsers: users may have a PyYAML without libyaml."""
    if request.param and not yaml.__with_libyaml__:
        pytest.skip("PyYAML was built without libyaml")
    monkeypatch.setattr(yaml, "__with_libyaml__", request.param)


def value_of(text: str) -> object:
    sink = Sink()
    (document,) = load("a.yaml", text, sink)
    assert list(sink) == []
    return document.value


def findings(text: bytes | str) -> list[Finding]:
    sink = Sink()
    load("a.yaml", text, sink)
    return list(sink)


def places(text: bytes | str) -> list[tuple[str, int, int]]:
    return [(finding.code, finding.span().line, finding.span().column) for finding in findings(text)]


# --- values ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "text", ["on", "no", "yes", "Off", "12:30", "2014-01-01", "1_000", "0b1", "y", "nul", "+", ".", "-x", "1.2.3"]
)
def test_what_only_yaml_1_1_would_convert_stays_text(text: str) -> None:
    assert value_of(f"a: {text}") == {"a": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.10", 1.1),
        ("1e5", 1e5),
        ("-3", -3),
        ("+3", 3),
        ("0o17", 15),
        ("0xff", 255),
        (".5", 0.5),
        ("5.", 5.0),
        ("0", 0),
    ],
)
def test_numbers_are_those_of_the_yaml_1_2_core_schema(text: str, value: float) -> None:
    read = value_of(f"a: {text}")
    assert read == {"a": value}
    assert isinstance(read, dict)
    assert type(read["a"]) is type(value)


@pytest.mark.parametrize(
    ("text", "value"), [("~", None), ("null", None), ("", None), ("true", True), ("FALSE", False), ("True", True)]
)
def test_nulls_and_booleans_are_those_of_the_yaml_1_2_core_schema(text: str, value: bool | None) -> None:
    assert value_of(f"a: {text}\nb: x") == {"a": value, "b": "x"}


def test_quotes_make_everything_text() -> None:
    assert value_of("a: '010'\nb: \"null\"\n'1': '<<'") == {"a": "010", "b": "null", "1": "<<"}


def test_on_is_a_key_and_not_true() -> None:
    assert value_of("retrain: {on: [inputs]}") == {"retrain": {"on": ["inputs"]}}


def test_core_tags_that_fit_are_understood() -> None:
    assert value_of("a: !!str 1.10\nb: ! 5\nc: !!map {d: !!seq [!!int 1]}") == {"a": "1.10", "b": "5", "c": {"d": [1]}}


def test_an_alias_repeats_what_its_anchor_marks() -> None:
    assert value_of("a: &x {b: [1]}\nc: *x\nd: &y z\n*y : *y") == {"a": {"b": [1]}, "c": {"b": [1]}, "d": "z", "z": "z"}


def test_documents_keep_their_index_when_empty_ones_are_left_out() -> None:
    sink = Sink()
    documents = load("a.yaml", "# nothing\n---\n---\na: 1\n...\n---\nb: 2\n", sink)
    assert documents == (YamlDocument("a.yaml", 1, {"a": 1}), YamlDocument("a.yaml", 2, {"b": 2}))
    assert list(sink) == []


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment", "---\n", "null", "\ufeff"])
def test_a_file_without_values_has_no_documents(text: str) -> None:
    assert load("a.yaml", text, Sink()) == ()
    assert findings(text) == []


def test_a_byte_order_mark_and_carriage_returns_change_nothing() -> None:
    sink = Sink()
    assert load("a.yaml", b"\xef\xbb\xbfa: 1\r\nb: |\r\n  x\r\n", sink)[0].value == {"a": 1, "b": "x\n"}
    assert len(sink) == 0


# --- findings --------------------------------------------------------------------------------------------------------
def test_a_key_that_stands_twice_is_refused_and_the_first_place_is_named() -> None:
    (finding,) = findings("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n")
    assert (finding.code, finding.at) == ("MLC005", Span("a.yaml", 5, 3, 5, 4))
    assert finding.related[0].at == Span("a.yaml", 3, 3, 3, 4)


def test_the_first_of_two_equal_keys_is_kept() -> None:
    assert load("a.yaml", "a: 1\na: 2\n", Sink())[0].value == {"a": 1}


@pytest.mark.parametrize("text", ["a:\n\tb: 1\n", "a:\n  \tb: 1\n", "a:\n  - x\n\t- y\n"])
def test_a_tab_in_the_indentation_is_refused(text: str) -> None:
    (finding,) = findings(text)
    assert finding.code == "MLC004"
    assert text.splitlines()[finding.span().line - 1][finding.span().column - 1] == "\t"


def test_bytes_that_are_no_utf_8_are_refused_where_they_stand_and_the_rest_is_read() -> None:
    assert places(b"a: 1\nb: \xc3\xa9\xff\nb: 2\n") == [("MLC002", 2, 5), ("MLC005", 3, 1)]


def test_utf_16_is_called_by_its_name() -> None:
    (finding,) = findings("a: 1".encode("utf-16"))
    assert (finding.code, "UTF-16" in finding.message) == ("MLC002", True)


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f", "\ud800"])
def test_control_characters_are_refused_and_the_rest_is_read(character: str) -> None:
    assert places(f"a: x\nb: y{character}z\na: 1\n") == [("MLC003", 2, 5), ("MLC005", 3, 1)]


@pytest.mark.parametrize("key", ["1", "0.5", "true", "null", "~", "010", ".nan", "[a]", "{a: b}"])
def test_a_key_that_is_no_string_is_refused(key: str) -> None:
    assert places(f"x: 1\n{key}: 2\ny: 1\ny: 2\n") == [("MLC006", 2, 1), ("MLC005", 4, 1)]


def test_a_merge_key_is_refused_wherever_it_stands() -> None:
    assert places("a: &a {x: 1}\nb:\n  <<: *a\n") == [("MLC007", 3, 3)]
    assert places("a: <<\n") == []


@pytest.mark.parametrize("tag", ["!foo", "!!python/object:os.system", "!!binary", "!!int", "!<x>"])
def test_a_tag_that_is_not_plain_data_is_refused(tag: str) -> None:
    assert places(f"a: {tag} x\n") == [("MLC008", 1, 4)]
    assert places(f"a: {tag} {{b: 1}}\n") == [("MLC008", 1, 4)]


def test_an_alias_without_an_anchor_gets_the_nearest_name() -> None:
    (finding,) = findings("a: &columns [x]\nb: *colums\n")
    assert (finding.code, finding.at) == ("MLC009", Span("a.yaml", 2, 4, 2, 11))
    assert finding.help == "did you mean `*columns`?"


def test_an_anchor_of_another_document_is_unknown() -> None:
    assert places("a: &x 1\n---\nb: *x\n") == [("MLC009", 3, 4)]


def test_an_alias_inside_its_own_anchor_is_refused() -> None:
    assert places("a: &x [1, [*x]]\n") == [("MLC009", 1, 12)]


def test_an_anchor_bomb_is_refused_once_and_quickly() -> None:
    levels = "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    assert [finding.code for finding in findings(f"a: &a [1, 2, 3]\n{levels}")] == ["MLC010"]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_values_nested_1000_levels_deep_are_refused(opening: str) -> None:
    (finding,) = findings(opening * 1000)
    assert finding.code == "MLC011"


def test_100_levels_are_allowed() -> None:
    assert findings("[" * 100 + "]" * 100) == []


def test_a_file_that_is_too_large_is_not_parsed() -> None:
    assert places(b"a: 1\n" * (MAX_BYTES // 5 + 1)) == [("MLC012", 1, 1)]


@pytest.mark.parametrize(
    ("number", "mend"),
    [("010", "write `10` or `0o10` (octal)"), ("-07", "write `-7`"), ("08", "write `8`"), ("00", "write `0` or `0o0`")],
)
def test_a_leading_zero_is_ambiguous(number: str, mend: str) -> None:
    (finding,) = findings(f"a: {number}\n")
    assert finding.code == "MLC013"
    assert finding.help.startswith(mend)


@pytest.mark.parametrize("number", [".inf", "-.INF", ".NaN", "1e400", str(2**63), "9" * 5000, "0x" + "f" * 17])
def test_a_number_that_is_not_finite_or_too_large_is_refused(number: str) -> None:
    assert places(f"a: {number}\n") == [("MLC014", 1, 4)]


@pytest.mark.parametrize(
    ("text", "place", "advice"),
    [
        ("a: b: c\n", (1, 5), "contains `: `"),
        ("a: @x\n", (1, 4), "starts with @"),
        ("a: 1\nb: [1, 2\n---\nc: 3\n", (3, 1), "close the `[` of line 2"),
        ("a:\n  - b\n - c\n", (3, 2), "same column"),
    ],
)
def test_a_syntax_error_says_how_to_mend_it(text: str, place: tuple[int, int], advice: str) -> None:
    finding = findings(text)[0]
    assert finding.code == "MLC001"
    assert advice in finding.help
    assert (finding.span().line, finding.span().column) == place


def test_an_escape_that_yaml_does_not_know_says_what_to_do_with_the_backslash() -> None:
    (finding,) = findings('a: "C:\\path"\n')
    assert (finding.code, finding.span().line) == ("MLC001", 1)
    assert "double the backslash" in finding.help


def test_what_is_never_closed_is_shown_where_it_opens() -> None:
    (finding,) = findings("a: 1\nb: 'x\n\n\n")
    assert (finding.code, finding.at) == ("MLC001", Span("a.yaml", 2, 4, 2, 5))


def test_reading_goes_on_in_the_next_document_after_a_syntax_error() -> None:
    text = "a: [\n---\nb: 010\n---\nc: @\n---\nd: 4\n"
    sink = Sink()
    assert load("a.yaml", text, sink)[-1] == YamlDocument("a.yaml", 3, {"d": 4})
    assert [finding.code for finding in sink] == ["MLC001", "MLC013", "MLC001"]


def test_one_mistake_a_line_does_not_flood() -> None:
    assert len(findings("- {a: 1, a: 2}\n" * 1000)) == 100
