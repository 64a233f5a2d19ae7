"""Patterns: read as RE2 reads them, refused as it refuses them, and matched by the texts that are made of them."""

from __future__ import annotations

import time

import pytest

from mlc_compiler.sql.regex_syntax import PatternProblem, parse_pattern
from mlc_compiler.sql.regex_texts import LONGEST, matches, matching_texts, numbered_texts


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(?=a)b", "looks ahead"),
        ("(?<!a)b", "looks behind"),
        (r"(a)\1", "refers back"),
        ("a{1000000}", "1,000 times at most"),
        ("((a{100}){100}){10}", "more than 1,000"),
        ("a**", "follows another"),
        ("*a", "nothing before it"),
        ("a{3,2}", "no repetition"),
        ("a)", "no `(`"),
        ("(a", "never closed"),
        ("[a", "never closed"),
        ("[z-a]", "backwards"),
        ("[[:word", "never closed"),
        ("[[:letters:]]", "no class"),
        (r"\y", "means nothing"),
        ("a\\", "single"),
        (r"\x{110000}", "no character"),
        ("(?<year>a)", "names a group"),
        ("(?#c)", "begins nothing"),
    ],
)
def test_what_re2_refuses_is_refused_with_its_reason(pattern: str, reason: str) -> None:
    problem = parse_pattern(pattern)
    assert isinstance(problem, PatternProblem)
    assert problem.refused
    assert reason in problem.reason
    assert (matching_texts(pattern), numbered_texts(pattern), matches(pattern, "a")) == ({}, (), False)


@pytest.mark.parametrize("pattern", ["(" * 60 + ")" * 60, "a" * 5000, r"\p{Klingon}"])
def test_what_only_this_reader_cannot_take_is_not_called_wrong(pattern: str) -> None:
    problem = parse_pattern(pattern)
    assert isinstance(problem, PatternProblem)
    assert not problem.refused


@pytest.mark.parametrize("pattern", [r"[^\x00-\x{10FFFF}]", r"a\bb", "b^a", r"\w\B\W"])
def test_a_pattern_that_nothing_matches_has_no_texts(pattern: str) -> None:
    assert not isinstance(parse_pattern(pattern), PatternProblem)
    assert (matching_texts(pattern), numbered_texts(pattern)) == ({}, ())


HOSTILE = (
    "(a+)+$", "(x+x+)+y", "(a|a)*b", "(a|b|ab)*c", "((((((a*)*)*)*)*)*)*b", "(.*)*(.*)*(.*)*x", "a{1000}" * 200,
    "((a{100}){10})", ".{1000}", "(a?){500}a{500}", r"(\w+\s?)+\.", "|" * 1999, "(" * 50 + "a" + ")*" * 50,
    "(|a|b?)*(|a|b?)*",
)  # fmt: skip


@pytest.mark.parametrize("pattern", HOSTILE, ids=range(len(HOSTILE)))
def test_no_pattern_takes_long_and_no_text_gets_long(pattern: str) -> None:
    started = time.process_time()
    texts = (*matching_texts(pattern).values(), *numbered_texts(pattern))
    matches(pattern, "a" * 300 + "!")
    assert time.process_time() - started < 5, "a bound, not a speed: each takes some tenths of a second"
    assert all(len(text) <= LONGEST for text in texts)


def test_numbered_texts_differ_and_match() -> None:
    for pattern in ("[A-Z]{2}[0-9]{2}", r"\d{4}-(0[1-9]|1[0-2])", "a|b|c", ".+@.+"):
        texts = numbered_texts(pattern)
        assert len(set(texts)) == len(texts) > 1
        assert all(matches(pattern, text) for text in texts)
