from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from flight_features import (
    FLIGHTS,
    HOUR,
    JOINS,
    LABEL,
    PLANES,
    REQUEST,
    WEATHER,
    a_view,
    aggregated,
    compile_model,
    expr,
    only,
)
from mlc_compiler import ir
from mlc_compiler.codes import REGISTRY
from mlc_compiler.sql.definitions import (
    AggregateDefinition,
    FeatureDefinition,
    JoinDefinition,
    LabelDefinition,
    Problem,
)
from mlc_compiler.sql.features import compile_view

NUMBERED = replace(PLANES, columns=(ir.Column("tailnum", "int64"), ir.Column("year", "int64")))


def problems_of(*features: FeatureDefinition, **fields: Any) -> tuple[Problem, ...]:
    found = compile_view(a_view(*features, **fields)).problems
    assert all(problem.code in REGISTRY for problem in found)
    return found


# --- what comes out --------------------------------------------------------------------------------------------------
def test_the_tutorial_compiles_without_a_problem() -> None:
    compiled = compile_model(slices=("origin",))
    assert compiled.problems == ()
    query = compiled.query
    assert query is not None
    assert [(f.name, f.kind, f.type, f.online) for f in query.features] == [
        ("dep_hour", "number", "int64", False),
        ("carrier", "category", "string", False),
        ("wind_speed", "number", "float64", True),
        ("plane_age", "number", "int64", True),
        ("origin_delay_3h", "number", "float64", True),
        ("carrier_delay_24h", "number", "float64", True),
        ("delay_trend", "number", "float64", True),
    ]
    assert [(lookup.name, lookup.keys, lookup.columns) for lookup in query.lookups] == [
        ("weather", ("origin",), ("observed_at", "wind_speed")),
        ("planes", ("tailnum",), ("year",)),
        ("flights_by_origin", ("origin",), ("origin_delay_3h",)),
        ("flights_by_carrier", ("carrier",), ("carrier_delay_24h",)),
    ]
    assert query.datasets == ("flights", "planes", "weather")
    assert tuple(column.name for column in query.request) == REQUEST
    assert query.definition == "from flights; predict_at scheduled_departure"
    assert compiled.label is not None
    assert compiled.label.definition == "(arr_delay > 15) known actual_arrival"
    assert compiled.label.known_at == "actual_arrival"
    assert "__label" in query.training_sql
    assert "__label" not in query.batch_sql


def test_a_definition_holds_all_that_a_value_depends_on() -> None:
    query = compile_model().query
    assert query is not None
    trend = query.features[-1].definition
    assert trend.startswith("(origin_delay_3h - carrier_delay_24h) as number; carrier_delay_24h = avg(arr_delay)")
    assert "in [-86400s, -900s) known greatest(actual_arrival, scheduled_departure)" in trend
    assert query.features[0].definition == "hour(scheduled_departure) as number; timezone America/New_York"
    assert "within 10800s known observed_at" in query.features[2].definition


def test_a_model_takes_only_what_it_selects_and_what_that_uses() -> None:
    query = compile_model(select=("departures.delay_*",)).query
    assert query is not None
    assert [feature.name for feature in query.features] == ["delay_trend"]
    assert [lookup.name for lookup in query.lookups] == ["flights_by_origin", "flights_by_carrier"]
    assert query.datasets == ("flights",)


def test_two_views_of_one_spine_stand_in_one_query() -> None:
    other = a_view(expr("far", "distance > 1000"), aggregated("seats", "count(*)", "dest"), name="more", joins=())
    query = compile_model(a_view(), other).query
    assert query is not None
    assert [feature.name for feature in query.features][-2:] == ["far", "seats"]
    assert query.features[-2].kind == "boolean"


def test_joins_that_two_views_name_alike_but_mean_differently_are_kept_apart() -> None:
    calm = JoinDefinition("weather", WEATHER, ("origin",), "observed_at", HOUR)
    other = a_view(expr("calm", "weather.temp"), name="more", joins=(calm,))
    query = compile_model(a_view(), other).query
    assert query is not None
    assert [lookup.name for lookup in query.lookups][:3] == ["weather", "planes", "more_weather"]


