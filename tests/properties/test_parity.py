"""One meaning: what training, a request alone, requests together and a batch make of any expression, bit for bit.

Drawn from the whole documented language over columns of every type, at the edges of each type and in zones whose clocks
change by an hour, by half an hour, and at midnight.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlc_compiler.ir import Column, Dataset
from mlc_compiler.sql.edges import is_allowed, plain_value
from mlc_compiler.sql.functions import FUNCTIONS, START_UNITS
from mlc_compiler.sql.vectors import golden_vectors
from mlc_targets.local.golden import compare_view
from parity_cases import (
    AGGREGATES,
    NAMES,
    OPERATORS,
    REQUEST,
    SALES,
    TYPES,
    a_parity_test,
    every_call,
    expressions,
    features_of,
)

ZONES = ("UTC", "America/New_York", "America/Havana", "Australia/Lord_Howe")
FIELDS = ("hour", "minute", "second", "day", "dayofweek", "isodow", "dayofyear", "week", "month", "quarter", "year")
SOME = 25  # expressions of one view: its vectors are sent once for all of them


def test_every_function_means_the_same_for_every_type_that_it_takes() -> None:
    calls = every_call()
    assert {function.name for function in FUNCTIONS} == {call.partition("(")[0] for call in calls}
    for texts in (calls, OPERATORS):
        result = compare_view(a_parity_test(features_of(texts)))
        assert result.findings == ()
        assert len(result.vectors) > 100


@pytest.mark.parametrize("zone", ZONES)
def test_calendars_mean_the_same_where_clocks_change(zone: str) -> None:
    times = NAMES["timestamp"]
    texts = [f"{field}({time})" for field in FIELDS for time in times]
    texts += [f"start_of('{unit}', {time})" for unit in START_UNITS for time in times]
    texts += ["cast(cast(ordered as date) as timestamp)", "minutes_between(start_of('day', at), at)"]
    assert compare_view(a_parity_test(features_of(texts), zone)).findings == ()


def test_aggregates_mean_the_same_within_what_their_sums_round() -> None:
    assert compare_view(a_parity_test((*features_of(["a0 - a3", "shops.area"]), *AGGREGATES))).findings == ()


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    texts=st.lists(st.one_of([expressions(type_, 3) for type_ in TYPES]), min_size=SOME, max_size=SOME),
    zone=st.sampled_from(ZONES),
)
def test_any_expression_means_the_same(texts: list[str], zone: str) -> None:
    assert compare_view(a_parity_test(features_of(texts), zone)).findings == (), texts


# --- contracts -------------------------------------------------------------------------------------------------------
BOUNDS = st.sampled_from((None, None, 0, 1, -5, 0.5, 1e-3, 100, 2**31, 2**63 - 1, 1e30, -1e30))
PATTERNS = st.sampled_from((None, "[A-Z]{3}", "a{1000}", ".*", r"a\bb", r"\pL+", "(a|b)?", r"v\d+"))
KEYS = st.sampled_from((("id",), ("shop",), ("at",), ("shop", "at"), ("few",), ("due",), ("note", "items")))


@st.composite
def contracts(draw: st.DrawFn) -> Dataset:
    """Sales with bounds, patterns and keys that may leave few values, or none."""
    columns = tuple(draw(contract(column)) for column in SALES.columns)
    return replace(SALES, columns=columns, primary_key=draw(KEYS))


@st.composite
def contract(draw: st.DrawFn, column: Column) -> Column:
    unique = draw(st.booleans()) and column.type != "bool"
    marked = replace(column, required=draw(st.booleans()), unique=unique)
    if column.type == "string":
        return replace(marked, pattern=draw(PATTERNS))
    if column.type in ("bool", "date", "timestamp"):
        return marked
    low, high = draw(BOUNDS), draw(BOUNDS)
    crossed = low is not None and high is not None and low > high
    return replace(marked, minimum=high if crossed else low, maximum=low if crossed else high)


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(spine=contracts())
def test_any_contract_is_kept_and_whatever_it_leaves_means_the_same(spine: Dataset) -> None:
    test = a_parity_test(features_of(REQUEST), spine=spine)
    for vector in golden_vectors(test.query.request, spine.primary_key, test.timezone):
        for column in test.query.request:
            value, plain = vector.values[column.name], plain_value(column)
            possible = plain is None or is_allowed(column, plain)
            assert not possible or (not column.required if value is None else is_allowed(column, value))
    assert compare_view(test).findings == ()
