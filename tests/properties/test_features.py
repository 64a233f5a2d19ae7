"""The compiled feature queries against brute force: small tables full of ties, nulls and odd floats."""

# ruff: noqa: DTZ001 - the engine's timestamps are naive UTC
from __future__ import annotations

import functools
import math
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_reference import Row, Rows, Window, aggregate, as_of, clean
from mlc_compiler import ir
from mlc_compiler.sql.definitions import (
    AggregateDefinition,
    FeatureDefinition,
    JoinDefinition,
    LabelDefinition,
    ModelFeatures,
    ViewDefinition,
)
from mlc_compiler.sql.features import compile_features

START = datetime(2024, 3, 10, 4, 0)
MINUTE = 60.0
TYPES = {"int64": "BIGINT", "float64": "DOUBLE", "string": "VARCHAR", "timestamp": "TIMESTAMP", "bool": "BOOLEAN"}


def column(name: str, type_: str, known_at: str | None = None) -> ir.Column:
    return ir.Column(name, type_, known_at=known_at)


SHOPS = ir.Dataset(
    "visits",
    ir.Source("parquet"),
    (
        column("id", "int64"),
        column("at", "timestamp"),
        column("shop", "string"),
        column("kind", "int64"),
        column("paid_at", "timestamp", "paid_at"),
        column("paid", "float64", "paid_at"),
        column("items", "int64"),
        column("returned", "bool", "at + INTERVAL '2 minutes'"),
    ),
    ("id",),
    "at",
)
SALES = replace(SHOPS, name="sales", delay=MINUTE)
READINGS = ir.Dataset(
    "readings",
    ir.Source("parquet"),
    (
        column("shop", "string"),
        column("seen", "timestamp"),
        column("arrived", "timestamp"),
        column("heat", "float64", "arrived"),
        column("level", "int64"),
        column("serial", "int64"),
    ),
    ("serial",),
    "seen",
)

FLOATS = (None, 0.1, -2.5, 3.0, 7.25, 1e15, -1e15, 1e-9, math.nan, math.inf)


def minute(source: random.Random, *, nulls: float = 0.0) -> datetime | None:
    return None if source.random() < nulls else START + timedelta(minutes=source.randrange(9))


def visit_rows(seed: int, size: int) -> list[Row]:
    """Rows from a seed: dense enough that windows, ties and nulls meet in nearly every table."""
    source = random.Random(seed)
    return [
        {
            "id": number,
            "at": minute(source, nulls=0.1),
            "shop": source.choice(["a", "a", "b", None]),
            "kind": source.choice([1, 1, 2, None]),
            "paid_at": minute(source, nulls=0.15),
            "paid": source.choice(FLOATS),
            "items": source.choice([None, -3, 1, 2, 2, 5, 2**62]),
            "returned": source.choice([True, False, None]),
        }
        for number in range(1, size + 1)
    ]


def reading_rows(seed: int, size: int) -> list[Row]:
    source = random.Random(seed)
    return [
        {
            "serial": number,
            "shop": source.choice(["a", "a", "b", None]),
            "seen": minute(source, nulls=0.1),
            "arrived": minute(source, nulls=0.15),
            "heat": source.choice(FLOATS),
            "level": source.randrange(4),
        }
        for number in range(1, size + 1)
    ]


seeds = st.integers(0, 2**32 - 1)
visits = st.builds(visit_rows, seeds, st.integers(0, 16))
readings = st.builds(reading_rows, seeds, st.integers(0, 16))


def some_row(**fields: Any) -> Row:
    return {**dict.fromkeys(c.name for c in SHOPS.columns), **fields}


def reference(dataset: ir.Dataset, rows: Sequence[Row]) -> Rows:
    known = {
        "paid_at": lambda row: row["paid_at"],
        "paid": lambda row: row["paid_at"],
        "returned": lambda row: None if row["at"] is None else row["at"] + timedelta(minutes=2),
        "heat": lambda row: row["arrived"],
    }
    names = {c.name for c in dataset.columns}
    return Rows(
        rows, dataset.primary_key, dataset.event_time or "", timedelta(seconds=dataset.delay),
        {name: moment for name, moment in known.items() if name in names},
    )  # fmt: skip


@functools.cache
def engine() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(config={"threads": 1})


