"""Resolving models: every view is compiled, every dataset that is read comes along, circles of queries are told."""

from __future__ import annotations

from specs_on_disk import a_model_of, changed, codes, compiled

VIEW = "kind: FeatureView\nmetadata: {name: spare}\nspec:\n  from: flights\n  predict_at: departure\n  features: {%s}\n"
QUERY = """kind: Dataset
metadata: {name: %s}
spec:
  source: {format: query, query: SELECT a FROM %s}
  columns: {a: {type: int64}}
"""


def test_a_model_holds_the_datasets_that_its_features_read() -> None:
    assert [d.name for d in a_model_of().datasets] == ["flights", "planes"]
    assert [
        d.name for d in a_model_of(changed("specs/model.yaml", "[departures.*]", "[departures.distance]")).datasets
    ] == ["flights"]


def test_views_that_no_model_takes_are_checked_too() -> None:
    assert codes(compiled({"specs/spare.yaml": VIEW % "a: {expr: distence}"})[1]) == ["MLC304"]
    assert codes(compiled({"specs/spare.yaml": VIEW % "a: {expr: delay}"})[1]) == ["MLC302"]


def test_columns_that_a_dataset_names_exist() -> None:
    files = changed("specs/data.yaml", "updates: overwrite", "checks: [%s]\n  updates: overwrite")
    text = files["specs/data.yaml"] % (
        "{missing_rate: {column: x, max: 1%}}, {unique: {columns: [tailnum, y]}}, {range: {column: z, min: 0}},"
        ' {expression: "yaer > 1900"}, {expression: year}, {row_count: {min: 1}}'
    )
    assert codes(compiled({"specs/data.yaml": text})[1]) == ["MLC304", "MLC306", "MLC331", "MLC331", "MLC331"]


def test_each_circle_of_queries_is_told_once() -> None:
    chain = {"a": "b", "b": "c", "c": "a", "d": "d", "e": "a", "f": "flights"}
    files = {f"specs/{name}.yaml": QUERY % (name, read) for name, read in chain.items()}
    found = [f.message for f in compiled(files)[1] if f.code == "MLC209"]
    assert [m.partition(": ")[2] for m in found] == ["a <- b <- c <- a", "d <- d"]


def test_a_source_says_where_its_rows_are() -> None:
    for source, expected in (
        ("{format: csv}", ["MLC102"]),
        ("{format: query}", ["MLC102"]),
        ("{format: sql, connection: {secret: db/url}}", ["MLC102"]),
        ('{format: parquet, url: "s3://bucket/x.parquet"}', []),
    ):
        files = changed("specs/data.yaml", "{format: csv, path: data/planes.csv}", source)
        assert codes(compiled(files)[1]) == expected, source
