"""Formatting changes the layout and nothing else."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mlc_compiler.diagnostics import Sink
from mlc_compiler.fmt import format_text
from mlc_compiler.frontend.yaml_source import load
from yaml_texts import documents


@given(documents())
def test_values_and_comments_stay_and_formatting_again_changes_nothing(made: tuple[str, dict[str, Any]]) -> None:
    text, _ = made
    formatted = format_text(text)
    assert load("a.yaml", formatted, Sink()) == load("a.yaml", text, Sink())
    assert words(formatted) == words(text)
    assert format_text(formatted) == formatted


@given(documents(), st.integers(1, 8))
def test_the_layout_does_not_depend_on_how_deep_the_file_was_indented(
    made: tuple[str, dict[str, Any]], depth: int
) -> None:
    text, _ = made
    deeper = "".join(f"{' ' * depth}{line}\n" if line.strip() else f"{line}\n" for line in text.splitlines())
    if "|" not in text:
        assert format_text(deeper) == format_text(text.rstrip("\n") + "\n")


@given(st.text() | st.text("ab:-#|>{}[],'\" \n\t"))
def test_any_text_is_formatted_without_an_exception_and_to_the_same_values(text: str) -> None:
    formatted = format_text(text)
    assert repr(load("a.yaml", formatted, Sink())) == repr(load("a.yaml", text, Sink()))
    assert format_text(formatted) == formatted


def words(text: str) -> list[str]:
    return [word for line in text.splitlines() for word in line.split()]
