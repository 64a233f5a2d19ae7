"""Differences between two texts of a generated file."""

from __future__ import annotations

from mlc_compiler.plan.fields import field_changes
from mlc_compiler.plan.summary import FieldChange


def test_a_text_without_fields_tells_how_many_lines_differ() -> None:
    (change,) = field_changes("docs/models/a.md", "# a\nold\nsame\n", "# a\nnew\nsame\n")
    assert change == FieldChange("text", "3 lines, 1 of them its own", "3 lines, 1 of them its own")


def test_fields_of_yaml_are_told_one_by_one() -> None:
    before, after = "a: 1\nb: {c: x}\n", "a: 2\nb: {c: x}\nd: true\n"
    assert field_changes("a.yaml", before, after) == (
        FieldChange("a", "1", "2"),
        FieldChange("d", "(none)", "true"),
    )
