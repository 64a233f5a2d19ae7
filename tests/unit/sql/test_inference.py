"""What the values of features can be: nulls and why, and the words of categories."""

from __future__ import annotations

from typing import Any

import pytest

from flight_features import FEATURES, a_view, aggregated, expr
from mlc_compiler import ir
from mlc_compiler.sql.inference import FeatureFacts, feature_facts

ROWS = ir.Dataset(
    "rows",
    ir.Source("parquet"),
    (
        ir.Column("id", "int64", required=True),
        ir.Column("at", "timestamp", required=True),
        ir.Column("n", "int64", required=True, minimum=0),
        ir.Column("m", "int64", required=True),
        ir.Column("x", "float64"),
        ir.Column("color", "string", required=True, enum=("red", "blue")),
        ir.Column("size", "int64", required=True, enum=(1, 2)),
        ir.Column("word", "string", required=True),
        ir.Column("ok", "bool", required=True),
    ),
    ("id",),
    "at",
)
NAMES = tuple(column.name for column in ROWS.columns)


def facts(text: str, kind: Any = None) -> FeatureFacts:
    view = a_view(expr("f", text, kind), spine=ROWS, predict_at="at", request=NAMES, joins=(), timezone="UTC")
    found = feature_facts(view, "f")
    assert found is not None
    return found


@pytest.mark.parametrize(
    "text",
    [
        "n", "n + m", "coalesce(x, 0)", "coalesce(x, n)", "x is null", "x is not distinct from 1", "hour(at)",
        "case when x > 1 then 1 else 2 end", "if(x > 1, n, m)", "concat(word, null)", "n / 2", "m / (n + 1)",
        "ln(n + 1)", "sqrt(n)", "log10(greatest(n, 1))", "cast(m as string)", "cast(ok as int64)", "least(x, n)",
        "color in ('red')", "hash_bucket(word, 8)", "(x > 1) is true", "start_of('day', at)",
    ],
)  # fmt: skip
def test_a_value_that_is_always_there_is_not_nullable(text: str) -> None:
    assert (facts(text).nullable, facts(text).why) == (False, "")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("x", "`x` of `rows` is not `required`"),
        ("n + x", "`x` of `rows` is not `required`"),
        ("x > 1", "`x` of `rows` is not `required`"),
        ("m / n", "a division by zero is null"),
        ("m % n", "a division by zero is null"),
        ("case when ok then 1 end", "`case` has no `else`"),
        ("if(ok, n, null)", "it is null"),
        ("ln(n)", "`ln` is null for values at or below zero"),
        ("sqrt(m)", "`sqrt` is null for values below zero"),
        ("power(n, 2)", "`power` is null where it is no finite number"),
        ("nullif(n, m)", "`nullif` is null where both values are equal"),
        ("cast(word as int64)", "text that is no int64 is null"),
        ("cast(lower(word) as float64)", "text that is no float64 is null"),
    ],
)
def test_a_value_that_may_be_missing_says_why(text: str, why: str) -> None:
    assert (facts(text).nullable, facts(text).why) == (True, why)


def test_joins_and_windows_may_find_nothing() -> None:
    view = a_view(*FEATURES, aggregated("flown", "count(*)", "tailnum"), aggregated("spread", "stddev(distance)"))
    why = {name: found.why for name in ("wind_speed", "delay_trend", "flown", "spread")
           if (found := feature_facts(view, name))}  # fmt: skip
    assert why == {
        "wind_speed": "join `weather` may find no row",
        "delay_trend": "the window of `avg` may hold less than a row with a value",
        "flown": "",
        "spread": "the window of `stddev` may hold less than two rows with a value",
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("color", ("red", "blue")),
        ("upper(color)", ("RED", "BLUE")),
        ("word", None),
        ("lower(word)", None),
        ("case when ok then 'big' else 'small' end", ("big", "small")),
        ("if(ok, color, 'none')", ("red", "blue", "none")),
        ("coalesce(nullif(color, 'red'), 'other')", ("red", "blue", "other")),
        ("case when ok then 'big' else word end", None),
        ("color || 'ish'", None),
        ("cast(size as string)", ("1", "2")),
        ("cast(ok as string)", ("false", "true")),
        ("ok", ("false", "true")),
        ("size > 1 and ok", ("false", "true")),
    ],
)
def test_the_words_of_a_category_are_those_of_enums_and_constants(text: str, words: tuple[str, ...] | None) -> None:
    assert facts(text).vocabulary == words


def test_numbers_have_words_only_as_categories() -> None:
    assert facts("size").vocabulary is None
    assert facts("size", "category").vocabulary == ("1", "2")
    assert facts("quarter(at)", "category").vocabulary == ("1", "2", "3", "4")
    assert facts("hash_bucket(word, 3)", "category").vocabulary == ("0", "1", "2")


def test_a_feature_that_does_not_compile_has_no_facts() -> None:
    assert feature_facts(a_view(expr("f", "nope")), "f") is None
    assert feature_facts(a_view(), "nope") is None