def test_an_identical_primary_key_column_stands_once() -> None:
    days = replace(FLIGHTS, primary_key=("origin", "scheduled_departure"))
    view = a_view(expr("origin", "origin"), expr("distance", "distance"), spine=days, joins=())
    query = compile_model(view).query
    assert query is not None
    head = query.training_sql[query.training_sql.rindex("SELECT ") :]
    assert head.count('AS "origin"') == 1
    clash = compile_model(a_view(expr("origin", "lower(origin)"), spine=days, joins=()))
    assert only(clash.problems).code == "MLC323"


def test_the_same_definitions_give_the_same_text() -> None:
    first = compile_model(a_view(expr("x", "distance   +(1)")))
    second = compile_model(a_view(expr("x", "DISTANCE + 1")))
    assert first.query is not None
    assert second.query is not None
    assert first.query.training_sql == second.query.training_sql
    assert first.query.features[0].definition == second.query.features[0].definition


# --- knowledge of the own row ----------------------------------------------------------------------------------------
def test_a_feature_that_knows_the_future_is_refused() -> None:
    problem = only(problems_of(expr("arr_delay_raw", "arr_delay")))
    assert problem.code == "MLC302"
    assert problem.message == "feature `arr_delay_raw` uses `arr_delay`, known only after the prediction is made"
    assert problem.note == "known at `actual_arrival`"
    assert problem.help == (
        'aggregate earlier flights instead, e.g. {aggregate: "avg(arr_delay)", by: [tailnum], window: 24h}'
    )
    assert problem.at.document == "FeatureView/departures"
    assert problem.at.path == ("spec", "features", "arr_delay_raw", "expr")
    assert problem.at.within == (0, 9)
    declared, predict = problem.related
    assert (declared.label, declared.text) == ("declared", "arr_delay: {..., known_at: actual_arrival}")
    assert declared.at is not None
    assert (declared.at.document, declared.at.path) == ("Dataset/flights", ("spec", "columns", "arr_delay"))
    assert (predict.label, predict.text) == ("predict_at", "scheduled_departure")


def test_how_far_ahead_a_value_lies_is_said_where_the_specs_tell() -> None:
    assert only(problems_of(expr("x", "boarded"))).note.endswith("3h after the prediction")


def test_a_column_that_callers_do_not_send_is_refused() -> None:
    problem = only(problems_of(expr("x", "lower(gate)")))
    assert (problem.code, problem.at.within) == ("MLC303", (6, 10))
    assert "add `gate` to `request`" in problem.help


def test_each_column_is_reported_once_for_a_feature() -> None:
    found = problems_of(expr("x", "arr_delay + arr_delay * boarded"))
    assert [problem.message.split("`")[3] for problem in found] == ["arr_delay", "boarded"]


def test_a_request_that_nobody_can_send_is_refused() -> None:
    problem = only(problems_of(expr("x", "arr_delay"), request=(*REQUEST, "arr_delay")))
    assert (problem.code, problem.at.path) == ("MLC318", ("spec", "request", 6))


def test_a_request_column_known_at_the_prediction_is_fine() -> None:
    spine = replace(
        FLIGHTS,
        columns=(*FLIGHTS.columns, ir.Column("crew", "int64", known_at="scheduled_departure - INTERVAL '1 day'")),
    )
    assert problems_of(expr("x", "crew"), request=(*REQUEST, "crew"), spine=spine) == ()


def test_rows_may_not_be_chosen_by_their_future() -> None:
    assert only(problems_of(where="arr_delay is not null")).code == "MLC324"
    assert problems_of(where="distance > 0 and gate <> 'X'") == ()


def test_a_models_own_filter_is_checked_and_applied() -> None:
    compiled = compile_model(where="carrier = 'UA'")
    assert compiled.query is not None
    assert compiled.query.definition.endswith("where (carrier = 'UA')")
    assert "'UA'" in compiled.query.training_sql
    problem = only(compile_model(where="arr_delay > 0").problems)
    assert (problem.code, problem.at.document, problem.at.path) == ("MLC324", "Model/late-arrival", ("spec", "where"))


