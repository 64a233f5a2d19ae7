from __future__ import annotations

import datetime as dt
from types import MappingProxyType

import pytest

from mlc_compiler.backend.emitter import json_text, yaml_documents, yaml_text
from mlc_compiler.backend.target import Part, Sourced
from mlc_compiler.ir import Origin

MODEL = Origin("Model/late-arrival")
REPLICAS = MODEL.at("spec.serving.replicas.min")
MEMORY = MODEL.at("spec.serving.resources.memory")


def lines(data: object) -> list[str]:
    return yaml_text(data)[0].splitlines()


def test_sequences_stand_at_the_indentation_of_their_key_as_kubectl_prints_them() -> None:
    data = {"spec": {"containers": [{"name": "server", "args": ["--port=8080"]}, {"name": "proxy"}]}}
    assert lines(data) == [
        "spec:",
        "  containers:",
        "  - name: server",
        "    args:",
        "    - --port=8080",
        "  - name: proxy",
    ]


def test_keys_keep_the_order_given() -> None:
    assert lines({"b": 1, "a": 2}) == ["b: 1", "a: 2"]


def test_empty_containers_are_written_in_place() -> None:
    assert lines({"a": {}, "b": [], "c": [{}, []], "d": ()}) == ["a: {}", "b: []", "c:", "- {}", "- []", "d: []"]


def test_nested_sequences_open_on_one_line() -> None:
    assert lines([[1, [2]], [{"a": [3]}]]) == ["- - 1", "  - - 2", "- - a:", "    - 3"]


def test_a_tuple_of_pairs_is_a_sequence_and_any_mapping_is_a_map() -> None:
    assert lines((("a", 1),)) == ["- - a", "  - 1"]
    assert lines(MappingProxyType({"a": MappingProxyType({})})) == ["a: {}"]


@pytest.mark.parametrize(
    "text", ["on", "No", "y", "null", "~", "1.10", "1e3", "0o7", "12:30", "2014-01-01", "=", "<<", ""]
)
def test_what_a_reader_would_take_for_something_else_is_quoted(text: str) -> None:
    assert lines({"key": text}) == [f'key: "{text}"']


@pytest.mark.parametrize(
    "text",
    [
        "500m",
        "512Mi",
        "10.0.0.1",
        "1.2.3",
        "v1",
        "ghcr.io/acme/m@sha256:0a",
        "http://x:80/y#z",
        "--flag",
        "/path",
        "a, b [c] {d}",
        'rate(x{m="a"}[5m]) > 0.5',
        "it's",
        "é",
    ],
)
def test_what_every_reader_takes_for_a_string_is_plain(text: str) -> None:
    assert lines({"key": text}) == [f"key: {text}"]


def test_single_quotes_save_escapes() -> None:
    assert lines(['{"a": "b"}', "\\d: ", '{{ it\'s "x" }}']) == [
        """- '{"a": "b"}'""",
        r"""- '\d: '""",
        """- '{{ it''s "x" }}'""",
    ]


def test_what_hides_from_a_reviewer_is_escaped() -> None:
    assert lines(["a\u202eb", "a\u200bb", "\ufeff", "a\x00"]) == [
        r'- "a\u202eb"',
        r'- "a\u200bb"',
        r'- "\ufeff"',
        r'- "a\0"',
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb", ["run: |-", "  a", "  b"]),
        ("a\n\n  b\n", ["run: |", "  a", "", "    b"]),
        ("a\n\n", ["run: |+", "  a", ""]),
        (" a\nb", [r'run: " a\nb"']),
        ("a \nb", [r'run: "a \nb"']),
        ("\na", [r'run: "\na"']),
        ("a\r\nb", [r'run: "a\r\nb"']),
    ],
)
def test_several_lines_are_a_block_where_that_keeps_them_exactly(text: str, expected: list[str]) -> None:
    assert lines({"run": text}) == expected


def test_a_long_text_is_never_folded() -> None:
    text = "word " * 1000 + "end"
    assert lines({"key": text}) == [f"key: {text}"]


