"""What a server is made of: reading requests, the row query, answers, drift, metrics, redaction."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlc_compiler import conventions
from mlc_compiler.ir import Column
from mlc_targets.local.data.relations import SQL_TYPES
from mlc_targets.local.package.bundle import PackagedFeature, PackageManifest, ScoreReference, load_package
from mlc_targets.local.serve import answer, open_inference, schema
from mlc_targets.local.serve.drift import ScoreWindow, stability_index
from mlc_targets.local.serve.features import FeatureCursor, FeatureDatabase, FeatureError, serving_statement
from mlc_targets.local.serve.logs import REDACTED, Sampler, redacted_rows
from mlc_targets.local.serve.metrics import Metrics
from mlc_targets.local.serve.request import RequestError, RequestSchema, Rows
from mlc_targets.local.serve.scoring import Scored
from mlc_targets.local.serve.snapshot import Snapshot, SnapshotError, current_identifier, open_snapshot
from serving import LOOKUP, REQUEST, a_manifest, a_package, flights, probability

ROW = {"origin": "JFK", "carrier": "UA", "distance": 500, "departure": "2013-07-01T12:00:00Z", "tail": None}


def a_schema(max_rows: int = 10) -> RequestSchema:
    return RequestSchema(REQUEST, max_rows)


def refused(body: object, reader: RequestSchema | None = None) -> RequestError:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(RequestError) as error:
        (reader or a_schema()).read_json(text)
    return error.value


def column(kind: str, **fields: Any) -> RequestSchema:
    return RequestSchema((Column("x", kind, **fields),), 10)


# --- requests --------------------------------------------------------------------------------------------------------
def test_one_object_is_one_row_and_instances_are_several() -> None:
    assert a_schema().read_json(json.dumps(ROW).encode()).count == 1
    rows = a_schema().read_json(json.dumps({"instances": [ROW, {**ROW, "carrier": "AA"}]}).encode())
    assert (rows.count, list(rows.columns["carrier"])) == (2, ["UA", "AA"])


def test_an_optional_field_may_be_left_out_or_null() -> None:
    row = {name: value for name, value in ROW.items() if name not in {"distance", "tail"}}
    assert a_schema().read_json(json.dumps(row).encode()).columns["distance"] == [None]


@pytest.mark.parametrize(
    ("change", "status", "field", "message"),
    [
        ({"carier": "UA"}, 422, "carier", "`carier` is not a field of this model; did you mean `carrier`?"),
        ({"zzz": 1}, 422, "zzz", "the fields are `origin`, `carrier`"),
        ({"distance": "far"}, 422, "distance", '`distance` is "far" (a text); an integer is wanted'),
        ({"distance": 1.5}, 422, "distance", "`distance` is 1.5 (a number); an integer is wanted"),
        ({"distance": True}, 422, "distance", "`distance` is true (a boolean); an integer is wanted"),
        ({"distance": [1]}, 422, "distance", "`distance` is a list; an integer is wanted"),
        ({"distance": -1}, 422, "distance", "`distance` is -1 (a number); the smallest allowed is 0"),
        ({"distance": 10_001}, 422, "distance", "the largest allowed is 10000"),
        ({"distance": 2**80}, 422, "distance", "does not fit into int64"),
        ({"carrier": None}, 422, "carrier", "`carrier` is null; a text is wanted"),
        ({"carrier": 7}, 422, "carrier", "`carrier` is 7 (a number); a text is wanted"),
        ({"carrier": "ua"}, 422, "carrier", '`carrier` is "ua" (a text); it must match [A-Z0-9]{2}'),
        ({"carrier": "UA\n"}, 422, "carrier", "it must match"),
        ({"origin": "XXX"}, 422, "origin", "one of EWR, JFK, LGA is wanted"),
        ({"departure": "yesterday"}, 422, "departure", "an ISO 8601 timestamp such as 2026-01-31T12:00:00Z is wanted"),
        ({"departure": "2013-07-01"}, 422, "departure", "an ISO 8601 timestamp"),
        ({"departure": 1372680000}, 422, "departure", "an ISO 8601 timestamp"),
        ({"departure": "9999-12-31T23:59:59-23:59"}, 422, "departure", "an ISO 8601 timestamp"),
    ],
)
def test_a_wrong_field_is_named_with_what_came_and_what_is_wanted(
    change: Mapping[str, object], status: int, field: str, message: str
) -> None:
    error = refused({**ROW, **change})
    assert error.status == status
    assert error.faults[0].field == field
    assert message in error.message


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 400, "not valid JSON"),
        (b"{", 400, "not valid JSON"),
        (b'{"distance": NaN}', 400, "not valid JSON"),
        (b'{"distance": Infinity}', 400, "not valid JSON"),
        (b"\xff\xfe", 400, "not valid JSON"),
        (b'{"carrier": "\\ud800"}', 400, "not valid JSON"),
        (b"[" * 100_000, 400, "not valid JSON"),
        (b"[1]", 422, "the body is a list"),
        (b"3", 422, "the body is 3 (a number)"),
        (b'{"instances": {}}', 422, "`instances` is an object; a list of objects is wanted"),
        (b'{"instances": []}', 422, "no rows"),
        (b'{"instances": [3]}', 422, "row 0 is 3 (a number)"),
        (b'{"instances": [{}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}]}', 413, "11 rows; at most 10"),
        (b"{}", 422, "`origin` is missing; a text is wanted"),
    ],
)
def test_a_body_that_is_no_request_says_why(body: bytes, status: int, message: str) -> None:
    error = refused(body)
    assert error.status == status
    assert message in error.message


def test_all_faults_of_a_request_come_at_once_and_name_their_row() -> None:
    error = refused({"instances": [ROW, {"origin": "JFK", "carrier": 1, "departure": "x"}]})
    assert [(fault.row, fault.field) for fault in error.faults] == [(1, "carrier"), (1, "departure")]
    assert error.message.startswith("row 1: `carrier`")


def test_faults_are_bounded_and_long_values_are_cut() -> None:
    error = refused({f"field_{i}": 1 for i in range(1000)} | {"x" * 100_000: 1})
    assert len(error.faults) == 20
    assert len(refused({**ROW, "origin": "x" * 100_000}).message) < 300
    assert len(refused({**ROW, "y" * 100_000: 1}).message) < 300


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        ("int64", 3.0, 3),
        ("int64", -(2**63), -(2**63)),
        ("float64", 3, 3.0),
        ("bool", False, False),
        ("string", "ünï\u0000 😀", "ünï\u0000 😀"),
        ("date", "2013-02-28", "2013-02-28"),
        ("decimal", "1.10", "1.10"),
        ("timestamp", "2013-07-01T14:00:00+02:00", "2013-07-01 12:00:00"),
        ("timestamp", "2013-07-01 12:00:00", "2013-07-01 12:00:00"),
    ],
)
def test_values_of_every_type_are_read(kind: str, value: object, read: object) -> None:
    found = column(kind).read_rows([{"x": value}]).columns["x"][0]
    assert found == read or str(found) == read


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int32", 2**31),
        ("int64", 2**63),
        ("float32", 1e39),
        ("float64", "1"),
        ("bool", 1),
        ("bool", "true"),
        ("date", "2013-02-30"),
        ("date", "2013-02-28T00:00:00"),
        ("decimal", "NaN"),
        ("decimal", "1e400"),
        ("decimal", True),
        ("decimal", "x"),
    ],
)
def test_values_that_do_not_fit_their_type_are_refused(kind: str, value: object) -> None:
    with pytest.raises(RequestError, match="`x` is"):
        column(kind).read_rows([{"x": value}])


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # other work on the machine must not decide
@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.floats() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)).map(
        lambda value: json.dumps(value).encode()
    )
)
def test_no_body_makes_anything_but_rows_or_a_refusal(body: bytes) -> None:
    try:
        rows = a_schema().read_json(body)
    except RequestError as error:
        refused_as = (error.status, error.message)
    else:
        refused_as = (422, str(rows.count))
    assert refused_as[0] in {400, 413, 422}
    assert refused_as[1] not in {"", "0"}


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # other work on the machine must not decide
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "x": st.none()
                | st.integers()
                | st.floats(allow_nan=False, allow_infinity=False)
                | st.text()
                | st.booleans()
            }
        ),
        min_size=1,
        max_size=3,
    )
)
def test_the_published_schema_accepts_what_the_server_accepts(rows: list[dict[str, object]]) -> None:
    columns = (Column("x", "int64", minimum=-5, maximum=2**40),)
    manifest = a_manifest(request=columns)
    validator = jsonschema.Draft202012Validator(schema.request_schema(manifest, 10))
    body = {"instances": rows}
    try:
        RequestSchema(columns, 10).read_json(json.dumps(body).encode())
        accepted = True
    except RequestError:
        accepted = False
    assert validator.is_valid(body) == accepted


def test_the_schemas_are_schemas() -> None:
    jsonschema.Draft202012Validator.check_schema(schema.request_schema(a_manifest(), 10))
    document = schema.openapi(a_manifest(), 10)
    assert document["openapi"] == "3.1.0"
    assert json.loads(json.dumps(document)) == document


# --- open inference --------------------------------------------------------------------------------------------------
def tensor(name: str, datatype: str, data: list[object], shape: object = None) -> dict[str, object]:
    return {"name": name, "datatype": datatype, "shape": shape or [len(data), 1], "data": data}


TENSORS = [
    tensor("origin", "BYTES", ["JFK", "EWR"]),
    tensor("carrier", "BYTES", ["UA", "AA"]),
    tensor("departure", "BYTES", ["2013-07-01T12:00:00Z", "2013-07-01T13:00:00Z"]),
]


def test_tensors_of_the_request_columns_are_rows() -> None:
    body = json.dumps({"inputs": [*TENSORS, tensor("distance", "INT32", [[1], [None]])]}).encode()
    rows, _ = open_inference.read_infer(a_schema(), body)
    assert rows.count == 2
    assert rows.columns["distance"] == [1, None]
    assert rows.columns["tail"] == [None, None]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (None, "`inputs` is null; a list of tensors is wanted"),
        ([], "a list of tensors"),
        ([3], "an input is not an object with a `name`"),
        ([tensor("carier", "BYTES", ["x"])], "did you mean `carrier`?"),
        ([tensor("carrier", "FP32", ["x"])], 'input `carrier` has datatype "FP32" (a text); BYTES is wanted'),
        ([tensor("distance", "BOOL", [True])], "INT64 is wanted"),
        ([tensor("carrier", "BYTES", ["x"], [2, 1])], "`shape` of input `carrier` is [2, 1], but `data` holds 1 rows"),
        ([tensor("carrier", "BYTES", ["x"], [1, 1, 1])], "`shape` of input `carrier` is not [1, 1]"),
        ([tensor("carrier", "BYTES", ["x"], ["1"])], "is not [1, 1]"),
        ([tensor("carrier", "BYTES", [["x", "y"]])], "nested"),
        ([{"name": "carrier", "datatype": "BYTES", "shape": [1]}], "has no `data`"),
        ([tensor("carrier", "BYTES", ["x"]), tensor("carrier", "BYTES", ["x"])], "given twice"),
        ([TENSORS[0], tensor("carrier", "BYTES", ["UA"])], "different numbers of rows: `origin` 2, `carrier` 1"),
        ([TENSORS[0]], "`carrier` is missing"),
        ([*TENSORS, tensor("distance", "INT64", [1, "x"])], 'row 1: `distance` is "x" (a text)'),
    ],
)
def test_a_wrong_tensor_is_named(inputs: object, message: str) -> None:
    with pytest.raises(RequestError) as error:
        open_inference.read_infer(a_schema(), json.dumps({"inputs": inputs}).encode())
    assert 400 <= error.value.status < 500
    assert message in error.value.message


def test_the_outputs_of_an_inference_have_the_shapes_of_the_metadata() -> None:
    manifest = a_manifest()
    decided = answer.decide(manifest, np.array([0.2, 0.4, 0.9]))
    body = open_inference.infer_body(manifest, decided, {"id": "7"})
    assert body["outputs"] == [
        {"name": "probability", "datatype": "FP64", "shape": [3, 1], "data": [0.2, 0.4, 0.9]},
        {"name": "label", "datatype": "BOOL", "shape": [3, 1], "data": [False, True, True]},
    ]
    assert (body["id"], body["parameters"]) == ("7", {"threshold": 0.4})
    only = open_inference.infer_body(manifest, decided, {"outputs": [{"name": "label"}]})
    assert [output["name"] for output in only["outputs"]] == ["label"]  # type: ignore[attr-defined]  # a JSON list
    with pytest.raises(RequestError, match="there are probability, label"):
        open_inference.infer_body(manifest, decided, {"outputs": [{"name": "score"}]})


# --- answers ---------------------------------------------------------------------------------------------------------
def test_a_binary_label_is_decided_at_the_threshold_and_without_one_at_a_half() -> None:
    assert answer.decide(a_manifest(), np.array([0.39, 0.4])).labels == (False, True)
    assert answer.decide(a_manifest(threshold=None), np.array([0.4, 0.5])).labels == (False, True)
    texts = a_manifest(classes=("late", "fine"), positive_class="late")
    assert answer.decide(texts, np.array([0.1, 0.9])).labels == ("fine", "late")


def test_a_multiclass_answer_has_every_probability_and_the_likeliest_label() -> None:
    manifest = a_manifest(task="multiclass_classification", classes=(1, 2, 3), positive_class=None, threshold=None)
    decided = answer.decide(manifest, np.array([[0.2, 0.7, 0.1]]))
    assert answer.predictions(manifest, decided) == [{"probabilities": {"1": 0.2, "2": 0.7, "3": 0.1}, "label": 2}]
    assert decided.live.tolist() == [0.7]
    outputs = open_inference.infer_body(manifest, decided, {})["outputs"]
    assert outputs[0]["shape"] == [1, 3]  # type: ignore[index]  # a JSON list
    assert outputs[1]["datatype"] == "INT64"  # type: ignore[index]


def test_a_regression_answers_with_its_value() -> None:
    manifest = a_manifest(task="regression", classes=(), positive_class=None, threshold=None)
    assert answer.predictions(manifest, answer.decide(manifest, np.array([1.5]))) == [{"prediction": 1.5}]


# --- the row query ---------------------------------------------------------------------------------------------------
def rows_of(*changes: Mapping[str, object]) -> Rows:
    return a_schema(1000).read_rows([{**ROW, **change} for change in changes])


def snapshot_of(folder: Path, manifest: PackageManifest) -> Snapshot:
    from mlc_targets.local.online import write_snapshot

    moment = dt.datetime(2013, 6, 1, tzinfo=dt.UTC)
    root = flights(folder, [
        (1, moment, "JFK", "UA", 1, dt.datetime(2013, 6, 1, 2, tzinfo=dt.UTC), 10.0),
        (2, moment, "JFK", "UA", 1, dt.datetime(2013, 6, 1, 3, tzinfo=dt.UTC), 30.0),
        (3, moment, "JFK", "AA", 1, dt.datetime(2013, 6, 1, 3, tzinfo=dt.UTC), 4.0),
    ])  # fmt: skip
    write_snapshot(manifest.lookups, manifest.datasets, root, folder / "online", dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    found = open_snapshot(folder / "online", manifest.lookups)
    assert found is not None
    return found


@pytest.mark.parametrize("count", [1, 2, 65])
def test_the_query_computes_each_row_in_its_order(count: int) -> None:
    database = FeatureDatabase(a_manifest(), None, 1)
    changes = [{"distance": i, "departure": f"2013-07-01T{i % 24:02}:00:00Z"} for i in range(count)]
    found = database.cursors[0].compute(rows_of(*changes))
    assert found.columns["distance"].tolist() == list(range(count))
    assert found.columns["hour"].tolist() == [(i % 24 - 4) % 24 for i in range(count)]
    assert found.misses == {}


def test_lookups_come_from_the_snapshot_and_misses_are_told(tmp_path: Path) -> None:
    manifest = a_manifest(lookups=(LOOKUP,))
    database = FeatureDatabase(manifest, snapshot_of(tmp_path, manifest), 1)
    found = database.cursors[0].compute(rows_of({}, {"carrier": "ZZ"}, {"carrier": "AA"}))
    assert np.ma.filled(found.columns["carrier_delay"], -1.0).tolist() == [20.0, -1.0, 4.0]
    assert found.misses["delays"].tolist() == [False, True, False]


def looked_up(folder: Path, table: Any, keys: tuple[str, ...], *rows: Mapping[str, object]) -> list[float]:
    """Return what the rows find in a lookup `x`: one at a time or all at once, by key or joined as a table."""
    pq.write_table(table, folder / "x.parquet")
    condition = " AND ".join(f"x.{key} = r.{key}" for key in keys) or "TRUE"
    join = f"(SELECT *, TRUE AS hit FROM x) AS x ON {condition}"
    items = (
        "carrier, distance, 1 AS hour, coalesce({0}, -1) AS carrier_delay, {1} IS NULL AS __miss_x FROM request AS r"
    )
    lookup = replace(LOOKUP, name="x", keys=keys, columns=("value",))
    manifest = a_manifest(
        lookups=(lookup,),
        serving_sql="SELECT r." + items.format("x.value", "x.hit") + f" LEFT JOIN {join} ORDER BY r.__row",
        row_sql="SELECT " + items.format('"x:value"', '"x:__hit"') + " ORDER BY __row",
    )
    manifest = replace(manifest, serving_sql=manifest.serving_sql.replace(" distance", " r.distance"))
    snapshot = Snapshot("1", (("x", folder / "x.parquet"),), 0.0)
    found = []
    for case in (manifest, replace(manifest, row_sql="")):
        cursor = FeatureDatabase(case, snapshot, 1).cursors[0]
        found.append([values_of(cursor, [row])[0] for row in rows])
        found.append(values_of(cursor, rows))
    assert all(other == found[0] for other in found)
    return found[0]


def values_of(cursor: FeatureCursor, rows: Sequence[Mapping[str, object]]) -> list[float]:
    computed = cursor.compute(rows_of(*rows))
    values: list[float] = np.ma.getdata(computed.columns["carrier_delay"]).tolist()
    assert computed.misses["x"].tolist() == [value == -1 for value in values]
    return values


def test_keys_of_every_kind_find_their_row(tmp_path: Path) -> None:
    texts = pa.table({"carrier": ["UA", None, "AA"], "value": [1.0, 2.0, 3.0]})
    assert looked_up(tmp_path, texts, ("carrier",), {}, {"carrier": "ZZ"}, {"carrier": "AA"}, {}) == [1, -1, 3, 1]
    pairs = pa.table({"carrier": ["UA", "UA", "UA"], "origin": ["JFK", "EWR", None], "value": [1.0, 2.0, 3.0]})
    assert looked_up(tmp_path, pairs, ("carrier", "origin"), {}, {"origin": "EWR"}, {"origin": "LGA"}) == [1, 2, -1]
    narrow = pa.table({"distance": pa.array([500, None], pa.int16()), "value": [1.0, 2.0]})
    assert looked_up(tmp_path, narrow, ("distance",), {}, {"distance": None}, {"distance": 7}) == [1, -1, -1]
    moments = pa.table({"departure": pa.array([dt.datetime(2013, 7, 1, 12)], pa.timestamp("us")), "value": [1.0]})  # noqa: DTZ001
    assert looked_up(tmp_path, moments, ("departure",), {}, {"departure": "2013-07-01T12:00:01Z"}) == [1, -1]


def test_keys_compare_as_in_sql_and_no_keys_are_one_row_for_all(tmp_path: Path) -> None:
    floats = pa.table({"distance": [500.0, 7.0], "value": [1.0, 2.0]})
    assert looked_up(tmp_path, floats, ("distance",), {}, {"distance": 7}, {"distance": 8}) == [1, 2, -1]
    everywhere = pa.table({"value": [4.0]})
    assert looked_up(tmp_path, everywhere, (), {}, {"distance": 7}) == [4, 4]
    nowhere = pa.table({"value": pa.array([], pa.float64())})
    assert looked_up(tmp_path, nowhere, (), {}, {"distance": 7}) == [-1, -1]


def test_exact_numbers_of_a_lookup_stay_exact(tmp_path: Path) -> None:
    table = pa.table({"carrier": ["UA"], "value": pa.array([Decimal(2**53 + 1)], pa.decimal128(38, 0))})
    pq.write_table(table, tmp_path / "x.parquet")
    lookup = replace(LOOKUP, name="x", keys=("carrier",), columns=("value",))
    sql = (
        "SELECT carrier, distance, 1 AS hour, FALSE AS __miss_x, "
        'CAST("x:value" - 9007199254740992 AS DOUBLE) AS carrier_delay FROM request'
    )
    manifest = a_manifest(lookups=(lookup,), row_sql=sql)
    cursor = FeatureDatabase(manifest, Snapshot("1", (("x", tmp_path / "x.parquet"),), 0.0), 1).cursors[0]
    assert cursor.compute(rows_of({})).columns["carrier_delay"].tolist() == [1.0]
    assert cursor.compute(rows_of({}, {})).columns["carrier_delay"].tolist() == [1.0, 1.0]


def test_the_database_reaches_nothing_outside(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    database = FeatureDatabase(a_manifest(), None, 1)
    cursor = database.cursors[0]
    for connection in (cursor._connection, FeatureDatabase(a_manifest(), None, 2).cursors[1]._connection):
        for sql in (
            f"FROM read_csv('{secret}')",
            "FROM secret",
            "SET enable_external_access = true",
            f"COPY (SELECT 1) TO '{tmp_path}/x'",
        ):
            with pytest.raises(Exception, match=r"(?i)permission|disabled|locked|does not exist"):
                connection.execute(sql).fetchall()


def test_a_query_that_fails_on_a_value_is_the_requests_fault() -> None:
    manifest = a_manifest(
        serving_sql="SELECT carrier, CAST(tail AS INTEGER) AS distance, 1 AS hour, 1 AS carrier_delay FROM request"
    )
    cursor = FeatureDatabase(manifest, None, 1).cursors[0]
    with pytest.raises(FeatureError, match="Could not convert"):
        cursor.compute(rows_of({"tail": "x"}))
    assert cursor.compute(rows_of({"tail": "3"})).columns["distance"].tolist() == [3]


def test_a_query_that_starts_with_its_own_tables_keeps_them() -> None:
    columns = (("x", "BIGINT"), ("delays:y", "DOUBLE"))
    assert serving_statement("with a AS (SELECT 1) FROM a", columns, one_row=True) == (
        'WITH request AS (SELECT CAST(0 AS BIGINT) AS __row, CAST($1 AS BIGINT) AS "x", '
        'CAST($2 AS DOUBLE) AS "delays:y"), a AS (SELECT 1) FROM a'
    )
    assert "unnest(CAST($3 AS DOUBLE[]))" in serving_statement("FROM a", columns, one_row=False)


@pytest.fixture(scope="module")
def echo() -> FeatureCursor:
    columns = tuple(Column(kind, kind) for kind in SQL_TYPES)
    names = ", ".join(f'"{kind}"' for kind in SQL_TYPES)
    features = tuple(PackagedFeature(kind, "text", kind) for kind in SQL_TYPES)
    manifest = a_manifest(request=columns, features=features, serving_sql=f"SELECT {names} FROM request ORDER BY __row")
    return FeatureDatabase(manifest, None, 1).cursors[0]


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "string": st.text()
    | st.sampled_from(["'", "''", "\\", "\0", "a\0'b", "'); DROP TABLE x; --", "$1", "\n\r", "\u202e"]),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "int32": st.integers(-(2**31), 2**31 - 1),
    "float64": st.floats(),
    "float32": st.floats(width=32),
    "bool": st.booleans(),
    "timestamp": st.datetimes(),
    "date": st.dates(),
    "decimal": st.decimals(-(10**20), 10**20, places=10),
}


# other work on the machine must not decide
@given(
    st.lists(
        st.fixed_dictionaries({kind: st.none() | values for kind, values in VALUES.items()}), min_size=2, max_size=2
    )
)
def test_every_value_reaches_the_query_unchanged(echo: FeatureCursor, rows: list[dict[str, object]]) -> None:
    assert set(VALUES) == set(SQL_TYPES)
    one = echo.compute(Rows(1, {kind: [rows[0][kind]] for kind in VALUES}))
    many = echo.compute(Rows(2, {kind: [row[kind] for row in rows] for kind in VALUES}))
    for kind in VALUES:
        alone, together = one.columns[kind].tolist()[0], many.columns[kind].tolist()
        assert same(alone, together[0])
        assert all(same(found, sent[kind]) for found, sent in zip(together, rows, strict=True) if kind != "decimal")


def same(one: object, other: object) -> bool:
    """Return whether two values are the same, NaN included; dates come back as midnights."""
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return one == other or str(one)[:10] == str(other)


def test_a_snapshot_with_other_columns_is_refused_before_it_is_used(tmp_path: Path) -> None:
    manifest = a_manifest(lookups=(LOOKUP,))
    pq.write_table(pa.table({"carrier": ["UA"]}), tmp_path / "x.parquet")
    with pytest.raises(SnapshotError, match="carrier_delay"):
        FeatureDatabase(manifest, Snapshot("1", (("delays", tmp_path / "x.parquet"),), 0.0), 1)
    (tmp_path / "y.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(SnapshotError, match="lookup delays cannot be read"):
        FeatureDatabase(manifest, Snapshot("1", (("delays", tmp_path / "y.parquet"),), 0.0), 1)


@pytest.mark.parametrize("text", ["../etc", "a/b", "", ".", "a b"])
def test_a_pointer_that_names_no_snapshot_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "current").write_text(text)
    with pytest.raises(SnapshotError):
        current_identifier(tmp_path)


def test_without_a_pointer_there_is_no_snapshot(tmp_path: Path) -> None:
    assert open_snapshot(tmp_path, (LOOKUP,)) is None
    (tmp_path / "current").write_text("20130101T000000Z-0123456789ab\n")
    with pytest.raises(SnapshotError, match="lacks delays"):
        open_snapshot(tmp_path, (LOOKUP,))


def test_the_server_scores_as_training_would(tmp_path: Path) -> None:
    package = load_package(a_package(tmp_path / "p"))
    found = FeatureDatabase(package.manifest, None, 1).cursors[0].compute(rows_of({}, {"distance": None}))
    assert package.predict(found.columns) == pytest.approx(
        [probability("UA", 500, 8), probability("UA", 0, 8)], abs=1e-6
    )


# --- drift, metrics, logs --------------------------------------------------------------------------------------------
def test_the_index_is_zero_for_the_same_shares_and_follows_its_formula() -> None:
    counts = np.array([40.0, 30.0, 20.0, 10.0])
    assert stability_index(counts, counts) == 0
    p, q = (counts + 0.5) / 102, (counts[::-1] + 0.5) / 102
    assert stability_index(counts, counts[::-1]) == pytest.approx(sum((q - p) * np.log(q / p)))


def test_the_window_keeps_the_latest_scores_and_says_nothing_below_a_hundred() -> None:
    window = ScoreWindow(ScoreReference((0.0, 0.5, 1.0), (500, 500)), 200)
    window.add(np.full(99, 0.9))
    assert math.isnan(window.value())
    window.add(np.full(1, 0.9))
    assert window.value() > 0.25
    window.add(np.tile([0.1, 0.9], 100))
    assert window.value() == pytest.approx(0, abs=1e-9)


def test_scores_beyond_the_edges_fall_into_the_outer_bins() -> None:
    window = ScoreWindow(ScoreReference((0.0, 0.5, 1.0), (1, 1)), 200)
    window.add(np.array([-5.0, 0.5, 7.0]))
    assert window._counts.tolist() == [1, 2]


def test_without_a_reference_there_is_no_drift() -> None:
    window = ScoreWindow(ScoreReference(), 200)
    window.add(np.zeros(150))
    assert math.isnan(window.value())


def test_the_metrics_carry_the_names_and_labels_of_the_conventions() -> None:
    manifest = a_manifest(lookups=(LOOKUP,))
    metrics = Metrics(manifest, ScoreWindow(manifest.reference, 10), lambda: None)
    metrics.answered("json", 200, 0.01)
    metrics.scored(Scored(answer.decide(manifest, np.array([0.9])), {"delays": 1}))
    identity = 'model="late-arrival",version="1a2b3c4d5e6f"'
    text = metrics.text().decode()
    for line in (
        f'{conventions.METRIC_REQUESTS}{{code="200",{identity[:20]},protocol="json",{identity[21:]}}} 1.0',
        f"{conventions.METRIC_LATENCY}_count{{{identity}}} 1.0",
        f"{conventions.METRIC_PREDICTION}_sum{{{identity}}} 0.9",
        f'{conventions.METRIC_PREDICTED_CLASS}{{class="true",{identity}}} 1.0',
        f'{conventions.METRIC_PREDICTED_CLASS}{{class="false",{identity}}} 0.0',
        f'{conventions.METRIC_LOOKUP_MISSES}{{lookup="delays",{identity}}} 1.0',
        f"{conventions.METRIC_ONLINE_AGE}{{{identity}}} NaN",
        f"{conventions.METRIC_PREDICTION_DRIFT}{{{identity}}} NaN",
        f'{conventions.METRIC_MODEL_INFO}{{{identity[:20]},task="binary_classification",{identity[21:]}}} 1.0',
        f"{conventions.METRIC_IN_FLIGHT}{{{identity}}} 0.0",
    ):
        assert line in text
    assert "_created" not in text


@pytest.mark.parametrize("protocol", ["json", "v2"])
@pytest.mark.parametrize("code", ["200", "422", "500", "503"])
def test_a_request_counter_is_there_before_its_first_request(code: str, protocol: str) -> None:
    manifest = a_manifest()
    metrics = Metrics(manifest, ScoreWindow(manifest.reference, 10), lambda: None)
    labels = {"model": "late-arrival", "version": "1a2b3c4d5e6f", "code": code, "protocol": protocol}
    assert metrics.registry.get_sample_value(conventions.METRIC_REQUESTS, labels) == 0


def test_values_above_the_limit_are_never_logged() -> None:
    columns = tuple(
        Column(kind, "string", classification=kind) for kind in (*conventions.CLASSIFICATIONS, "unheard-of")
    )
    rows = Rows(1, {c.name: ["secret"] for c in columns})
    for limit, shown in (("internal", 2), ("confidential", 3), ("special", 6)):
        (row,) = redacted_rows(columns, rows, limit)
        assert list(row.values()) == ["secret"] * shown + [REDACTED] * (7 - shown)


@pytest.mark.parametrize(("rate", "taken"), [(0.0, 0), (0.25, 25), (1.0, 100)])
def test_the_sampler_takes_its_share(rate: float, taken: int) -> None:
    sampler = Sampler(rate)
    assert sum(sampler.take() for _ in range(100)) == taken


def test_serving_imports_no_training_library() -> None:
    import subprocess
    import sys

    from serving import environment

    heavy = {"sklearn", "skl2onnx", "onnx", "matplotlib", "scipy", "pandas", "skops", "pydantic", "jinja2"}
    modules = "mlc_targets.local.serve.process, mlc_targets.local.serve.__main__, mlc_targets.local.online"
    program = f"import sys, {modules}; print(sorted({heavy} & sys.modules.keys()))"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
