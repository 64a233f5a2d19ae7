"""Datasets: found, typed, refused with the row that is wrong, checked, measured."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from local_runs import a_running_model, run, the_visits, visits, write_visits
from mlc_compiler import ir
from mlc_compiler.backend.target import ExecutionError
from mlc_compiler.diagnostics import Finding, Place
from mlc_targets.local.data import open_datasets
from mlc_targets.local.data.files import dataset_digests, in_order, open_digests
from mlc_targets.local.data.statistics import describe, measure
from mlc_targets.local.findings import findings_of

MIDNIGHT = dt.datetime.fromisoformat("2020-01-01")
MORNING = dt.datetime.fromisoformat("2020-01-01T10:00")


def a_table(
    root: Path, text: str, form: str = "csv", columns: tuple[ir.Column, ...] | None = None, **source: Any
) -> ir.Dataset:
    (root / f"t.{form}").write_text(text, encoding="utf-8")
    found = columns or (ir.Column("id", "int64"), ir.Column("at", "timestamp"), ir.Column("v", "float64"))
    origin = ir.Origin("Dataset/t", "spec")
    return ir.Dataset("t", ir.Source(form, path=f"t.{form}", **source), found, origin=origin)  # type: ignore[arg-type]


def rows_of(dataset: ir.Dataset, root: Path, query: str = "SELECT * FROM t") -> list[tuple[Any, ...]]:
    return open_datasets((dataset,), root).sql(query).fetchall()


def refused(dataset: ir.Dataset, root: Path) -> tuple[Finding, ...]:
    with pytest.raises(ExecutionError) as caught:
        open_datasets((dataset,), root)
    return findings_of(caught.value)


# --- reading ---------------------------------------------------------------------------------------------------------
def test_text_is_read_as_the_declared_types(tmp_path: Path) -> None:
    table = a_table(tmp_path, "id,at,v,more\n1,2020-01-01 10:00:00,3.5,x\n2,,,\n")
    assert rows_of(table, tmp_path) == [(1, MORNING, 3.5), (2, None, None)]


def test_an_offset_of_a_timestamp_counts(tmp_path: Path) -> None:
    table = a_table(tmp_path, "id,at,v\n1,2020-01-01T10:00:00+02:00,1\n2,2020-01-01T10:00:00Z,1\n")
    assert [row[1].hour for row in rows_of(table, tmp_path)] == [8, 10]


def test_a_value_that_does_not_fit_is_named_with_its_row(tmp_path: Path) -> None:
    table = a_table(tmp_path, "id,at,v\n1,2020-01-01,1\nx,2020-13-01,nope\ny,2020-01-01,2\n")
    found = {f.at.path[2]: f for f in refused(table, tmp_path) if isinstance(f.at, Place)}
    assert set(found) == {"id", "at", "v"}
    assert found["id"].code == "MLC373"
    assert found["id"].message == "column `id` of dataset `t`: 'x' in row 2 is not int64"
    assert "2 values" in found["id"].note
    assert "'2020-13-01' in row 2 is not timestamp" in found["at"].message


def test_not_a_number_is_a_missing_value(tmp_path: Path) -> None:
    pq.write_table(pa.table({"v": pa.array([1.0, float("nan"), None])}), tmp_path / "t.parquet")
    table = ir.Dataset("t", ir.Source("parquet", path="t.parquet"), (ir.Column("v", "float64"),))
    assert rows_of(table, tmp_path) == [(1.0,), (None,), (None,)]


def test_json_lines_are_read_and_missing_fields_are_null(tmp_path: Path) -> None:
    table = a_table(tmp_path, '{"id": 1, "at": "2020-01-01T00:00:00Z", "v": 2}\n{"id": 2}\n', "jsonl")
    assert rows_of(table, tmp_path) == [(1, MIDNIGHT, 2.0), (2, None, None)]


def test_a_file_without_header_has_the_declared_columns(tmp_path: Path) -> None:
    table = a_table(tmp_path, "1;2020-01-01;3\n", delimiter=";", header=False)
    assert rows_of(table, tmp_path) == [(1, MIDNIGHT, 3.0)]


def test_a_missing_file_is_found_by_its_nearest_name(tmp_path: Path) -> None:
    write_visits(tmp_path)
    (found,) = refused(the_visits(source=ir.Source("parquet", path="data/visit.parquet")), tmp_path)
    assert found.code == "MLC370"
    assert found.help == "did you mean data/visits.parquet?"


def test_a_missing_column_is_found_by_its_nearest_name(tmp_path: Path) -> None:
    write_visits(tmp_path)
    columns = (*the_visits().columns, ir.Column("chanel", "string"))
    (found,) = refused(the_visits(columns=columns), tmp_path)
    assert (found.code, found.help) == ("MLC371", "did you mean `channel`?")
    assert found.at == Place("Dataset/visits", 0, ("spec", "columns", "chanel"))


@pytest.mark.parametrize(
    ("name", "declared", "found"),
    [("channel", "int64", "VARCHAR"), ("age", "int64", "DOUBLE"), ("bought", "float64", "BOOLEAN")],
)
def test_another_type_is_refused(tmp_path: Path, name: str, declared: str, found: str) -> None:
    write_visits(tmp_path)
    columns = tuple(replace(c, type=declared) if c.name == name else c for c in the_visits().columns)
    (finding,) = refused(the_visits(columns=columns), tmp_path)
    assert finding.code == "MLC372"
    assert f"is {found}, not {declared}" in finding.message


def test_a_number_beyond_its_declared_range_is_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"v": pa.array([1, 2**40])}), tmp_path / "t.parquet")
    table = ir.Dataset("t", ir.Source("parquet", path="t.parquet"), (ir.Column("v", "int32"),))
    (found,) = refused(table, tmp_path)
    assert (found.code, f"{2**40} in row 2" in found.message) == ("MLC373", True)


@pytest.mark.parametrize(("form", "text"), [("parquet", "not parquet"), ("jsonl", "{"), ("csv", "")])
def test_a_damaged_file_is_a_finding(tmp_path: Path, form: str, text: str) -> None:
    table = a_table(tmp_path, text, form)
    assert {f.code for f in refused(table, tmp_path)} <= {"MLC374", "MLC371"}


def test_a_query_reads_other_datasets(tmp_path: Path) -> None:
    table = a_table(tmp_path, "id,at,v\n1,2020-01-01,1\n2,2020-01-01,5\n")
    source = ir.Source("query", query="SELECT id, v * 2 AS twice FROM t WHERE v > 1", reads=("t",))
    derived = ir.Dataset("derived", source, (ir.Column("id", "int64"), ir.Column("twice", "float64")))
    assert open_datasets((derived, table), tmp_path).sql("SELECT * FROM derived").fetchall() == [(2, 10.0)]
    assert [d.name for d in in_order((derived, table))] == ["t", "derived"]


def test_a_query_reaches_no_other_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n", encoding="utf-8")
    table = a_table(tmp_path, "id,at,v\n1,2020-01-01,1\n")
    connection = open_datasets((table,), tmp_path)
    with pytest.raises(Exception, match="disabled by configuration"):
        connection.sql(f"SELECT * FROM read_csv('{secret}')").fetchall()
    with pytest.raises(Exception, match="locked"):
        connection.execute("SET enable_external_access = true")


def test_a_database_source_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (found,) = refused(the_visits(source=ir.Source("sql", query="SELECT 1")), tmp_path)
    assert found.code == "MLC379"


# --- digests ---------------------------------------------------------------------------------------------------------
def test_a_digest_follows_content_not_names_or_times(tmp_path: Path) -> None:
    write_visits(tmp_path)
    first = dataset_digests((the_visits(),), tmp_path)
    (tmp_path / "data" / "visits.parquet").rename(tmp_path / "data" / "moved.parquet")
    moved = the_visits(source=ir.Source("parquet", path="data/moved.parquet"))
    assert dataset_digests((moved,), tmp_path) == first
    write_visits(tmp_path, visits(seed=2))
    assert dataset_digests((the_visits(),), tmp_path) != first


def test_an_old_file_is_not_read_again(tmp_path: Path) -> None:
    import os

    path = tmp_path / "f"
    path.write_text("x", encoding="utf-8")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    digests = open_digests(tmp_path)
    known = digests.file(path)
    digests.save()
    entry = {str(path): [*open_digests(tmp_path).known[str(path)][:-1], "remembered"]}  # type: ignore[index]
    assert replace(digests, known=entry, fresh={}).file(path) == "remembered"
    path.write_text("y", encoding="utf-8")
    assert replace(digests, known=entry, fresh={}).file(path) not in {"remembered", known}


def test_a_damaged_cache_is_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / ".mlc" / "cache").mkdir(parents=True)
    (tmp_path / ".mlc" / "cache" / "files.json").write_text("[1", encoding="utf-8")
    assert open_digests(tmp_path).known == {}


# --- checks ----------------------------------------------------------------------------------------------------------
def checked(root: Path, dataset: ir.Dataset) -> dict[str, Finding]:
    result = run(a_running_model(datasets=(dataset,)), root, until="validate")
    assert result.passed is not any(f.severity.value == "error" for f in result.findings)
    return {f.message: f for f in result.findings}


def test_broken_contracts_are_counted_and_shown_by_key(tmp_path: Path) -> None:
    write_visits(tmp_path)
    rules = {
        "channel": ir.Column("channel", "string", required=True, enum=("web", "app"), pattern="[a-z]+"),
        "pages": ir.Column("pages", "int64", minimum=1, maximum=10),
    }
    columns = tuple(rules.get(c.name, c) for c in the_visits().columns)
    found = checked(tmp_path, the_visits(columns=columns))
    assert len(found) == 4
    least = found["dataset `visits`: `pages >= 1` does not hold"]
    assert least.code == "MLC375"
    assert "of 1,500 rows (" in least.note
    assert least.related[0].text.startswith("such as visit_id ")
    assert "pages 0" in least.related[0].text


def test_a_key_that_repeats_is_refused(tmp_path: Path) -> None:
    table = visits(rows=50)
    write_visits(tmp_path, pa.concat_tables([table, table.slice(3, 2)]))
    found = checked(tmp_path, the_visits())
    note = found["dataset `visits`: `primary key (visit_id) is unique` does not hold"]
    assert note.note == "2 of 52 rows (3.85%)"
    assert note.related[0].text == "such as visit_id 4, rows 2; visit_id 5, rows 2"


def a_check(name: str, kind: str, **fields: Any) -> ir.DataCheck:
    return ir.DataCheck(name, kind, origin=ir.Origin("Dataset/visits", "spec.checks.0"), **fields)


@pytest.mark.parametrize(
    ("check", "note"),
    [
        (a_check("row_count", "row_count", min=2000), "it is 1,500; at least 2,000 is asked for"),
        (
            a_check("missing", "missing_rate", columns=("age",), max=0.01),
            "137 of 1,500 rows (9.13%); 1.00% are allowed",
        ),
        (a_check("pages > 0", "expression", expression="pages > 0"), "of 1,500 rows ("),
        (a_check("mean", "range", columns=("age",), statistic="mean", max=20), "at most 20 is asked for"),
        (a_check("unique", "unique", columns=("channel", "pages")), "of 1,500 rows ("),
    ],
)
def test_a_check_that_does_not_hold_says_by_how_much(tmp_path: Path, check: ir.DataCheck, note: str) -> None:
    write_visits(tmp_path)
    (found,) = checked(tmp_path, the_visits(checks=(check,))).values()
    assert found.code == "MLC376"
    assert note in found.note


def test_a_check_within_its_bounds_passes(tmp_path: Path) -> None:
    write_visits(tmp_path)
    checks = (
        a_check("missing", "missing_rate", columns=("age",), max=0.1),
        a_check("null is met", "expression", expression="age > -1000"),
        a_check("rows", "row_count", min=1, max=10_000),
    )
    assert checked(tmp_path, the_visits(checks=checks)) == {}


def test_a_warning_does_not_stop_the_run(tmp_path: Path) -> None:
    write_visits(tmp_path)
    check = replace(a_check("row_count", "row_count", min=2000), severity="warning")
    result = run(a_running_model(datasets=(the_visits(checks=(check,)),)), tmp_path, until="features")
    assert [r[1] for r in result.steps] == ["ran"] * 3
    assert [f.severity.value for f in result.findings] == ["warning"]


def test_a_stale_table_warns_in_every_run(tmp_path: Path) -> None:
    write_visits(tmp_path)
    model = a_running_model(datasets=(the_visits(freshness=3600.0),))
    for _ in range(2):
        assert [f.code for f in run(model, tmp_path, until="validate").findings] == ["MLC378"]


# --- statistics ------------------------------------------------------------------------------------------------------
def test_statistics_are_exact_and_repeatable(tmp_path: Path) -> None:
    write_visits(tmp_path)
    (found,) = measure((the_visits(),), ("visits",), tmp_path)
    columns: dict[str, Any] = {name: dict(values) for name, values in found.columns}
    assert (found.rows, found.files[0][0]) == (1500, "data/visits.parquet")
    assert columns["visit_id"] == {"type": "int64", "nulls": 0, "distinct": 1500, "min": 1, "max": 1500}
    assert columns["age"]["nulls"] == 137
    assert set(columns["channel"]["categories"]) == {"app", "shop", "web"}
    assert columns["visited_at"]["min"].endswith("Z")
    assert found.digest == dataset_digests((the_visits(),), tmp_path)["visits"]
    assert measure((the_visits(),), ("visits",), tmp_path) == (found,)


def test_a_table_is_described_with_its_types(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,at,v,name\n1,2020-01-01 10:00:00,1.5,a\n2,2020-01-02 10:00:00,2,b\n")
    columns, statistics = describe("csv", tmp_path / "t.csv")
    assert [(c.name, c.type) for c in columns] == [
        ("id", "int64"), ("at", "timestamp"), ("v", "float64"), ("name", "string"),
    ]  # fmt: skip
    assert statistics.rows == 2
