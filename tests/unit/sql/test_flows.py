"""What features and labels depend on: by value, and by what only decides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flight_features import FLIGHTS, LABEL, a_view, aggregated, expr
from mlc_compiler.sql.definitions import AggregateDefinition, FeatureDefinition, LabelDefinition
from mlc_compiler.sql.flows import ColumnFlow, direct_flows, feature_flows, label_flows, row_flows


def flows(*found: ColumnFlow) -> set[str]:
    return {f"{flow.dataset}.{flow.column} {flow.flow}" for flow in found}


def of(*features: FeatureDefinition) -> set[str]:
    """Return the flows of the last feature."""
    return flows(*feature_flows(a_view(*features), features[-1].name))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("distance * 2", {"flights.distance value"}),
        ("flights.distance", {"flights.distance value"}),
        ("DISTANCE", {"flights.distance value"}),
        ("1 + 1", set()),
        (
            "case when origin = 'JFK' then distance else 0 end",
            {"flights.origin condition", "flights.distance value"},
        ),
        ("case origin when dest then 1 else 0 end", {"flights.origin condition", "flights.dest condition"}),
        (
            "if(distance > 1, carrier, dest)",
            {"flights.distance condition", "flights.carrier value", "flights.dest value"},
        ),
        ("nullif(carrier, dest)", {"flights.carrier value", "flights.dest condition"}),
        ("carrier in (dest, origin)", {"flights.carrier value", "flights.dest value", "flights.origin value"}),
        ("planes.year", {"planes.year value", "planes.tailnum key", "flights.tailnum key"}),
        (
            "weather.temp",
            {"weather.temp value", "weather.origin key", "flights.origin key", "weather.observed_at time",
             "flights.scheduled_departure time"},
        ),
        ("not an expression", set()),
    ],
)  # fmt: skip
def test_an_expression_depends_on_values_conditions_keys_and_times(text: str, expected: set[str]) -> None:
    assert of(expr("f", text)) == expected


def test_an_aggregate_depends_on_its_filter_keys_and_the_times_at_which_all_that_is_known() -> None:
    assert of(aggregated("f", "avg(arr_delay)", "carrier", where="distance > 100")) == {
        "flights.arr_delay value", "flights.distance filter", "flights.carrier key", "flights.actual_arrival time",
        "flights.scheduled_departure time",
    }  # fmt: skip


def test_counting_rows_depends_on_their_event_time() -> None:
    assert of(aggregated("f", "count(*)")) == {"flights.scheduled_departure time"}


def test_first_and_last_depend_on_the_order_of_rows() -> None:
    assert "flights.flight_id window" in of(aggregated("f", "last(dest)", "tailnum"))
    assert "flights.flight_id window" not in of(aggregated("f", "max(distance)", "tailnum"))


def test_used_features_are_followed_through() -> None:
    a, b = aggregated("a", "avg(arr_delay)", "origin"), aggregated("b", "avg(distance)", "carrier")
    assert {"flights.arr_delay value", "flights.distance value", "flights.origin key"} <= of(a, b, expr("c", "a - b"))


def test_what_a_condition_follows_from_is_no_value() -> None:
    found = of(aggregated("late", "avg(arr_delay)", "origin"), expr("f", "if(late > 5, distance, 0)"))
    assert {"flights.arr_delay condition", "flights.distance value", "flights.origin key"} <= found
    assert "flights.arr_delay value" not in found


def test_features_in_a_circle_have_the_flows_of_their_own() -> None:
    assert of(expr("a", "b + distance"), expr("b", "a + 1")) == set()
    assert of(expr("b", "a + 1"), expr("a", "b + distance")) == {"flights.distance value"}


def test_uses_of_features_are_told_with_their_flow() -> None:
    view = a_view(expr("a", "distance"), expr("b", "if(a > 1, 2, 3)"))
    assert [(use.feature, use.flow) for use in direct_flows(view)["b"].features] == [("a", "condition")]


def test_every_flow_points_at_its_characters() -> None:
    flow = feature_flows(a_view(expr("f", "1 + distance")), "f")[0]
    assert flow.at is not None
    assert (flow.at.document, flow.at.path, flow.at.within) == (
        "FeatureView/departures", ("spec", "features", "f", "expr"), (4, 12),
    )  # fmt: skip


def test_a_label_depends_on_its_columns_and_on_when_they_are_known() -> None:
    assert flows(*label_flows(a_view(), LABEL)) == {"flights.arr_delay value", "flights.actual_arrival time"}


def test_a_label_ahead_depends_on_what_it_counts() -> None:
    ahead = AggregateDefinition("count(*)", FLIGHTS, ("tailnum",), where="arr_delay > 60")
    assert flows(*label_flows(a_view(), LabelDefinition(aggregate=ahead, horizon=3600.0))) == {
        "flights.arr_delay filter", "flights.tailnum key", "flights.actual_arrival time",
        "flights.scheduled_departure time",
    }  # fmt: skip


def test_the_rows_of_a_model_depend_on_both_filters_and_on_the_time_of_the_prediction() -> None:
    view = replace(a_view(), where="distance > 0")
    assert flows(*row_flows(view, "carrier = 'UA'")) == {
        "flights.distance filter", "flights.carrier filter", "flights.scheduled_departure time",
    }  # fmt: skip
