"""Golden vectors: the same for the same types, within the contract, one key each, and around the project's clock."""

from __future__ import annotations

import math
import zoneinfo
from datetime import datetime

import pytest

from mlc_compiler.ir import Column, Dataset, Lookup, Source
from mlc_compiler.sql.edges import clock_changes, edge_values, is_allowed, plain_value
from mlc_compiler.sql.plain_rows import plain_row
from mlc_compiler.sql.vectors import golden, golden_vectors

TYPES = ("string", "int64", "int32", "float64", "float32", "bool", "timestamp", "date", "decimal")
ZONES = ("UTC", "America/New_York", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo")


@pytest.mark.parametrize("type_", TYPES)
def test_every_type_has_a_null_and_edges(type_: str) -> None:
    edges = edge_values(Column("x", type_), "America/New_York")
    assert edges["null"] is None
    assert len(edges) > 2
    assert "null" not in edge_values(Column("x", type_, required=True), "UTC")


def test_the_edges_that_evaluators_part_at_are_there() -> None:
    texts = [str(v) for v in edge_values(Column("x", "string"), "UTC").values()]
    assert "" in texts
    assert any(ord(max(text, default="a")) > 0xFFFF for text in texts)
    numbers = [v for v in edge_values(Column("x", "float64"), "UTC").values() if isinstance(v, float)]
    assert any(math.isnan(v) for v in numbers)
    assert any(v == 0 and math.copysign(1, v) < 0 for v in numbers)
    assert math.inf in numbers
    assert {2**63 - 1, -(2**63)} <= {*edge_values(Column("x", "int64"), "UTC").values()}
    times = edge_values(Column("x", "timestamp"), "America/New_York")
    instants = {"2024-02-29T23:59:59Z", "2024-03-10T07:00:00Z", "2024-11-03T05:59:59Z", "2024-07-01T04:00:00Z"}
    assert instants <= {*times.values()}


def test_a_contract_bounds_the_values() -> None:
    bounded = edge_values(Column("x", "int64", minimum=1, maximum=12, required=True), "UTC")
    assert bounded == {"least allowed": 1, "most allowed": 12}
    between = edge_values(Column("x", "int64", minimum=0.5, maximum=1e30), "UTC")
    assert (between["least allowed"], between["most allowed"]) == (1, 2**63 - 1)
    assert edge_values(Column("x", "string", enum=("a", "b"), required=True), "UTC") == {"a": "a", "b": "b"}
    assert plain_value(Column("x", "float64", minimum=3.0)) == 3.0
    assert plain_value(Column("x", "int64", maximum=-3)) == -3


@pytest.mark.parametrize("zone", ZONES)
def test_the_clock_changes_where_it_says_so(zone: str) -> None:
    for name, text in clock_changes(zone).items():
        moment = datetime.fromisoformat(text).astimezone(zoneinfo.ZoneInfo(zone))
        if name.startswith("before"):
            later = datetime.fromtimestamp(moment.timestamp() + 1, zoneinfo.ZoneInfo(zone))
            assert later.utcoffset() != moment.utcoffset(), name
    assert bool(clock_changes(zone)) == (zone not in ("UTC", "Asia/Kolkata", "America/Sao_Paulo"))


REQUEST = (Column("id", "int64"), Column("at", "timestamp"), Column("shop", "string"), Column("size", "float64"))


def a_dataset(name: str, columns: tuple[Column, ...], key: tuple[str, ...], time: str | None = None) -> Dataset:
    return Dataset(name, Source("parquet", path=f"{name}.parquet"), columns, key, time)


def test_each_vector_has_a_key_of_its_own() -> None:
    for key in (("id",), ("shop",), ("at",), ("shop", "at")):
        vectors = golden_vectors(REQUEST, key, "Europe/Berlin")
        plain = [v for v in vectors if v.name.partition(":")[0] not in key]
        keys = [tuple(v.values[name] for name in key) for v in plain]
        assert len(set(keys)) == len(keys)
        assert all(v.values.keys() == {c.name for c in REQUEST} for v in vectors)


def test_the_same_types_give_the_same_vectors() -> None:
    assert repr(golden_vectors(REQUEST, ("id",), "UTC")) == repr(golden_vectors(REQUEST, ("id",), "UTC"))


def test_other_rows_are_found_by_key_and_have_one_row_a_key() -> None:
    spine = a_dataset("sales", (*REQUEST, Column("amount", "float64")), ("id",), "at")
    shops = a_dataset("shops", (Column("shop", "string"), Column("area", "int64", required=True)), ("shop",))
    lookups = (Lookup("shops", ("shop",), ("area",), "", ("shops",)), Lookup("s", ("shop",), ("n",), "", ("sales",)))
    made = golden(golden_vectors(REQUEST, ("id",), "UTC"), REQUEST, lookups, (spine, shops), "sales")
    names = [row["shop"] for row in made.tables["shops"]]
    assert len(set(names)) == len(names)
    assert {v.values["shop"] for v in made.vectors} - {None} == {*names}
    assert all(row["area"] is not None for row in made.tables["shops"])
    ids = [row["id"] for row in made.tables["sales"]]
    assert len(set(ids)) == len(ids)
    assert len(ids) > len(made.vectors)
    own = [row["id"] for row in made.tables["sales"]][: len(made.vectors)]
    assert own == [vector.values["id"] for vector in made.vectors]


# --- patterns --------------------------------------------------------------------------------------------------------
def test_texts_of_a_pattern_match_it_and_reach_beyond_ascii_where_it_does() -> None:
    codes = edge_values(Column("x", "string", pattern="[A-Z]{2,3}[0-9]?"), "UTC")
    assert codes == {"null": None, "shortest match": "AA", "longer match": "AAA0", "last characters": "ZZZ9"}
    names = edge_values(Column("x", "string", pattern=r"\pL.*", required=True), "UTC")
    assert {"\u00e9", "\u00df", "\u05e9", "\U00020000"} <= {
        character for text in names.values() for character in str(text)
    }
    assert names["decomposed accent"] == "e\u0301", "the texts of all columns are sent where they match"
    assert len(str(names["long text"])) > 2000
    assert "blank" not in names


@pytest.mark.parametrize(("pattern", "plain"), [("[A-Z]{3}", "AAA"), (".*", "a"), ("(?=a)", None), (r"a\bb", None)])
def test_the_plain_row_matches_the_pattern_or_is_null(pattern: str, plain: str | None) -> None:
    assert plain_value(Column("x", "string", pattern=pattern)) == plain
    assert plain_value(Column("x", "string", pattern=pattern, required=True)) == (plain or "a")


def test_keys_and_unique_columns_differ_within_their_pattern_and_bounds() -> None:
    request = (
        Column("code", "string", required=True, pattern="[A-Z]{2}[0-9]{3}"), Column("at", "timestamp"),
        Column("ticket", "int64", unique=True, minimum=100, maximum=900), Column("size", "float64"),
    )  # fmt: skip
    vectors = [
        v for v in golden_vectors(request, ("code",), "Europe/Berlin") if v.name.partition(":")[0] in ("at", "size")
    ]
    for name in ("code", "ticket"):
        values = [v.values[name] for v in vectors]
        assert len(set(values)) == len(values)
        assert all(is_allowed(column, v) for column in request if column.name == name for v in values)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("lower(shop) = 'de'", {"shop": "DE"}),
        ("size > 500 and not gift", {"size": 501, "gift": False}),
        ("shop in ('FR', 'IT') and size between 3 and 9", {"shop": "FR", "size": 3}),
        ("10 > size", {"size": 9}),
        ("size > 'a' or hour(at) = 3", {}),
        ("size >", {}),
    ],
)
def test_the_plain_row_passes_a_filter_that_compares_with_constants(where: str, expected: dict[str, object]) -> None:
    shop = Column("shop", "string", enum=("IT", "FR", "DE"))
    request = (shop, Column("size", "float64"), Column("gift", "bool"), Column("at", "timestamp"))
    ordinary = {column.name: plain_value(column) for column in request}
    assert plain_row(request, f"from sales; predict_at at; where {where}") == ordinary | expected
    assert plain_row(request, "from sales; predict_at at") == ordinary
