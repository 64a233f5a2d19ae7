"""Golden vectors through training and serving: equal where they should be, and told where they are not."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from mlc_compiler.backend.target import ExecutionError
from mlc_compiler.ir import Column, Dataset, ParityTest, Source
from mlc_compiler.sql.definitions import AggregateDefinition, FeatureDefinition, JoinDefinition, ViewDefinition
from mlc_compiler.sql.features import compile_view
from mlc_targets.local.golden import compare_view
from specs_on_disk import a_project_on_disk, mlc

SHOPS = Dataset(
    "shops", Source("parquet", path="shops.parquet"),
    (Column("shop", "string"), Column("area", "int64"), Column("opened", "date")), ("shop",),
)  # fmt: skip
SALES = Dataset(
    "sales", Source("parquet", path="sales.parquet"),
    (
        Column("id", "int64"), Column("at", "timestamp"), Column("shop", "string"), Column("items", "int64"),
        Column("weight", "float64"), Column("price", "float32"), Column("gift", "bool"), Column("due", "date"),
        Column("paid", "float64"),
    ),
    ("id",), "at",
)  # fmt: skip
REQUEST = ("id", "at", "shop", "items", "weight", "price", "gift", "due")


def a_test(*features: FeatureDefinition, zone: str = "America/New_York") -> ParityTest:
    view = ViewDefinition(
        name="sold", spine=SALES, predict_at="at", request=REQUEST, features=features,
        joins=(JoinDefinition("shops", SHOPS, ("shop",), static=True),), timezone=zone, refresh=900.0,
    )  # fmt: skip
    compiled = compile_view(view)
    assert compiled.query is not None, compiled.problems
    return ParityTest("sold", compiled.query, (SALES, SHOPS), zone)


def of(*expressions: str) -> tuple[FeatureDefinition, ...]:
    return tuple(FeatureDefinition(f"f{number}", text) for number, text in enumerate(expressions))


AGGREGATES = tuple(
    FeatureDefinition(f"a{number}", aggregate=AggregateDefinition(text, SALES, ("shop",), 86_400.0))
    for number, text in enumerate(("avg(paid)", "sum(items)", "count(*)", "min(price)", "max(weight)"))
)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Australia/Lord_Howe"])
def test_training_and_serving_agree_on_every_type(zone: str) -> None:
    features = of(
        "hour(at)", "dayofweek(at)", "start_of('week', at)", "week(at)", "length(shop)", "upper(shop)", "items * 3",
        "items * 3 + 1", "weight / items", "price", "if(gift, 1, 0)", "due",
        "minutes_between(start_of('day', at), at)", "shops.area", "round(weight, 2)",
        "concat(shop, '!')", "shop", "hash_bucket(shop, 16)", "-items", "abs(items)",
    )  # fmt: skip
    result = compare_view(a_test(*features, *AGGREGATES, zone=zone))
    assert result.findings == ()
    assert len(result.vectors) > 40
    assert "golden vectors mean the same" in result.summary


def test_values_that_no_request_may_have_are_counted_as_refused() -> None:
    result = compare_view(a_test(*of("weight", "price")))
    assert "the server refuses 4" in result.summary  # infinity and not a number, of either width


@pytest.mark.parametrize(
    ("expression", "old", "new", "told"),
    [
        ("hour(at)", "America/New_York", "Europe/Berlin", "8.0 in training and 14.0 when served"),
        ("upper(shop)", "upper(", "lower(", '"A" in training and "a" when served'),
        ("coalesce(items, 7)", "7", "8", "7.0 in training and 8.0 when served"),
        ("concat(shop, '!')", "concat(", "concat_ws('', 'x', ", '"a!" in training and "xa!" when served'),
    ],
)
def test_a_feature_that_is_served_otherwise_is_told_with_both_values(
    expression: str, old: str, new: str, told: str
) -> None:
    test = a_test(*of(expression, "items"))
    assert old in test.query.row_sql
    query = replace(test.query, row_sql=test.query.row_sql.replace(old, new))
    (finding,) = compare_view(replace(test, query=query)).findings
    assert finding.code == "MLC360"
    assert told in finding.message
    assert '"shop":' in finding.note
    assert finding.related[0].text


def test_an_overflow_in_what_two_features_share_is_a_null_in_each() -> None:
    result = compare_view(a_test(*of("items * 6", "items * 6 + 1", "weight / nullif(items * 6, 0)")))
    assert result.findings == ()


def test_a_query_that_fails_is_a_finding() -> None:
    test = a_test(*of("items"))
    query = replace(test.query, batch_sql="SELECT nothing FROM sales")
    with pytest.raises(ExecutionError) as caught:
        compare_view(replace(test, query=query))
    assert caught.value.finding.code == "MLC361"


def test_the_command_writes_the_vectors_and_tells_what_was_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = a_project_on_disk(tmp_path / "tiny")
    outcome = mlc(f"test --vectors {tmp_path / 'golden'}", root, capsys, monkeypatch)
    assert outcome.code == 0
    assert "departures: " in outcome.out
    written = json.loads((tmp_path / "golden/departures.json").read_text("utf-8"))
    assert {"vector", "request", "features"} == written["vectors"][0].keys()
    assert mlc("test departurs", root, capsys, monkeypatch).code == 2
    assert "golden vectors" in mlc("test --format junit", root, capsys, monkeypatch).out
