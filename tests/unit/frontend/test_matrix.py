"""`metadata.matrix`: one document becomes one for each combination, before anything else looks at it."""

from __future__ import annotations

from typing import Any

import pytest

from mlc_compiler.diagnostics import Finding, Place, Sink
from mlc_compiler.frontend.matrix import MAX_DOCUMENTS, expand

A, B = "${{ matrix.a }}", "${{matrix.b}}"


def expanded(metadata: Any, **fields: Any) -> tuple[list[dict[str, Any]], list[Finding]]:
    sink = Sink()
    return list(expand({"kind": "Gate", "metadata": metadata, **fields}, Place("a.yaml"), sink)), list(sink)


def test_a_document_without_a_matrix_is_itself() -> None:
    cases: tuple[Any, ...] = ({"name": "g"}, {}, None, [], "text")
    for metadata in cases:
        documents, findings = expanded(metadata)
        assert (documents, findings) == ([{"kind": "Gate", "metadata": metadata}], [])


def test_every_combination_is_a_document_in_the_order_written() -> None:
    documents, _ = expanded({"name": f"{A}-{B}", "matrix": {"a": ["y", "x"], "b": [2, 1]}})
    assert [d["metadata"] for d in documents] == [{"name": n} for n in ("y-2", "y-1", "x-2", "x-1")]


def test_a_placeholder_that_is_all_of_a_text_keeps_the_type() -> None:
    documents, _ = expanded({"name": f"g-{A}", "matrix": {"a": [1, True, 0.5]}}, spec={"whole": A, "part": f"{A}!"})
    assert [d["spec"] for d in documents] == [
        {"whole": 1, "part": "1!"},
        {"whole": True, "part": "true!"},
        {"whole": 0.5, "part": "0.5!"},
    ]


def test_lists_and_mappings_are_filled_and_keys_are_not() -> None:
    documents, _ = expanded({"name": A, "matrix": {"a": ["x"]}}, spec={A: [{"deep": f"{A}/{A}"}]})
    assert documents[0]["spec"] == {A: [{"deep": "x/x"}]}


@pytest.mark.parametrize("wrong", ["${{ github.sha }}", "${{ mtrix.a }}", "${{ matrix.a", "${{ a }}"])
def test_a_placeholder_that_is_not_filled_in_is_refused(wrong: str) -> None:
    spec = {"run": f"x {wrong}", "x-note": wrong, "text": "$a {{ b }}"}
    for metadata in ({"name": A, "matrix": {"a": ["x"]}}, {"name": "a"}):
        _, (finding,) = expanded(metadata, spec=spec)
        assert (finding.code, finding.at) == ("MLC110", Place("a.yaml", 0, ("spec", "run"), within=(2, 2 + len(wrong))))
        assert wrong in finding.message


def test_a_key_that_the_name_leaves_out_is_told() -> None:
    documents, (finding,) = expanded({"name": A, "matrix": {"a": ["x"], "b": ["y"]}})
    assert (documents, finding.code, finding.at) == ([], "MLC110", Place("a.yaml", 0, ("metadata", "name")))
    assert "matrix.b" in finding.help


def test_every_unknown_key_is_told_at_the_placeholder() -> None:
    spec = {"one": "x ${{ matrix.aa }}", "two": ["${{ matrix.zzz }}", A]}
    documents, findings = expanded({"name": A, "matrix": {"a": ["x", "y"]}}, spec=spec)
    assert documents == []
    assert [(f.code, f.at) for f in findings] == [
        ("MLC110", Place("a.yaml", 0, ("spec", "one"), within=(2, 18))),
        ("MLC110", Place("a.yaml", 0, ("spec", "two", 0), within=(0, 17))),
    ]
    assert [f.help for f in findings] == ["write `matrix.a`", "take one of a, or add `zzz` to it"]


@pytest.mark.parametrize("matrix", [{}, {"a": []}, {"a": "x"}, {"a": None}, {"a": ["x"], "b": {}}])
def test_a_matrix_of_another_shape_is_left_to_the_schema(matrix: Any) -> None:
    documents, findings = expanded({"name": A, "matrix": matrix})
    assert (len(documents), findings) == (1, [])
    assert documents[0]["metadata"]["matrix"] == matrix


def test_too_many_documents_are_refused_before_they_are_made() -> None:
    documents, (finding,) = expanded({"name": f"{A}-{B}", "matrix": {"a": ["x"] * MAX_DOCUMENTS, "b": [1, 2]}})
    assert (documents, finding.code) == ([], "MLC110")
    assert f"{2 * MAX_DOCUMENTS:,}" in finding.message