# --- names, types, circles -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("feature", "code", "path"),
    [
        (expr("x", "distnce + 1"), "MLC304", "expr"),
        (expr("x", "wether.temp"), "MLC304", "expr"),
        (expr("x", "weather.tmp"), "MLC304", "expr"),
        (expr("x", "roud(distance)"), "MLC305", "expr"),
        (expr("x", "carrier + 1"), "MLC306", "expr"),
        (expr("x", "avg(distance)"), "MLC315", "expr"),
        (expr("x", "origin = 'BOS'"), "MLC326", "expr"),
        (expr("x", "distance / 3", "category"), "MLC317", "type"),
        (expr("x", "carrier", "number"), "MLC317", "type"),
        (aggregated("x", "avg(arr_delay)", "carrier", hours=None), "MLC314", None),
        (aggregated("x", "avg(arr_delay)", "carrier", hours=0.25), "MLC314", "window"),
        (aggregated("x", "arr_delay", "carrier"), "MLC315", "aggregate"),
        (aggregated("x", "avg(arr_delay) + distance", "carrier"), "MLC315", "aggregate"),
        (aggregated("x", "avg(sum(arr_delay))", "carrier"), "MLC315", "aggregate"),
        (aggregated("x", "avg(carrier)", "origin"), "MLC306", "aggregate"),
        (aggregated("x", "avg(arr_dely)", "carrier"), "MLC304", "aggregate"),
        (aggregated("x", "avg(arr_delay)", "carrier", where="distance"), "MLC306", "where"),
        (aggregated("x", "avg(arr_delay)", "carier"), "MLC311", "by"),
        (aggregated("x", "avg(arr_delay)", "gate"), "MLC303", "by"),
        (aggregated("x", "count(*)", "tailnum", over=WEATHER), "MLC311", "by"),
        (aggregated("x", "count(*)", "tailnum", over=PLANES), "MLC313", "over"),
        (aggregated("x", "count(*)", over=replace(WEATHER, overwrite=True)), "MLC310", "over"),
        (FeatureDefinition("x", "distance", AggregateDefinition("count(*)", FLIGHTS)), "MLC316", None),
        (FeatureDefinition("x"), "MLC316", None),
    ],
)
def test_mistakes_in_a_feature_point_at_its_field(feature: FeatureDefinition, code: str, path: str | None) -> None:
    problem = only(problems_of(feature))
    assert problem.code == code
    assert problem.at.path[:4] == ("spec", "features", "x", *((path,) if path else ()))
    assert problem.message


def test_a_range_inside_an_aggregate_is_one_of_the_whole_field() -> None:
    problem = only(problems_of(aggregated("x", "1 + avg(arr_delay * distnce)", "carrier")))
    assert problem.at.within == (20, 27)


def test_features_in_a_circle_are_named_in_order() -> None:
    found = problems_of(expr("a", "b + 1"), expr("b", "c"), expr("c", "a * distance"), expr("d", "a"), expr("e", "e"))
    assert [(problem.code, problem.message) for problem in found] == [
        ("MLC307", "feature `a` uses itself: a -> b -> c -> a"),
        ("MLC307", "feature `e` uses itself: e -> e"),
    ]


def test_a_feature_may_have_the_name_of_a_column_and_be_used_beside_it() -> None:
    found = compile_model(a_view(aggregated("arr_delay", "avg(arr_delay)", "carrier"), expr("twice", "arr_delay * 2")))
    assert found.problems == ()
    assert found.query is not None
    assert found.query.features[1].online


def test_features_that_differ_only_in_case_are_refused() -> None:
    assert only(problems_of(expr("far", "distance > 9"), expr("Far", "distance"))).code == "MLC323"


def test_an_aggregate_may_have_the_name_of_its_key() -> None:
    query = compile_model(a_view(aggregated("carrier", "count(*)", "carrier"))).query
    assert query is not None
    assert [(lookup.keys, lookup.columns) for lookup in query.lookups] == [(("carrier",), ("carrier_value",))]