def test_floats_are_the_shortest_text_that_both_yaml_versions_read_as_a_float() -> None:
    assert lines([0.1, 5.0, 1e16, 1e-05, 1.5e-07, -0.0]) == [
        "- 0.1",
        "- 5.0",
        "- 1.0e+16",
        "- 1.0e-05",
        "- 1.5e-07",
        "- -0.0",
    ]


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan"), "\ud800"])
def test_what_cannot_be_written_for_every_reader_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="cannot be written"):
        yaml_text({"a": value})
    with pytest.raises(ValueError, match="cannot be written"):
        json_text([value])


@pytest.mark.parametrize("value", [{1, 2}, b"x", dt.date(2014, 1, 1), object()])
def test_other_types_are_refused(value: object) -> None:
    with pytest.raises(TypeError, match="cannot be written"):
        yaml_text({"a": value})
    with pytest.raises(TypeError, match="cannot be written"):
        json_text({"a": value})


@pytest.mark.parametrize("key", [1, None, True, ("a",)])
def test_keys_are_strings(key: object) -> None:
    with pytest.raises(TypeError, match="a key must be a string"):
        yaml_text({key: 1})
    with pytest.raises(TypeError, match="a key must be a string"):
        json_text({key: 1})


def test_a_key_that_readers_cannot_find_the_end_of_is_refused() -> None:
    assert lines({"k" * 1000: 1}) == [f"{'k' * 1000}: 1"]
    with pytest.raises(ValueError, match="longer than YAML readers look ahead"):
        yaml_text({"k" * 1001: 1})


def test_a_sourced_value_holds_from_its_key_to_its_last_line() -> None:
    data = {
        "kind": "Deployment",
        "spec": {"replicas": Sourced(2, REPLICAS), "resources": Sourced({"memory": "1Gi"}, MEMORY), "paused": False},
    }
    text, parts = yaml_text(data, MODEL)
    assert text.splitlines()[2:5] == ["  replicas: 2", "  resources:", "    memory: 1Gi"]
    assert parts == (Part(1, MODEL), Part(3, REPLICAS), Part(4, MEMORY), Part(6, MODEL))


def test_an_inner_origin_wins_and_gives_back_to_the_outer() -> None:
    data = [Sourced({"a": Sourced(1, MEMORY), "b": 2}, REPLICAS), 3]
    assert yaml_text(data, MODEL)[1] == (Part(1, MEMORY), Part(2, REPLICAS), Part(3, MODEL))
    assert json_text(data, MODEL)[1] == (
        Part(1, MODEL),
        Part(2, REPLICAS),
        Part(3, MEMORY),
        Part(4, REPLICAS),
        Part(6, MODEL),
    )


def test_a_block_moves_the_origins_below_it() -> None:
    _, parts = yaml_text({"run": "a\nb\nc\n", "x": Sourced("y", REPLICAS)})
    assert parts == (Part(5, REPLICAS),)


def test_a_stream_has_a_separator_between_documents_and_counts_its_lines_through() -> None:
    text, parts = yaml_documents(({"a": 1}, Sourced([{"b": 2}], REPLICAS)))
    assert text == "a: 1\n---\n- b: 2\n"
    assert parts == (Part(3, REPLICAS),)


def test_a_document_may_be_a_scalar() -> None:
    documents: list[object] = [None, "a\nb", 1, {}, Sourced([], MODEL)]
    assert [yaml_text(document)[0] for document in documents] == [
        "null\n",
        '"a\\nb"\n',
        "1\n",
        "{}\n",
        "[]\n",
    ]


def test_json_is_indented_by_two_and_keeps_letters() -> None:
    assert json_text({"title": "é", "panels": [{"id": 1}, []], "targets": {}})[0].splitlines() == [
        "{",
        '  "title": "é",',
        '  "panels": [',
        "    {",
        '      "id": 1',
        "    },",
        "    []",
        "  ],",
        '  "targets": {}',
        "}",
    ]
