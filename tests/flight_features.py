"""The tutorial's view and label as definitions, for tests of the feature compiler; every part can be replaced."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mlc_compiler import ir
from mlc_compiler.sql.definitions import (
    AggregateDefinition,
    CompiledFeatures,
    FeatureDefinition,
    JoinDefinition,
    LabelDefinition,
    ModelFeatures,
    Problem,
    ViewDefinition,
)
from mlc_compiler.sql.features import compile_features

HOUR = 3600.0
ORIGIN = ir.Column("origin", "string", enum=("EWR", "JFK", "LGA"))
FLIGHTS = ir.Dataset(
    "flights",
    ir.Source("parquet", path="data/flights.parquet"),
    (
        ir.Column("flight_id", "int64", unique=True),
        ir.Column("scheduled_departure", "timestamp", required=True),
        ORIGIN,
        ir.Column("dest", "string"),
        ir.Column("carrier", "string"),
        ir.Column("tailnum", "string"),
        ir.Column("distance", "int64"),
        ir.Column("gate", "string"),
        ir.Column("actual_arrival", "timestamp", known_at="actual_arrival"),
        ir.Column("arr_delay", "float64", known_at="actual_arrival"),
        ir.Column("boarded", "int64", known_at="scheduled_departure + INTERVAL '3 hours'"),
    ),
    ("flight_id",),
    "scheduled_departure",
)
WEATHER = ir.Dataset(
    "weather",
    ir.Source("parquet", path="data/weather.parquet"),
    (ORIGIN, ir.Column("observed_at", "timestamp"), ir.Column("wind_speed", "float64"), ir.Column("temp", "float64")),
    ("origin", "observed_at"),
    "observed_at",
)
PLANES = ir.Dataset(
    "planes",
    ir.Source("parquet", path="data/planes.parquet"),
    (ir.Column("tailnum", "string"), ir.Column("year", "int64")),
    ("tailnum",),
)
REQUEST = ("origin", "dest", "carrier", "tailnum", "distance", "scheduled_departure")
JOINS = (
    JoinDefinition("weather", WEATHER, ("origin",), "observed_at", 3 * HOUR),
    JoinDefinition("planes", PLANES, ("tailnum",), static=True),
)


def expr(name: str, text: str, kind: Any = None) -> FeatureDefinition:
    return FeatureDefinition(name, text, kind=kind)


def aggregated(
    name: str, text: str, *by: str, hours: float | None = 24, over: ir.Dataset = FLIGHTS, **more: Any
) -> FeatureDefinition:
    window = None if hours is None else hours * HOUR
    return FeatureDefinition(name, aggregate=AggregateDefinition(text, over, by, window, **more))


FEATURES = (
    expr("dep_hour", "hour(scheduled_departure)"),
    expr("carrier", "carrier", "category"),
    expr("wind_speed", "weather.wind_speed"),
    expr("plane_age", "year(scheduled_departure) - planes.year"),
    aggregated("origin_delay_3h", "avg(arr_delay)", "origin", hours=3),
    aggregated("carrier_delay_24h", "avg(arr_delay)", "carrier"),
    expr("delay_trend", "origin_delay_3h - carrier_delay_24h"),
)
LABEL = LabelDefinition(expr="arr_delay > 15", known_at="actual_arrival")


def a_view(*features: FeatureDefinition, **fields: Any) -> ViewDefinition:
    """Return the tutorial's view with other features, or with other fields."""
    defaults: dict[str, Any] = {
        "name": "departures",
        "spine": FLIGHTS,
        "predict_at": "scheduled_departure",
        "request": REQUEST,
        "features": features or FEATURES,
        "joins": JOINS,
        "timezone": "America/New_York",
    }
    return ViewDefinition(**{**defaults, **fields})


def compile_model(*views: ViewDefinition, label: LabelDefinition | None = LABEL, **fields: Any) -> CompiledFeatures:
    chosen = views or (a_view(),)
    select = fields.pop("select", tuple(f"{view.name}.*" for view in chosen))
    return compile_features(ModelFeatures("late-arrival", chosen, select, label, **fields))


def only(problems: Iterable[Problem]) -> Problem:
    found = list(problems)
    assert len(found) == 1, [(problem.code, problem.message) for problem in found]
    return found[0]