def test_all_independent_problems_are_reported_at_once() -> None:
    found = problems_of(
        expr("a", "distnce"),
        expr("b", "arr_delay"),
        aggregated("c", "avg(carrier)", "origin", hours=None),
        expr("d", "a + b"),
    )
    assert [problem.code for problem in found] == ["MLC304", "MLC302", "MLC314", "MLC306"]


# --- joins -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("join", "code", "path"),
    [
        (replace(JOINS[0], as_of=None), "MLC309", ("weather",)),
        (replace(JOINS[0], static=True), "MLC309", ("weather",)),
        (replace(JOINS[0], as_of=None, tolerance=None, static=True), "MLC312", ("weather", "static")),
        (replace(JOINS[0], as_of="observed"), "MLC304", ("weather", "as_of")),
        (replace(JOINS[0], as_of="temp"), "MLC308", ("weather", "as_of")),
        (replace(JOINS[0], on=("orgin",)), "MLC311", ("weather", "on", 0)),
        (replace(JOINS[0], dataset=replace(WEATHER, overwrite=True)), "MLC310", ("weather", "as_of")),
        (replace(JOINS[0], dataset=replace(WEATHER, event_time=None)), "MLC313", ("weather", "as_of")),
        (replace(JOINS[0], name="flights"), "MLC309", ("flights",)),
        (replace(JOINS[1], tolerance=HOUR), "MLC309", ("planes", "tolerance")),
        (replace(JOINS[1], dataset=NUMBERED), "MLC311", ("planes", "on", 0)),
        (replace(JOINS[1], dataset=replace(PLANES, primary_key=())), "MLC322", ("planes", "on")),
    ],
)  # fmt: skip
def test_mistakes_in_a_join_point_at_its_field(join: JoinDefinition, code: str, path: tuple[str | int, ...]) -> None:
    problem = only(problems_of(expr("x", "distance"), joins=(join,)))
    assert (problem.code, problem.at.path) == (code, ("spec", "joins", *path))


def test_a_broken_join_does_not_break_the_features_that_use_it_again() -> None:
    broken = replace(JOINS[0], on=("orgin",))
    assert only(problems_of(expr("x", "weather.temp + 1"), joins=(broken,))).code == "MLC311"


def test_an_overwritten_table_joins_as_static() -> None:
    present = replace(
        JOINS[0],
        dataset=replace(WEATHER, overwrite=True, primary_key=("origin",)),
        as_of=None,
        tolerance=None,
        static=True,
    )
    assert problems_of(expr("x", "weather.temp"), joins=(present,)) == ()


def test_a_tolerance_needs_the_time_of_the_prediction_in_the_request() -> None:
    problem = only(problems_of(expr("x", "weather.temp"), request=("origin", "tailnum")))
    assert (problem.code, problem.at.path) == ("MLC325", ("spec", "joins", "weather", "tolerance"))


def test_predict_at_is_a_timestamp() -> None:
    assert [problem.code for problem in problems_of(expr("x", "distance"), predict_at="distance", joins=())] == [
        "MLC308"
    ]
    assert [problem.code for problem in problems_of(expr("x", "distance"), predict_at="departure", joins=())] == [
        "MLC304"
    ]


# --- aggregates and the own row --------------------------------------------------------------------------------------
def test_an_aggregate_that_must_count_its_own_row_when_serving_is_said_aloud() -> None:
    problem = only(
        problems_of(
            aggregated("n", "count(*)", "carrier"), predict_at="scheduled_departure + INTERVAL '1 hour'", joins=()
        )
    )
    assert (problem.code, problem.warning) == ("MLC321", True)
    assert problems_of(aggregated("n", "count(*)", "carrier")) == ()


def test_without_a_primary_key_the_own_row_of_a_minimum_cannot_be_told() -> None:
    spine = replace(FLIGHTS, primary_key=())
    view = {"spine": spine, "predict_at": "scheduled_departure + INTERVAL '1 hour'", "joins": ()}
    assert [p.code for p in problems_of(aggregated("n", "min(distance)", "carrier", over=spine), **view)] == ["MLC321"]


