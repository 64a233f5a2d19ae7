"""What `mlc lock` measures of datasets: digest, rows, and of each column nulls, distinct values, range, categories."""

from __future__ import annotations

import datetime as dt
import decimal
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlc_compiler.backend.target import DatasetStatistics
from mlc_compiler.ir import Column, Dataset, Origin, Source
from mlc_targets.local.data.files import dataset_digests, file_sizes, source_files, with_reads
from mlc_targets.local.data.relations import declared_type, described, open_datasets, quote, unreadable

if TYPE_CHECKING:
    import duckdb

_MOST_CATEGORIES = 50
_SKETCH = Dataset("", Source("parquet"), (), origin=Origin("Dataset"))
_DISCRETE = ("string", "bool", "int64", "int32", "date")
_RANGED = ("int64", "int32", "float64", "float32", "decimal", "timestamp", "date")


def measure(datasets: Sequence[Dataset], names: Sequence[str], root: Path) -> tuple[DatasetStatistics, ...]:
    """Return exact statistics of the named datasets: one scan a dataset, one more a column of categories."""
    needed = with_reads(names, datasets)
    digests = dataset_digests(needed, root)
    connection = open_datasets(needed, root)
    try:
        by_name = {d.name: d for d in needed}
        return tuple(_measure(connection, by_name[name], digests[name], root) for name in names)
    finally:
        connection.close()


def _measure(connection: duckdb.DuckDBPyConnection, dataset: Dataset, digest: str, root: Path) -> DatasetStatistics:
    import duckdb

    items = ["count(*)", *(item for column in dataset.columns for item in _items(column))]
    try:
        rows, *values = connection.sql(f"SELECT {', '.join(items)} FROM {quote(dataset.name)}").fetchall()[0]
        found = iter(values)
        columns = tuple(
            (column.name, _column(connection, dataset, column, [next(found) for _ in _items(column)]))
            for column in dataset.columns
        )
    except duckdb.Error as failure:
        raise unreadable(dataset, failure) from failure
    files = file_sizes(source_files(dataset, root), root)
    return DatasetStatistics(dataset.name, digest, int(rows), columns, files)


def _items(column: Column) -> list[str]:
    name = quote(column.name)
    items = [f"count(*) - count({name})"]
    items += [f"count(DISTINCT {name})"] if column.type in _DISCRETE else []
    items += [f"min({name})", f"max({name})"] if column.type in _RANGED else []
    return items


def _column(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, column: Column, values: list[object]
) -> Mapping[str, object]:  # fmt: skip
    left = iter(values)
    statistics: dict[str, object] = {"type": column.type, "nulls": next(left)}
    if column.type in _DISCRETE:
        statistics["distinct"] = next(left)
    if column.type in _RANGED:
        statistics["min"], statistics["max"] = plain(next(left)), plain(next(left))
    if column.type in {"string", "bool"} and 0 < int(str(statistics["distinct"])) <= _MOST_CATEGORIES:
        statistics["categories"] = _categories(connection, dataset, column)
    return statistics


def _categories(connection: duckdb.DuckDBPyConnection, dataset: Dataset, column: Column) -> dict[str, int]:
    name = quote(column.name)
    query = f"SELECT {name}, count(*) FROM {quote(dataset.name)} WHERE {name} IS NOT NULL GROUP BY ALL ORDER BY ALL"
    return {str(plain(value)): int(count) for value, count in connection.sql(query).fetchall()}


def plain(value: object) -> object:
    """Return a value as JSON has it: moments as ISO text in UTC, decimals as numbers, what is not finite as null."""
    if isinstance(value, dt.datetime):
        return value.isoformat() + "Z"
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def describe(form: str, path: Path) -> tuple[tuple[Column, ...], DatasetStatistics]:
    """Return the columns that a file has, typed, with their statistics; `form` is parquet, csv or jsonl."""
    dataset = replace(_SKETCH, name=path.stem, source=Source(form, path=path.name))  # type: ignore[arg-type]  # checked by the reader
    found = described(dataset, source_files(dataset, path.parent))
    columns = tuple(Column(name, declared_type(sql_type)) for name, sql_type in found.items())
    typed = replace(dataset, columns=columns)
    return columns, measure((typed,), (typed.name,), path.parent)[0]
