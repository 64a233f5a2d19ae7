"""Datasets as DuckDB relations of their names, with the declared columns and types; nothing else can be reached.

Text formats are read as text and cast here, so that a value that does not fit is a finding with its row, not null.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlc_compiler.diagnostics import Finding, nearest
from mlc_compiler.ir import Column, Dataset
from mlc_targets.local.data.files import in_order, source_files
from mlc_targets.local.findings import RefusedError, error

if TYPE_CHECKING:
    import duckdb

SQL_TYPES = {
    "string": "VARCHAR",
    "int64": "BIGINT",
    "int32": "INTEGER",
    "float64": "DOUBLE",
    "float32": "FLOAT",
    "bool": "BOOLEAN",
    "timestamp": "TIMESTAMP",
    "date": "DATE",
    "decimal": "DECIMAL(38, 10)",
}
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT")
_TIMES = ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE")
_ACCEPTED = {
    "string": ("VARCHAR", "ENUM", "UUID"),
    "int64": _INTEGERS,
    "int32": _INTEGERS,
    "float64": ("FLOAT", "DOUBLE", "DECIMAL", *_INTEGERS),
    "float32": ("FLOAT", "DOUBLE", "DECIMAL", *_INTEGERS),
    "bool": ("BOOLEAN",),
    "timestamp": (*_TIMES, "DATE"),
    "date": ("DATE",),
    "decimal": ("DECIMAL", *_INTEGERS),
}
"""What a file's column may be (DuckDB's names) for each declared type: conversions that lose nothing but range."""


def described(dataset: Dataset, files: Sequence[Path]) -> dict[str, str]:
    """Return the columns that a dataset's files have, with the types that their values suggest (DuckDB's names)."""
    connection = connect(1)
    try:
        return _describe(connection, dataset, raw_relation(dataset, files, guess=True))
    finally:
        connection.close()


# Writers leave NaN out of a Parquet column's bounds, from which the optimizer concludes that there is none. What two
# expressions have in common would be computed outside of the TRY around each, where one overflow fails the query.
_HARMFUL_OPTIMIZERS = "statistics_propagation, common_subexpressions"


def quote(name: str) -> str:
    """Return an SQL identifier in quotes.

    >>> quote('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def connect(threads: int, temporary: Path | None = None, memory: int | None = None) -> duckdb.DuckDBPyConnection:
    """Return an in-memory database: UTC, a fixed number of threads, spilling into `temporary` beyond `memory` bytes."""
    import duckdb  # heavy, and a run without changes never needs it

    connection = duckdb.connect(config={"autoinstall_known_extensions": False, "autoload_known_extensions": False})
    settings = [f"threads = {threads}", "TimeZone = 'UTC'", "enable_progress_bar = false"]
    settings.append(f"disabled_optimizers = '{_HARMFUL_OPTIMIZERS}'")
    if temporary is not None:
        settings.append(f"temp_directory = {literal(str(temporary))}")
    if memory is not None:
        settings.append(f"memory_limit = '{max(memory // 2**20, 64)}MiB'")
    for setting in settings:
        connection.execute(f"SET {setting}")
    return connection


def confine(connection: duckdb.DuckDBPyConnection, files: Iterable[Path], folders: Iterable[Path] = ()) -> None:
    """Let the connection reach these files and folders and nothing else; the setting can't be undone."""
    paths = ", ".join(literal(str(path)) for path in files)
    places = ", ".join(literal(f"{folder}/") for folder in folders)
    for setting in (
        f"allowed_paths = [{paths}]",
        f"allowed_directories = [{places}]",
        "enable_external_access = false",
        "lock_configuration = true",
    ):
        connection.execute(f"SET {setting}")


def open_datasets(datasets: Sequence[Dataset], root: Path, threads: int = 1) -> duckdb.DuckDBPyConnection:
    """Return a connection with one typed relation a dataset, over its files, time zone UTC, external access off.

    One thread by default: sums of floats depend on the order in which threads finish. Raises ExecutionError for
    missing files and columns, other types, and values that can't be read as their type.
    """
    connection = connect(threads)
    files = [path for dataset in datasets for path in source_files(dataset, root)]
    for dataset in in_order(datasets):
        create_relation(connection, dataset, source_files(dataset, root))
    confine(connection, files)
    return connection


def create_relation(connection: duckdb.DuckDBPyConnection, dataset: Dataset, files: Sequence[Path]) -> None:
    """Create the view of one dataset; raises ExecutionError where the files don't hold what the contract says."""
    raw = raw_relation(dataset, files)
    found = _found(connection, dataset, files, raw)
    _check_columns(dataset, found)
    _check_values(connection, dataset, raw, found)
    items = ", ".join(f"{_read(c, found[c.name])} AS {quote(c.name)}" for c in dataset.columns)
    connection.execute(f"CREATE VIEW {quote(dataset.name)} AS SELECT {items} FROM {raw}")


def _found(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, files: Sequence[Path], raw: str
) -> dict[str, str]:  # fmt: skip
    """Return the columns that there are; of JSON lines only the values tell, and all are read as text."""
    if dataset.source.format == "jsonl":
        return dict.fromkeys(_describe(connection, dataset, raw_relation(dataset, files, guess=True)), "VARCHAR")
    return _describe(connection, dataset, raw)


def raw_relation(dataset: Dataset, files: Sequence[Path], guess: bool = False) -> str:
    """Return the SQL of a dataset's rows as they lie in its files, or as its query returns them.

    Text formats are read as text, or with types that DuckDB guesses.
    """
    source = dataset.source
    if source.format == "query":
        return f"({source.query})"
    names = "[" + ", ".join(literal(str(path)) for path in files) + "]"
    if source.format == "parquet":
        return f"read_parquet({names}, union_by_name = true)"
    if source.format == "jsonl" and guess:
        return f"read_json({names}, format = 'newline_delimited')"
    if source.format == "jsonl":
        columns = ", ".join(f"{literal(c.name)}: 'VARCHAR'" for c in dataset.columns)
        return f"read_json({names}, format = 'newline_delimited', columns = {{{columns}}})"
    return f"read_csv({names}, all_varchar = {str(not guess).lower()}, {_csv_options(dataset)})"


def _csv_options(dataset: Dataset) -> str:
    source = dataset.source
    options = [f"delim = {literal(source.delimiter)}", "quote = '\"'", "escape = '\"'"]
    if source.header:
        return ", ".join([*options, "header = true", "union_by_name = true"])
    names = ", ".join(literal(column.name) for column in dataset.columns)
    return ", ".join([*options, "header = false", f"names = [{names}]"])


def _describe(connection: duckdb.DuckDBPyConnection, dataset: Dataset, raw: str) -> dict[str, str]:
    import duckdb

    try:
        rows = connection.sql(f"DESCRIBE SELECT * FROM {raw}").fetchall()
    except duckdb.Error as failure:
        raise unreadable(dataset, failure) from failure
    return {str(row[0]): str(row[1]) for row in rows}


def unreadable(dataset: Dataset, failure: Exception) -> RefusedError:
    """Return the finding of files, or a query, that DuckDB refuses."""
    lines = [line for line in str(failure).splitlines() if line.strip()]
    what = "its query fails" if dataset.source.format == "query" else f"it can't be read as {dataset.source.format}"
    field = "source.query" if dataset.source.format == "query" else "source"
    return RefusedError((error(
        "MLC374", dataset.origin.at(field), f"dataset `{dataset.name}`: {what}", note=" ".join(lines[:2]),
        help="see that the file is whole and that `format`, `delimiter` and `header` are right",
    ),))  # fmt: skip


def disk_refused(failure: Exception) -> OSError:
    """Return what DuckDB could not write as an OSError; its own error is JSON within the text where it has a cause."""
    text = str(failure)
    start = text.find("{")
    try:
        cause = json.loads(text[start:]) if start >= 0 else {}
        number = int(cause["errno"])
    except (ValueError, KeyError, TypeError):
        return OSError(text.splitlines()[0])
    return OSError(number, os.strerror(number))


# --- columns ---------------------------------------------------------------------------------------------------------
def _check_columns(dataset: Dataset, found: dict[str, str]) -> None:
    findings = [f for column in dataset.columns if (f := _check_column(dataset, column, found))]
    if findings:
        raise RefusedError(tuple(findings))


def _check_column(dataset: Dataset, column: Column, found: dict[str, str]) -> Finding | None:
    origin = dataset.origin.at(f"columns.{column.name}")
    if column.name not in found:
        close = nearest(column.name, found)
        return error(
            "MLC371",
            origin,
            f"dataset `{dataset.name}` has no column `{column.name}`",
            note=f"it has {', '.join(sorted(found)[:20])}",
            help=f"did you mean `{close}`?" if close else "mend the column's name, or add the column to the data",
        )
    if _is_text(dataset) or _family(found[column.name]) in _ACCEPTED[column.type]:
        return None
    return error(
        "MLC372",
        origin.at("type"),
        f"column `{column.name}` of dataset `{dataset.name}` is {found[column.name]}, not {column.type}",
        note=f"{column.type} is read from {', '.join(_ACCEPTED[column.type])}",
        help=f"declare it as {declared_type(found[column.name])}, or convert the data",
    )


def _is_text(dataset: Dataset) -> bool:
    return dataset.source.format in {"csv", "jsonl"}


def _family(sql_type: str) -> str:
    return sql_type.split("(", maxsplit=1)[0]


def declared_type(sql_type: str) -> str:
    """Return the column type of a contract that fits a DuckDB type best."""
    family = _family(sql_type)
    exact = {"INTEGER": "int32", "FLOAT": "float32", "DECIMAL": "decimal", "DATE": "date"}
    order = ("bool", "int64", "float64", "timestamp")
    return exact.get(family) or next((name for name in order if family in _ACCEPTED[name]), "string")


def _read(column: Column, found: str) -> str:
    """Return the SQL that reads a column as its declared type; NaN is a missing value."""
    sql = _convert(column, found, "CAST")
    return f"CASE WHEN NOT isnan({sql}) THEN {sql} END" if column.type in {"float64", "float32"} else sql


def _convert(column: Column, found: str, cast: str) -> str:
    name, target, family = quote(column.name), SQL_TYPES[column.type], _family(found)
    if column.type == "timestamp" and family in {"VARCHAR", "TIMESTAMP WITH TIME ZONE"}:
        # A plain cast of text drops the offset; through a zoned timestamp it counts, and none means UTC.
        return f"({cast}({name} AS TIMESTAMPTZ) AT TIME ZONE 'UTC')"
    if found == target or (column.type == "decimal" and family == "DECIMAL"):
        return name
    return f"{cast}({name} AS {target})"


# --- values ----------------------------------------------------------------------------------------------------------
def _check_values(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, raw: str, found: dict[str, str]
) -> None:  # fmt: skip
    """Refuse values that don't fit their type: one scan that counts, a second only where something is wrong."""
    import duckdb

    doubtful = [c for c in dataset.columns if _may_fail(c, found[c.name])]
    if not doubtful:
        return
    bad = [f"{quote(c.name)} IS NOT NULL AND {_convert(c, found[c.name], 'TRY_CAST')} IS NULL" for c in doubtful]
    items = ", ".join(f"count(*) FILTER ({condition})" for condition in bad)
    try:
        counts = connection.sql(f"SELECT {items} FROM {raw}").fetchall()[0]
    except duckdb.Error as failure:
        raise unreadable(dataset, failure) from failure
    findings = [
        _bad_value(connection, dataset, raw, column, condition, int(count))
        for column, condition, count in zip(doubtful, bad, counts, strict=True)
        if count
    ]
    if findings:
        raise RefusedError(tuple(findings))


def _may_fail(column: Column, found: str) -> bool:
    """Return whether reading may meet a value that does not fit: text, and integers of a wider type."""
    if column.type == "string" or "CAST(" not in _convert(column, found, "CAST"):
        return False
    return _family(found) == "VARCHAR" or column.type in {"int64", "int32", "decimal"}


def _bad_value(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, raw: str, column: Column, condition: str, count: int
) -> Finding:
    numbered = f"SELECT row_number() OVER () AS n, * FROM {raw}"
    query = f"SELECT n, {quote(column.name)} FROM ({numbered}) WHERE {condition} ORDER BY n LIMIT 1"
    row: tuple[Any, ...] = connection.sql(query).fetchall()[0]
    rows = "1 value" if count == 1 else f"{count:,} values"
    return error(
        "MLC373",
        dataset.origin.at(f"columns.{column.name}.type"),
        f"column `{column.name}` of dataset `{dataset.name}`: {row[1]!r} in row {row[0]:,} is not {column.type}",
        note=f"{rows} can't be read as {column.type}; rows count from 1, the header aside",
        help="mend the data, or declare the column as string",
    )
