"""What makes a value tell less, and what only looks as if it did."""

from __future__ import annotations

import pytest

from mlc_compiler.sql.declassifiers import Guard, softened


def forms(text: str) -> dict[str, tuple[str, ...]]:
    return {soft.mention.name: soft.by for soft in softened(text)}


@pytest.mark.parametrize(
    ("text", "by"),
    [
        ("hash_bucket(x, 100)", ("hash",)),
        ("count(x)", ("count",)),
        ("count(distinct x)", ("count",)),
        ("year(x)", ("band",)),
        ("start_of('month', x)", ("band",)),
        ("round(x, -3)", ("band",)),
        ("floor(x / 10)", ("band",)),
        ("ceil(x / 5)", ("band",)),
        ("x >= 18", ("band",)),
        ("18 < x", ("band",)),
        ("x between 18 and 30", ("band",)),
        ("hash_bucket(cast(year(x) as string), 10)", ("band", "hash")),
        ("cast(x > 3 as int64) + 1", ("band",)),
    ],
)
def test_a_form_of_the_list_softens_what_stands_in_it(text: str, by: tuple[str, ...]) -> None:
    assert forms(text) == {"x": by}


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "lower(x)",
        "replace(x, 'a', 'b')",
        "length(x)",
        "split_part(x, '@', 2)",
        "substr(x, 1, 1)",
        "round(x)",
        "round(x, 2)",
        "floor(x)",
        "floor(x / 2)",
        "floor(x * 10)",
        "start_of('day', x)",
        "hour(x)",
        "x = 'somebody'",
        "x like 'somebody%'",
        "x in ('a', 'b')",
        "x between y and z",
        "x > y",
        "avg(x)",
        "max(x)",
        "coalesce(x, 0)",
    ],
)
def test_all_else_keeps_a_value_as_telling_as_it_was(text: str) -> None:
    assert forms(text)["x"] == ()


def test_a_column_that_is_softened_in_one_place_only_is_told_twice() -> None:
    assert [soft.by for soft in softened("hash_bucket(x, 5) + length(x)")] == [("hash",), ()]


@pytest.mark.parametrize(
    ("text", "least"),
    [
        ("if(n >= 20, mean, null)", 20),
        ("if(n > 20, mean, null)", 21),
        ("case when n >= 20 then mean end", 20),
        ("case when n >= 20 then mean else null end", 20),
    ],
)
def test_a_guard_says_what_it_counts_and_how_many_it_asks_for(text: str, least: int) -> None:
    guards = {soft.mention.name: soft.released_by for soft in softened(text)}
    assert guards["n"] is None
    guard = guards["mean"]
    assert isinstance(guard, Guard)
    assert (guard.count, guard.least) == ("n", least)


@pytest.mark.parametrize(
    "text",
    [
        "if(n <= 20, mean, null)",
        "if(n >= 20, null, mean)",
        "if(n >= 20, mean, 0)",
        "if(n >= 20 or true, mean, null)",
        "if(20 <= n, mean, null)",
        "if(n >= m, mean, null)",
        "case n when 20 then mean end",
        "case when n >= 20 then mean when n >= 1 then mean end",
        "coalesce(if(n >= 20, mean, null), mean)",
    ],
)
def test_what_may_give_the_value_all_the_same_is_no_guard(text: str) -> None:
    assert [soft.released_by for soft in softened(text) if soft.mention.name == "mean"].count(None) > 0


def test_what_is_no_expression_has_no_names() -> None:
    assert softened("((") == ()
    assert softened("") == ()
