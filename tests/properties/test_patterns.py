"""Patterns: what is read, refused and matched here is what RE2 reads, refuses and matches, in DuckDB as in a server."""

from __future__ import annotations

import functools

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from mlc_compiler.sql.regex_syntax import PatternProblem, parse_pattern
from mlc_compiler.sql.regex_texts import matches, matching_texts

PIECES = r"""a b é [a-c] [^a] \d \w \W . ^ $ \b \B (?: ( (?i) (?i: (?s-i: ) ) | * + ? {2} {1,3} {2,} {,3} {0} *? ?? \pL
 \p{Lu} \PN \p{^L} [[:alpha:]] [[:^digit:]x] []a] [^]] [a-] [-a] [\d-z] \. \x41 \x{e9} \101 \Qa.b\E \A \z \1 (?= \n -
 { } ] \_ \é [a-\d] [z-a] [\pL\s] {01} {1001} (?P<n>"""
TEXTS = ("", "a", "ab", "\u00e9", "A", "1", "a.b", "B\n", "\u0301", "zz", "-", "\u0131", "\u017f", "K", "\U0001f6eb")
patterns = st.lists(st.sampled_from(PIECES.split()), min_size=1, max_size=7).map("".join)


@functools.cache
def engine() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


def theirs(pattern: str, texts: list[str]) -> list[bool] | None:
    """Whether RE2 matches each text, None where it refuses the pattern."""
    try:
        rows = engine().execute("SELECT regexp_full_match(t, ?) FROM unnest(?) u(t)", [pattern, texts]).fetchall()
    except duckdb.Error:
        return None
    return [bool(row[0]) for row in rows]


@settings(max_examples=1500)
@given(pattern=st.one_of(patterns, patterns.map(lambda p: p + ")" * max(0, p.count("(") - p.count(")")))))
def test_a_pattern_means_here_what_it_means_to_re2(pattern: str) -> None:
    made = list(matching_texts(pattern).values())
    found = theirs(pattern, [*made, *TEXTS])
    assert (found is None) == isinstance(parse_pattern(pattern), PatternProblem), pattern
    if found is not None:
        assert all(found[: len(made)]), "every text that is made matches"
        assert found[len(made) :] == [matches(pattern, text) for text in TEXTS], pattern


@settings(max_examples=300)
@given(pattern=st.text(max_size=60))
def test_no_text_raises(pattern: str) -> None:
    parse_pattern(pattern)
    matching_texts(pattern)
