"""Feature tests of the specs: given rows, the compiled query, and what differs in words."""

from __future__ import annotations

from typing import Any

import pytest

from mlc_compiler.ir import Column, Dataset, FeatureTest, Source
from mlc_targets.local.feature_tests import run_tests
from serving import FLIGHTS

BUSY = Dataset(
    name="busy",
    source=Source("query", query="SELECT origin, count(*) AS flights FROM flights GROUP BY origin", reads=("flights",)),
    columns=(Column("origin", "string"), Column("flights", "int64")),
)
SQL = """
SELECT f.flight_id, f.departure AS __predict_at, f.carrier, f.departure AS moment, f.delay / 3 AS third,
       f.delay > 10 AS late, busy.flights
FROM flights AS f LEFT JOIN busy USING (origin)
"""


def outcome(given: Any, expect: Any, sql: str = SQL, **fields: Any) -> str | None:
    test = FeatureTest(
        view="departures",
        name="a test",
        given=tuple((name, tuple(tuple(row.items()) for row in rows)) for name, rows in given.items()),
        expect=tuple(tuple(row.items()) for row in expect),
        tolerance=fields.pop("tolerance", 1e-9),
        sql=sql,
        primary_key=fields.pop("primary_key", ("flight_id",)),
        datasets=(FLIGHTS, BUSY),
    )
    ((same, reason),) = run_tests([test], "America/New_York")
    assert same is test
    return reason


ROW = {"flight_id": 1, "departure": "2013-06-01T12:00:00Z", "origin": "JFK", "delay": 10}


@pytest.mark.parametrize(
    "expected",
    [
        {"third": 3.3333333333333335, "late": False, "flights": 1, "carrier": None},
        {"moment": "2013-06-01T12:00:00Z"},
        {"moment": "2013-06-01T08:00:00-04:00"},
        {"moment": "2013-06-01 12:00:00"},
        {"third": 3.3333333333},
        {},
    ],
)
def test_what_is_as_expected_holds(expected: dict[str, object]) -> None:
    assert outcome({"flights": [ROW]}, [{"flight_id": 1, **expected}]) is None


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ({"flight_id": 1, "third": 3.3}, "flight_id 1: third is 3.3333333333333335, expected 3.3"),
        ({"flight_id": 1, "third": None}, "flight_id 1: third is 3.3333333333333335, expected null"),
        ({"flight_id": 1, "carrier": "UA"}, "flight_id 1: carrier is null, expected 'UA'"),
        ({"flight_id": 1, "late": True}, "flight_id 1: late is false, expected true"),
        ({"flight_id": 1, "late": 0}, "flight_id 1: late is false, expected 0"),
        ({"flight_id": 1, "flights": "1"}, None),
        ({"flight_id": 1, "thirds": 1}, "flight_id 1: there is no feature `thirds`; did you mean `third`?"),
        ({"flight_id": 2, "third": 1}, "flight_id 2: the features have no such row"),
        ({"third": 1}, "row 1 of `expect` has no flight_id, so it names no row"),
        (
            {"flight_id": 1, "moment": "2013-06-01T12:00:00-04:00"},
            "moment is 2013-06-01T12:00:00, expected '2013-06-01T12:00:00-04:00'",
        ),
    ],
)
def test_what_differs_is_told(expected: dict[str, object], words: str | None) -> None:
    found = outcome({"flights": [ROW]}, [expected])
    assert found is None if words is None else words in str(found)


def test_all_differences_are_told_at_once() -> None:
    found = outcome({"flights": [ROW]}, [{"flight_id": 1, "third": 0, "flights": 9}])
    assert found == "flight_id 1: third is 3.3333333333333335, expected 0; flight_id 1: flights is 1, expected 9"


def test_the_tolerance_is_the_tests_own() -> None:
    assert outcome({"flights": [ROW]}, [{"flight_id": 1, "third": 3.3}], tolerance=0.05) is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"flight": []}, "`given` has rows of `flight`, which the features do not read; did you mean `flights`?"),
        (
            {"flights": [{"flight_idd": 1}]},
            "row 1 given of `flights`: there is no column `flight_idd`; did you mean `flight_id`?",
        ),
        ({"flights": [{"departure": "soon"}]}, "row 1 given of `flights`: `departure` is 'soon', not timestamp"),
        ({"flights": [{}, {"distance": "far"}]}, "row 2 given of `flights`: `distance` is 'far', not int64"),
    ],
)
def test_rows_that_cannot_be_given_say_why(given: dict[str, Any], words: str) -> None:
    assert outcome(given, [{"flight_id": 1}]) == words


def test_rows_may_be_given_to_a_dataset_that_is_a_query() -> None:
    given = {"flights": [ROW], "busy": [{"origin": "JFK", "flights": 7}]}
    assert outcome(given, [{"flight_id": 1, "flights": 7}]) is None


def test_a_key_may_be_several_columns_and_a_timestamp() -> None:
    expect = [{"flight_id": 1, "__predict_at": "2013-06-01T12:00:00Z", "flights": 1}]
    assert outcome({"flights": [ROW]}, expect, primary_key=("flight_id", "__predict_at")) is None


def test_a_query_that_fails_on_the_given_rows_is_told() -> None:
    assert "fails on the given rows: Conversion Error" in str(
        outcome({"flights": [ROW]}, [{"flight_id": 1}], "SELECT flight_id, CAST(origin AS INT) AS x FROM flights")
    )


def test_a_test_reads_no_file(tmp_path: Any) -> None:
    (tmp_path / "x.csv").write_text("flight_id\n1\n")
    found = outcome({"flights": []}, [{"flight_id": 1}], f"SELECT * FROM read_csv('{tmp_path}/x.csv')")
    assert "fails on the given rows" in str(found)