def connect(tables: Iterable[tuple[ir.Dataset, Sequence[Row]]]) -> duckdb.DuckDBPyConnection:
    connection = engine().cursor()
    for statement in ("DROP SCHEMA IF EXISTS example CASCADE", "CREATE SCHEMA example", "USE example"):
        connection.execute(statement)
    for dataset, rows in tables:
        columns = ", ".join(f'"{c.name}" {TYPES[c.type]}' for c in dataset.columns)
        connection.execute(f'CREATE TABLE "{dataset.name}" ({columns})')
        if rows:
            marks = ", ".join("?" for _ in dataset.columns)
            values = [[row[c.name] for c in dataset.columns] for row in rows]
            connection.executemany(f'INSERT INTO "{dataset.name}" VALUES ({marks})', values)
    return connection


def fetch(
    connection: duckdb.DuckDBPyConnection, sql: str, parameters: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    cursor = connection.execute(sql, parameters)
    names = [entry[0] for entry in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def assert_alike(actual: Any, expected: Any, magnitude: float, what: str) -> None:
    """Floats agree to 1e-12 of themselves and 1e-25 of the largest value that was added: the stated tolerance."""
    if isinstance(actual, float) and isinstance(expected, int | float):
        assert math.isclose(actual, expected, rel_tol=1e-12, abs_tol=1e-25 * magnitude), what
    else:
        assert actual == expected, what


@dataclass(frozen=True)
class Asked:
    """A feature and its reference: `columns` are what `value` reads."""

    function: str
    columns: tuple[str, ...]
    by: tuple[str, ...]
    window: float
    on_event: bool
    filtered: bool
    over: ir.Dataset

    @property
    def definition(self) -> AggregateDefinition:
        text = "count(*)" if self.function == "count(*)" else f"{self.function}({self.columns[0]})"
        return AggregateDefinition(
            text, self.over, self.by, self.window, "event_time" if self.on_event else "knowledge_time",
            "items > 0" if self.filtered else None,
        )  # fmt: skip

    def expected(self, data: Rows, own: Row, at: datetime | None, start: float, end: float, own_dataset: bool) -> Any:
        where = (("items",), lambda row: None if row["items"] is None else row["items"] > 0) if self.filtered else None
        columns = () if self.function == "count(*)" else self.columns
        total = self.function in ("avg", "sum", "stddev")

        def value(row: Row) -> Any:
            found = row[self.columns[0]]
            return int(found) if isinstance(found, bool) and total else found

        window = Window(start, end, self.on_event)
        result = aggregate(self.function, data, own, at, self.by, columns, value, window, where, own_dataset)
        return None if self.function == "sum" and isinstance(result, int) and abs(result) >= 2**63 else result


@st.composite
def asked(draw: st.DrawFn) -> Asked:
    function = draw(
        st.sampled_from(["avg", "sum", "count", "count(*)", "min", "max", "stddev", "count_distinct", "first", "last"])
    )
    numbers = ("paid", "items", "returned")
    columns = numbers if function in ("avg", "sum") else ("items",) if function == "stddev" else (*numbers, "shop")
    return Asked(
        function,
        (draw(st.sampled_from(columns)),),
        draw(st.sampled_from([(), ("shop",), ("shop", "kind")])),
        draw(st.integers(5, 9)) * MINUTE,
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.sampled_from([SHOPS, SALES])),
    )


def a_view(
    features: Sequence[FeatureDefinition], predict: str = "at", refresh: float = MINUTE, **more: Any
) -> ViewDefinition:
    request = tuple(c.name for c in SHOPS.columns if c.known_at is None)
    return ViewDefinition("v", SHOPS, predict, request, tuple(features), refresh=refresh, **more)


def compiled(view: ViewDefinition, label: LabelDefinition | None = None) -> ir.FeatureQuery:
    result = compile_features(ModelFeatures("m", (view,), ("v.*",), label))
    assert result.query is not None, [problem.message for problem in result.problems]
    return result.query


@settings(max_examples=250)
@given(
    rows=visits, others=visits, wanted=st.lists(asked(), min_size=1, max_size=4),
    refresh=st.integers(0, 2), ahead=st.sampled_from([0, 1, 5]),
)  # fmt: skip
def test_aggregates_equal_brute_force(
    rows: list[Row], others: list[Row], wanted: list[Asked], refresh: int, ahead: int
) -> None:
    features = [FeatureDefinition(f"f{i}", aggregate=want.definition) for i, want in enumerate(wanted)]
    predict = f"at + INTERVAL '{ahead} minutes'" if ahead else "at"
    query = compiled(a_view(features, predict, refresh * MINUTE))
    tables = {"visits": rows, "sales": others}
    result = fetch(connect([(SHOPS, rows), (SALES, others)]), query.training_sql)
    timed = [row for row in rows if row["at"] is not None]
    assert [row["id"] for row in result] == [row["id"] for row in sorted(timed, key=lambda row: (row["at"], row["id"]))]
    own = {row["id"]: row for row in rows}
    for line in result:
        at = own[line["id"]]["at"] + timedelta(minutes=ahead)
        assert line["__predict_at"] == at
        for number, want in enumerate(wanted):
            data = reference(want.over, tables[want.over.name])
            mine = want.over is SHOPS
            expected = want.expected(data, own[line["id"]], at, -want.window, -refresh * MINUTE, mine)
            assert_alike(line[f"f{number}"], expected, 1e15, f"{want} of row {line['id']}")


@settings(max_examples=150)
@given(rows=visits, seen=readings, tolerance=st.one_of(st.none(), st.integers(0, 6)), ahead=st.sampled_from([0, 3]))
def test_as_of_joins_take_the_newest_row_that_is_known(
    rows: list[Row], seen: list[Row], tolerance: int | None, ahead: int
) -> None:
    age = None if tolerance is None else tolerance * MINUTE
    joins = (JoinDefinition("r", READINGS, ("shop",), "seen", age),)
    features = [
        FeatureDefinition("heat", "r.heat"),
        FeatureDefinition("level", "r.level"),
        FeatureDefinition("both", "r.heat + r.level"),
    ]
    query = compiled(a_view(features, f"at + INTERVAL '{ahead} minutes'", joins=joins))
    data = reference(READINGS, seen)
    own = {row["id"]: row for row in rows}
    for line in fetch(connect([(SHOPS, rows), (READINGS, seen)]), query.training_sql):
        at = own[line["id"]]["at"] + timedelta(minutes=ahead)
        for name, columns in (("heat", ("heat",)), ("level", ("level",)), ("both", ("heat", "level"))):
            found = as_of(data, own[line["id"]], at, ("shop",), "seen", columns, age)
            values: list[Any] = [clean(found[column]) for column in columns] if found else [None]
            expected = None if None in values else sum(values)
            assert_alike(line[name], expected, 1e15, f"{name} of row {line['id']}")


@settings(max_examples=100)
@given(rows=visits, wanted=asked(), horizon=st.integers(1, 6), until=st.booleans())
def test_labels_ahead_count_what_becomes_known_within_the_horizon(
    rows: list[Row], wanted: Asked, horizon: int, until: bool
) -> None:
    data = reference(wanted.over, rows)
    over = replace(wanted.over, until="2024-03-11") if until else wanted.over
    definition = replace(wanted.definition, over=over, window=None, window_on="knowledge_time")
    want = replace(wanted, on_event=False)
    query = compiled(
        a_view([FeatureDefinition("x", "items")]), LabelDefinition(aggregate=definition, horizon=horizon * MINUTE)
    )
    tables = [(SHOPS, rows), (SALES, rows)]
    columns = [*(() if want.function == "count(*)" else want.columns), *want.by, *(("items",) if want.filtered else ())]
    ends = [known for row in rows if (known := data.known_at(row, columns or ["at"])) is not None]
    end = datetime(2024, 3, 11) if until else max(ends, default=None)
    own = {row["id"]: row for row in rows}
    for line in fetch(connect(tables), query.training_sql):
        at = own[line["id"]]["at"]
        mature = at + timedelta(minutes=horizon)
        assert line["__label_known_at"] == mature
        expected = want.expected(data, own[line["id"]], at, 0.0, horizon * MINUTE, want.over is SHOPS)
        if end is None or mature > end:
            expected = None
        assert_alike(line["__label"], expected, 1e15, f"label of row {line['id']}")


@settings(max_examples=100)
@given(
    rows=visits.filter(lambda rows: any(row["at"] for row in rows)), others=visits, seen=readings,
    wanted=st.lists(asked(), min_size=1, max_size=3),
    refresh=st.integers(0, 2), tolerance=st.one_of(st.none(), st.integers(0, 6)), which=st.integers(0, 15),
)  # fmt: skip
def test_serving_gives_the_training_value(
    rows: list[Row],
    others: list[Row],
    seen: list[Row],
    wanted: list[Asked],
    refresh: int,
    tolerance: int | None,
    which: int,
) -> None:
    """A snapshot written `refresh` before the prediction gives training's aggregates; one written at it, its joins."""
    age = None if tolerance is None else tolerance * MINUTE
    features = [
        *(FeatureDefinition(f"f{i}", aggregate=replace(want.definition, over=SALES)) for i, want in enumerate(wanted)),
        FeatureDefinition("heat", "r.heat"),
        FeatureDefinition("level", "r.level"),
        FeatureDefinition("items", "items"),
        FeatureDefinition("warm", "if(level > 1, heat, f0_or)"),
        FeatureDefinition("f0_or", "coalesce(level, 7)"),
    ]
    joins = (JoinDefinition("r", READINGS, ("shop",), "seen", age),)
    query = compiled(a_view(features, refresh=refresh * MINUTE, joins=joins))
    connection = connect([(SHOPS, rows), (SALES, others), (READINGS, seen)])
    trained = {row["id"]: row for row in fetch(connection, query.training_sql)}
    own = [row for row in rows if row["at"]][which % len(trained)]
    for lookup in query.lookups:
        back = refresh if lookup.reads == ("sales",) else 0
        now = own["at"] - timedelta(minutes=back)
        connection.execute(f'CREATE TABLE "online {lookup.name}" AS {lookup.sql}', {"now": now})
    for lookup in query.lookups:
        connection.execute(f'CREATE VIEW "{lookup.name}" AS SELECT * FROM "online {lookup.name}"')
        names = [entry[0] for entry in connection.execute(f'SELECT * FROM "{lookup.name}"').description or ()]
        assert names == [*lookup.keys, *lookup.columns]
    sent = {c.name: own[c.name] for c in query.request}
    columns = ", ".join(
        f'CAST(${name} AS {TYPES[c.type]}) AS "{name}"' for name, c in ((c.name, c) for c in query.request)
    )
    connection.execute("CREATE TABLE request AS SELECT 0 AS __row, " + columns, sent)
    served = fetch(connection, query.serving_sql)[0]
    assert fetch(connection, f"WITH request AS ({brought_sql(query)}) SELECT * FROM ({query.row_sql})") == [served]
    assert list(served) == [*(f.name for f in query.features), *(f"__miss_{lookup.name}" for lookup in query.lookups)]
    for feature in query.features:
        expected = trained[own["id"]][feature.name]
        assert_alike(served[feature.name], expected, 1e15, f"{feature.name} of {own}")


def brought_sql(query: ir.FeatureQuery) -> str:
    """Return the request with what the lookups hold for it, as a server brings it to `row_sql`."""
    items, joins = ["r.*"], []
    for number, lookup in enumerate(query.lookups):
        items += [f'l{number}."{column}" AS "{lookup.name}:{column}"' for column in (*lookup.columns, "__hit")]
        equal = " AND ".join(f'l{number}."{key}" = r."{key}"' for key in lookup.keys) or "TRUE"
        joins.append(f'LEFT JOIN (SELECT *, TRUE AS __hit FROM "{lookup.name}") AS l{number} ON {equal}')
    return f"SELECT {', '.join(items)} FROM example.request AS r {' '.join(joins)}"


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_calendar_functions_read_the_projects_timezone_whatever_the_sessions(zone: str) -> None:
    from zoneinfo import ZoneInfo

    rows = [some_row(id=hours, at=START + timedelta(hours=hours)) for hours in range(0, 96, 5)]
    features = [
        FeatureDefinition("hour", "hour(at)"),
        FeatureDefinition("day", "dayofweek(at)"),
        FeatureDefinition("noon", "start_of('day', at)"),
    ]
    query = compiled(a_view(features, timezone=zone))
    results = []
    for session in ("UTC", "Pacific/Auckland"):
        connection = connect([(SHOPS, rows)])
        connection.execute(f"SET TimeZone = '{session}'")
        results.append(fetch(connection, query.training_sql))
    assert results[0] == results[1]
    for line in results[0]:
        there = line["__predict_at"].replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo(zone))
        midnight = there.replace(hour=0, minute=0, fold=0).astimezone(ZoneInfo("UTC")).replace(tzinfo=None)
        assert (line["hour"], line["day"], line["noon"]) == (there.hour, there.isoweekday() % 7, midnight)
