"""The tutorial's query on the tutorial's data: 336,776 rows, a sample of them against brute force."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from flight_features import FEATURES, a_view, aggregated, compile_model
from mlc_compiler import ir

DATA = Path(__file__).parents[3] / "examples" / "flights" / "data"
REFRESH = timedelta(minutes=15)
EXTRA = (
    aggregated("dest_worst_6h", "max(arr_delay)", "dest", hours=6),
    aggregated("tail_last", "last(arr_delay)", "tailnum", hours=48),
    aggregated("late_share_24h", "avg(arr_delay > 15)", "origin", "carrier", hours=24, where="distance > 500"),
    aggregated("landed_1h", "count(arr_delay)", hours=1),
)
WINDOWS = {
    "origin_delay_3h": (("origin",), 3), "carrier_delay_24h": (("carrier",), 24), "dest_worst_6h": (("dest",), 6),
    "tail_last": (("tailnum",), 48), "late_share_24h": (("origin", "carrier"), 24), "landed_1h": ((), 1),
}  # fmt: skip
Row = dict[str, Any]
Landed = tuple[datetime, datetime, int, float | None, int]
"""Known, scheduled, flight_id, arr_delay, distance."""


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for name in ("flights", "weather", "planes"):
        path = DATA / f"{name}.parquet"
        source = (
            f"SELECT *, NULL::VARCHAR AS gate, NULL::BIGINT AS boarded FROM '{path}'"
            if name == "flights"
            else f"FROM '{path}'"
        )
        connection.execute(f"CREATE VIEW {name} AS {source}")
    return connection


@pytest.fixture(scope="module")
def query(connection: duckdb.DuckDBPyConnection) -> ir.FeatureQuery:
    """Compile the query, and keep its result as the table `trained`."""
    query = compile_model(a_view(*FEATURES, *EXTRA), slices=("origin",)).query
    assert query is not None
    connection.execute(f"CREATE TABLE trained AS {query.training_sql}")
    return query


def rows_of(connection: duckdb.DuckDBPyConnection, sql: str, **values: object) -> list[Row]:
    cursor = connection.execute(sql, values)
    names = [entry[0] for entry in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def by_key(flights: list[Row], keys: tuple[str, ...]) -> dict[tuple[Any, ...], list[Landed]]:
    """Return the flights that landed, by key, in order of knowledge time; ties by departure and id."""
    found = defaultdict(list)
    for row in flights:
        arrived, scheduled, key = row["actual_arrival"], row["scheduled_departure"], tuple(row[name] for name in keys)
        if arrived is not None and None not in key:
            known = max(arrived, scheduled) if keys else arrived
            found[key].append((known, scheduled, row["flight_id"], row["arr_delay"], row["distance"]))
    for rows in found.values():
        rows.sort()
    return found


def window(rows: list[Landed], at: datetime, hours: int) -> list[Landed]:
    start = bisect_left(rows, (at - timedelta(hours=hours),))
    return rows[start : bisect_left(rows, (at - REFRESH,))]


def expected(name: str, found: list[Landed]) -> Any:
    delays = [delay for *_, delay, _ in found if delay is not None]
    if name == "landed_1h":
        return len(delays)
    if name == "late_share_24h":
        late = [delay > 15 for *_, delay, distance in found if delay is not None and distance > 500]
        return sum(late) / len(late) if late else None
    if not delays:
        return None
    if name in ("dest_worst_6h", "tail_last"):
        return max(delays) if name == "dest_worst_6h" else delays[-1]
    return math.fsum(delays) / len(delays)


@pytest.mark.slow
def test_two_thousand_flights_equal_brute_force(connection: duckdb.DuckDBPyConnection, query: ir.FeatureQuery) -> None:
    result = rows_of(connection, "SELECT * FROM trained WHERE flight_id % 168 = 1")
    counted = connection.execute("SELECT count(*), count(DISTINCT flight_id) FROM trained").fetchone()
    assert counted == (336_776, 336_776)
    assert len(result) > 2000
    columns = "flight_id, scheduled_departure, actual_arrival, arr_delay, origin, dest, carrier, tailnum, distance"
    flights = rows_of(connection, f"SELECT {columns} FROM flights")
    own = {row["flight_id"]: row for row in flights}
    known = {name: by_key(flights, keys) for name, (keys, _) in WINDOWS.items()}
    weather = defaultdict(list)
    for row in rows_of(connection, "SELECT origin, observed_at, wind_speed FROM weather ORDER BY observed_at"):
        weather[row["origin"]].append((row["observed_at"], row["wind_speed"]))
    years = {row["tailnum"]: row["year"] for row in rows_of(connection, "FROM planes")}
    for line in result:
        flight = own[line["flight_id"]]
        at = flight["scheduled_departure"]
        assert line["__label"] == (None if flight["arr_delay"] is None else flight["arr_delay"] > 15)
        assert line["__slice_origin"] == flight["origin"]
        for name, (keys, hours) in WINDOWS.items():
            value = expected(name, window(known[name].get(tuple(flight[key] for key in keys), []), at, hours))
            same = line[name] == value or math.isclose(line[name], value, rel_tol=1e-12, abs_tol=1e-12)
            assert same, (name, flight["flight_id"], line[name], value)
        place = bisect_left(weather[flight["origin"]], at, key=lambda pair: pair[0]) - 1
        seen, wind = weather[flight["origin"]][place] if place >= 0 else (at - timedelta(days=1), None)
        assert line["wind_speed"] == (wind if seen >= at - timedelta(hours=3) else None)
        local = at.replace(tzinfo=ZoneInfo("UTC")).astimezone(ZoneInfo("America/New_York"))
        assert line["dep_hour"] == local.hour
        year = years.get(flight["tailnum"])
        assert line["plane_age"] == (None if year is None else local.year - year)


@pytest.mark.slow
def test_the_snapshot_serves_what_training_saw(connection: duckdb.DuckDBPyConnection, query: ir.FeatureQuery) -> None:
    at = rows_of(connection, "SELECT scheduled_departure AS at FROM flights WHERE flight_id = 150000")[0]["at"]
    trained = rows_of(connection, "SELECT * FROM trained WHERE __predict_at = $at ORDER BY flight_id", at=at)
    for lookup in query.lookups:
        now = at - (REFRESH if lookup.reads == ("flights",) else timedelta())
        connection.execute(f'CREATE TEMP TABLE "kept_{lookup.name}" AS {lookup.sql}', {"now": now})
    online = ", ".join(f'"{lookup.name}" AS (FROM "kept_{lookup.name}")' for lookup in query.lookups)
    sent = ", ".join(column.name for column in query.request)
    request = (
        f"SELECT row_number() OVER (ORDER BY flight_id) AS __row, {sent} FROM flights WHERE scheduled_departure = $at"
    )
    serving = f"WITH {online}, request AS ({request}) SELECT * FROM ({query.serving_sql})"
    served = rows_of(connection, serving, at=at)
    assert len(served) == len(trained) > 0
    for mine, theirs in zip(served, trained, strict=True):
        for feature in query.features:
            value, wanted = mine[feature.name], theirs[feature.name]
            assert value == wanted or math.isclose(value, wanted, rel_tol=1e-12), feature.name
