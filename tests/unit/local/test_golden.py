"""Golden vectors through training and serving: equal where they should be, and told where they are not."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

import parity_cases
from mlc_compiler.backend.target import ExecutionError
from mlc_compiler.ir import Column, Dataset, Origin, ParityTest, Source
from mlc_compiler.sql.definitions import AggregateDefinition, FeatureDefinition, JoinDefinition, ViewDefinition
from mlc_compiler.sql.features import compile_view
from mlc_compiler.sql.vector_file import read_vectors, vector_lines
from mlc_compiler.sql.vectors import golden_vectors
from mlc_targets.local.golden import compare, compare_view, main
from mlc_targets.local.package.bundle import write_package
from mlc_targets.local.package.manifest import PackageManifest, request_columns
from mlc_targets.local.package.recorded import recorded_text
from mlc_targets.local.train.rows import packaged_features
from specs_on_disk import a_project_on_disk, mlc

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
        joins=(JoinDefinition("shops", parity_cases.SHOPS, ("shop",), static=True),), timezone=zone, refresh=900.0,
    )  # fmt: skip
    compiled = compile_view(view)
    assert compiled.query is not None, compiled.problems
    return ParityTest("sold", compiled.query, (SALES, parity_cases.SHOPS), zone)


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
    assert "the server refuses 6" in result.summary  # both infinities and not a number, of either width


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


def test_a_feature_may_not_differ_in_its_last_bit() -> None:
    test = a_test(*of("weight / 3.0"))
    row_sql = test.query.row_sql.replace("/ 3.0e0", "* 0.33333333333333337e0")
    assert row_sql != test.query.row_sql
    query = replace(test.query, row_sql=row_sql)
    (finding,) = compare_view(replace(test, query=query)).findings
    assert "in training and" in finding.message


# --- contracts -------------------------------------------------------------------------------------------------------
def with_pattern(pattern: str, *, required: bool = True) -> ParityTest:
    columns = tuple(
        replace(c, pattern=pattern, required=required) if c.name == "shop" else c for c in parity_cases.SALES.columns
    )
    spine = replace(parity_cases.SALES, columns=columns)
    return parity_cases.a_parity_test(of("upper(shop)", "hour(at)"), spine=spine)


@pytest.mark.parametrize(
    "pattern", ["[A-Z]{3}", r"N\d{1,5}[A-Z]{0,2}", r"(?i)straße|\pL+", "[^@]+@[^@]+", "a{1000}", ".*"]
)
def test_columns_with_a_pattern_are_compared_on_texts_that_match_it(pattern: str) -> None:
    result = compare_view(with_pattern(pattern))
    assert result.findings == ()
    shops = {str(vector["request"]["shop"]) for vector in result.vectors}  # type: ignore[index]  # a row of JSON
    assert len(shops) > (pattern != "a{1000}")
    assert len(result.vectors) > 100


def test_a_required_column_that_no_text_is_known_for_leaves_nothing_to_compare_and_says_why() -> None:
    result = compare_view(with_pattern(r"a\bb"))
    assert result.vectors == ()
    assert re.fullmatch(
        r"none of \d+ golden vectors could be compared; the server refuses \d+ \(`shop` is .*", result.summary
    )
    assert len(compare_view(with_pattern(r"a\bb", required=False)).vectors) > 100, "it is null then"


def test_a_filter_does_not_leave_out_all_vectors() -> None:
    test = parity_cases.a_parity_test(of("hour(at)"), where="lower(shop) = 'jfk' and items > 500 and not gift")
    result = compare_view(test)
    assert result.findings == ()
    assert len(result.vectors) > 90
    assert "training leaves out" in result.summary


# --- packages --------------------------------------------------------------------------------------------------------
def a_manifest(test: ParityTest, **fields: object) -> PackageManifest:
    query = test.query
    manifest = PackageManifest(
        project="", model="sold", version="", task="regression", format="skops", timezone=test.timezone,
        features=packaged_features(query.features), request=request_columns(query), serving_sql=query.serving_sql,
        batch_sql=query.batch_sql, spine=query.spine, primary_key=query.primary_key, lookups=query.lookups,
        datasets=test.datasets, refresh=query.refresh, row_sql=query.row_sql, libraries=(("duckdb", "1.0.0"),),
    )  # fmt: skip
    return replace(manifest, **fields)  # type: ignore[arg-type]  # fields of the manifest


def test_a_batch_that_computes_otherwise_is_told() -> None:
    test = a_test(*of("coalesce(items, 7)", "hour(at)"))
    spoilt = test.query.batch_sql.replace("7", "8")
    manifest = a_manifest(test, training_sql=test.query.batch_sql, batch_sql=spoilt)
    (finding,) = compare(manifest, Origin("Model/sold")).findings
    assert (finding.code, "8.0 in a batch" in finding.message) == ("MLC360", True)


def a_package_with_record(folder: Path) -> tuple[PackageManifest, str]:
    test = a_test(*of("coalesce(items, 7)", "upper(shop)"), *AGGREGATES)
    manifest = a_manifest(test)
    text = recorded_text(manifest, test.query)
    write_package(folder, manifest, b"", {}, text)
    return manifest, text


def test_a_package_is_held_to_what_training_made_of_its_vectors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, text = a_package_with_record(tmp_path / "package")
    assert main(["--package", str(tmp_path / "package")]) == 0
    assert "golden vectors mean the same" in capsys.readouterr().out
    (tmp_path / "package/golden.jsonl").write_text(text.replace('"f0": 7.0', '"f0": 6.0').replace('"A"', '"a"'))
    assert main(["--package", str(tmp_path / "package")]) == 1
    told = capsys.readouterr().err
    assert "error[MLC362]: `f0` is 7.0 here, and was 6.0 when the model was trained" in told
    assert "the package was made with duckdb 1.0.0" in told
    assert '`f1` is "A" here, and was "a"' in told


def test_a_record_of_other_rows_is_not_compared(tmp_path: Path) -> None:
    _, text = a_package_with_record(tmp_path / "package")
    head, _, lines = text.partition("\n")
    other = json.dumps(json.loads(head) | {"rows": "sha256:0"})
    (tmp_path / "package/golden.jsonl").write_text(f"{other}\n{lines.replace('7.0', '6.0')}")
    assert main(["--package", str(tmp_path / "package")]) == 0


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        ("[1]\n", "line 1 is no JSON object"),
        ("{", "line 1 is no JSON"),
        ('{"golden_vectors": 2}\n', "`golden_vectors` is 2, not 1"),
        ('{"golden_vectors": 1, "plain": {"age": 3}}\n', "`age` is no column of the requests"),
        ('{"golden_vectors": 1, "plain": {"id": 3}}\n', "it is of requests with id"),
    ],
)
def test_vectors_of_something_else_are_refused(
    text: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_package(tmp_path / "package", a_manifest(a_test(*of("items"))), b"", {})
    (tmp_path / "vectors.jsonl").write_text(text)
    assert main(["--package", str(tmp_path / "package"), "--vectors", str(tmp_path / "vectors.jsonl")]) == 1
    told = capsys.readouterr().err
    assert "MLC363" in told
    assert reason in told


def test_the_recipes_vectors_are_those_that_a_package_is_checked_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    test = a_test(*of("items"))
    manifest = a_manifest(test)
    write_package(tmp_path / "package", manifest, b"", {})
    text = vector_lines(test.query, test.timezone).text
    ours = golden_vectors(manifest.request, manifest.primary_key, manifest.timezone)
    assert repr(read_vectors(text, manifest.request)) == repr(ours), "what is written is what is made"
    (tmp_path / "few.jsonl").write_text("".join(text.splitlines(keepends=True)[:3]))
    assert main(["--package", str(tmp_path / "package"), "--vectors", str(tmp_path / "few.jsonl")]) == 0
    assert "2 golden vectors mean the same" in capsys.readouterr().out


# --- command ---------------------------------------------------------------------------------------------------------
def test_recorded_vectors_are_compared_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, golden = a_project_on_disk(tmp_path / "tiny"), tmp_path / "golden"
    assert mlc(f"test --vectors {golden} --check", root, capsys, monkeypatch).code == 3
    assert mlc(f"test --vectors {golden}", root, capsys, monkeypatch).code == 0
    assert mlc(f"test --vectors {golden} --check", root, capsys, monkeypatch).code == 0
    path = golden / "departures.json"
    path.write_text(path.read_text("utf-8").replace('"distance": 1.0', '"distance": 2.0', 1), "utf-8")
    outcome = mlc(f"test --vectors {golden} --check", root, capsys, monkeypatch)
    assert outcome.code == 3
    assert "`plain` has distance 1.0, where it was 2.0" in outcome.err
    assert mlc("test --check", root, capsys, monkeypatch).code == 2


def test_a_view_of_which_nothing_can_be_compared_is_neither_passed_nor_failed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = a_project_on_disk(tmp_path / "tiny")
    specs = root / "specs/data.yaml"
    text = specs.read_text("utf-8")
    specs.write_text(
        text.replace("tailnum: {type: string}", r"tailnum: {type: string, required: true, pattern: 'a\bb'}", 1)
    )
    outcome = mlc("test", root, capsys, monkeypatch)
    assert (outcome.code, outcome.out.count("none departures: none of ")) == (0, 1)
    assert r'`tailnum` is "a" (a text); it must match a\bb' in outcome.out
    assert outcome.out.rstrip().endswith("0 passed, 0 failed, 1 compared nothing")
    junit = mlc("test --format junit", root, capsys, monkeypatch).out
    assert 'tests="1" failures="0" skipped="1"' in junit
    assert "<skipped>none of" in junit


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