def test_a_window_in_event_time_that_ends_before_anything_is_known_is_refused() -> None:
    late = replace(FLIGHTS, name="reports", delay=20 * HOUR)
    window: dict[str, Any] = {"over": late, "window_on": "event_time"}
    problem = only(problems_of(aggregated("n", "count(*)", "carrier", hours=20, **window)))
    assert (problem.code, problem.at.path[-1]) == ("MLC314", "window")
    assert "longer than 1215m" in problem.help
    assert problems_of(aggregated("n", "count(*)", "carrier", hours=21, **window)) == ()


# --- labels ----------------------------------------------------------------------------------------------------------
def label_problems(label: LabelDefinition, **fields: Any) -> tuple[Problem, ...]:
    return compile_model(a_view(expr("x", "distance"), joins=(), **fields), label=label).problems


@pytest.mark.parametrize(
    ("label", "code", "path"),
    [
        (LabelDefinition(expr="arr_dely > 15"), "MLC304", ("expr",)),
        (LabelDefinition(expr="arr_delay > 15", known_at="distance"), "MLC306", ("known_at",)),
        (LabelDefinition(expr="distance > 15", known_at="actual_arrival"), "MLC319", ("expr",)),
        (LabelDefinition(expr="gate = 'A'"), "MLC320", ()),
        (LabelDefinition(), "MLC316", ()),
        (LabelDefinition(aggregate=AggregateDefinition("count(*)", FLIGHTS, ("carrier",))), "MLC314", ()),
        (LabelDefinition(aggregate=AggregateDefinition("cont(*)", FLIGHTS), horizon=HOUR), "MLC315", ("aggregate",)),
    ],
)  # fmt: skip
def test_mistakes_in_a_label_point_at_its_field(label: LabelDefinition, code: str, path: tuple[str, ...]) -> None:
    problem = only(label_problems(label))
    assert (problem.code, problem.at.document, problem.at.path) == (
        code,
        "Model/late-arrival",
        ("spec", "label", *path),
    )


def test_a_label_is_never_known_before_what_it_reads() -> None:
    compiled = compile_model(label=LabelDefinition(expr="arr_delay > 15", known_at="scheduled_departure"))
    assert compiled.label is not None
    assert compiled.label.known_at == "greatest(actual_arrival, scheduled_departure)"


def test_a_label_with_a_horizon_matures_after_it() -> None:
    compiled = compile_model(label=LabelDefinition(expr="gate = 'A'", horizon=HOUR))
    assert compiled.problems == ()
    assert compiled.label is not None
    assert compiled.label.known_at == "(scheduled_departure + 3600s)"


def test_a_label_that_lies_ahead_may_combine_aggregates() -> None:
    aggregate = AggregateDefinition("count(*) = 0 or coalesce(sum(arr_delay), 0) > 5", FLIGHTS, ("tailnum",))
    compiled = compile_model(label=LabelDefinition(aggregate=aggregate, horizon=24 * HOUR))
    assert compiled.problems == ()
    assert compiled.label is not None
    assert (compiled.label.known_at, compiled.label.horizon) == ("predict_at + 86400s", 24 * HOUR)


# --- selection -------------------------------------------------------------------------------------------------------
def test_a_pattern_that_names_nothing_shows_the_nearest_feature() -> None:
    problem = only(compile_model(select=("departures.dep_hours", "departures.carrier")).problems)
    assert (problem.code, problem.at.path) == ("MLC206", ("spec", "features", 0))
    assert problem.help == "did you mean `departures.dep_hour`?"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"spine": replace(FLIGHTS, name="trips"), "joins": ()}, "MLC207"),
        ({"predict_at": "scheduled_departure - INTERVAL '1 hour'"}, "MLC207"),
        ({"refresh": 60.0}, "MLC323"),
    ],
)
def test_views_that_disagree_cannot_stand_in_one_model(fields: dict[str, Any], code: str) -> None:
    other = a_view(expr("other", "distance"), name="more", **fields)
    assert code in [problem.code for problem in compile_model(a_view(), other).problems]


def test_two_features_of_one_name_cannot_stand_in_one_model() -> None:
    other = a_view(expr("carrier", "lower(carrier)"), name="more")
    assert only(compile_model(a_view(), other, label=LABEL).problems).code == "MLC323"
