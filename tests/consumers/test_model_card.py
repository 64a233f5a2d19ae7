"""Target `model-card`: cards before a CommonMark parser, as a forge renders them."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

CARDS = sorted((Path(__file__).parents[2] / "examples").glob("*/docs/models/*.md"))
pytestmark = pytest.mark.consumer
assert CARDS


@pytest.mark.parametrize("card", CARDS, ids=lambda p: p.stem)
def test_a_card_renders_as_headings_and_whole_tables(card: Path) -> None:
    tokens = MarkdownIt("commonmark").enable("table").parse(card.read_text())
    headings = [b.content for a, b in itertools.pairwise(tokens) if a.type == "heading_open"]
    assert headings[0] == card.stem
    assert {"Intended use", "Data", "Features"} <= set(headings)
    rows = [t for t in tokens if t.type == "tr_open"]
    assert len(rows) > 10
    assert not [t for t in tokens if t.type == "paragraph_open" and "|" in tokens[tokens.index(t) + 1].content[:1]]
