"""The evaluators of a feature: training's query over tables, the server's way from request to feature, and a batch's.

Each takes golden vectors and the rows around them, and gives every feature twice: as its query returns it, and as the
model takes it.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np

from mlc_compiler.ir import Column, Dataset, Lookup, Scalar, Source
from mlc_compiler.records import dataclass
from mlc_compiler.sql.vectors import Golden, Vector
from mlc_targets.local.batch import PREDICT_AT, feature_arrays, partitioned_query, use_source
from mlc_targets.local.data.relations import open_datasets
from mlc_targets.local.online import POINTER, write_snapshot
from mlc_targets.local.package.columns import Array, encode_columns
from mlc_targets.local.package.manifest import PackageManifest
from mlc_targets.local.serve.features import FeatureDatabase, FeatureError
from mlc_targets.local.serve.request import RequestError, RequestSchema, Rows
from mlc_targets.local.serve.snapshot import Snapshot

_CLOCK = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)  # never read: each snapshot says its own time
_GIVEN = "__given"  # the dataset that a batch reads besides the history


@dataclass(frozen=True, slots=True)
class Value:
    """A feature's value: as its query returns it (not finite is null), and as the model takes it."""

    raw: object
    taken: object


Answer = Mapping[str, Value]
"""The features of one row by name."""


@dataclass(frozen=True, slots=True)
class Trained:
    """Training's features of the vectors that it kept, and when each is predicted."""

    vectors: tuple[Vector, ...]
    answers: tuple[Answer, ...]
    moments: tuple[dt.datetime, ...]


# --- rows ------------------------------------------------------------------------------------------------------------
def write_tables(made: Golden, datasets: Sequence[Dataset], spine: str, root: Path) -> tuple[Dataset, ...]:
    """Write each dataset's rows as Parquet and return the datasets as they read them, queries included.

    The last one has the vectors' own rows of the spine alone, for a batch to score.
    """
    own = next(dataset for dataset in datasets if dataset.name == spine)
    tables = {**made.tables, _GIVEN: made.tables[spine][: len(made.vectors)]}
    return tuple(_written(d, tables[d.name], root) for d in (*datasets, replace(own, name=_GIVEN)))


def _written(dataset: Dataset, rows: Sequence[Mapping[str, Scalar]], root: Path) -> Dataset:
    import pyarrow as pa
    import pyarrow.parquet as pq

    typed = [{c.name: _typed(c, row[c.name]) for c in dataset.columns} for row in rows]
    schema = pa.schema([(column.name, _arrow_type(column)) for column in dataset.columns])
    pq.write_table(pa.Table.from_pylist(typed, schema), root / f"{dataset.name}.parquet")
    return replace(dataset, source=Source("parquet", path=f"{dataset.name}.parquet"), until=None)


def _arrow_type(column: Column) -> object:
    import pyarrow as pa

    return {
        "string": pa.string(), "int64": pa.int64(), "int32": pa.int32(), "float64": pa.float64(),
        "float32": pa.float32(), "bool": pa.bool_(), "timestamp": pa.timestamp("us"), "date": pa.date32(),
        "decimal": pa.decimal128(38, 10),
    }[column.type]  # fmt: skip


def _typed(column: Column, value: Scalar) -> object:
    if value is None:
        return None
    if column.type == "timestamp":
        return dt.datetime.fromisoformat(str(value).replace("Z", "+00:00")).astimezone(dt.UTC).replace(tzinfo=None)
    if column.type == "date":
        return dt.date.fromisoformat(str(value))
    return Decimal(str(value)) if column.type == "decimal" else value


# --- training and batches --------------------------------------------------------------------------------------------
def train(manifest: PackageManifest, datasets: Sequence[Dataset], made: Golden, root: Path) -> Trained:
    """Return training's features of the vectors that its query keeps."""
    connection = open_datasets(datasets, root)
    try:
        found = _by_key(manifest, connection, manifest.training_sql or manifest.batch_sql)
    finally:
        connection.close()
    kept = [(vector, found[key]) for key, vector in _keyed(manifest, made) if key in found]
    answers = tuple(answer for _, (answer, _) in kept)
    return Trained(tuple(vector for vector, _ in kept), answers, tuple(moment for _, (_, moment) in kept))


def batch(manifest: PackageManifest, datasets: Sequence[Dataset], made: Golden, root: Path) -> Mapping[str, Answer]:
    """Return what a batch makes of the vectors by name, as rows of a dataset of their own beside the history."""
    manifest = replace(manifest, datasets=tuple(datasets))
    connection = open_datasets(datasets, root)
    try:
        use_source(connection, manifest, _GIVEN)
        found = _by_key(manifest, connection, partitioned_query(connection, manifest, _GIVEN, ()))
    finally:
        connection.close()
    return {vector.name: found[key][0] for key, vector in _keyed(manifest, made) if key in found}


def _keyed(manifest: PackageManifest, made: Golden) -> Iterator[tuple[tuple[object, ...], Vector]]:
    """Yield the vectors with the keys of their rows, as tables hold them."""
    spine = next(dataset for dataset in manifest.datasets if dataset.name == manifest.spine)
    keys = [column for column in spine.columns if column.name in manifest.primary_key]
    seen = dict[tuple[object, ...], Vector]()
    for row, vector in zip(made.tables[manifest.spine], made.vectors, strict=False):
        seen.setdefault(tuple(_typed(c, row[c.name]) for c in keys), vector)
    yield from seen.items()


def _by_key(
    manifest: PackageManifest, connection: duckdb.DuckDBPyConnection, sql: str
) -> dict[tuple[object, ...], tuple[Answer, dt.datetime]]:
    """Return each row's features and moment by its key, through the arrays that training and batches read."""
    spine = next(dataset for dataset in manifest.datasets if dataset.name == manifest.spine)
    keys = [column.name for column in spine.columns if column.name in manifest.primary_key]
    found: dict[tuple[object, ...], tuple[Answer, dt.datetime]] = {}
    for rows in connection.sql(sql).to_arrow_reader(1000):
        answers = _answers(manifest, feature_arrays(manifest, rows))
        tuples = zip(*(rows.column(name).to_pylist() for name in keys), strict=True)
        found |= dict(zip(tuples, zip(answers, rows.column(PREDICT_AT).to_pylist(), strict=True), strict=True))
    return found


def _answers(manifest: PackageManifest, columns: Mapping[str, Array]) -> list[Answer]:
    """Return the features of each row, from columns as a query returns them."""
    taken = encode_columns(manifest.features, columns)
    raw = {name: [_raw(value) for value in _plain(columns[name])] for name in taken}
    count = len(next(iter(taken.values()), ()))
    return [{name: Value(raw[name][i], column[i]) for name, column in taken.items()} for i in range(count)]


def _plain(column: Array) -> list[object]:
    if column.dtype.kind != "M":
        values: list[object] = column.tolist()
        return values
    times: list[object] = np.ma.getdata(column).astype("datetime64[us]").tolist()
    missing = np.ma.getmaskarray(column)
    return [None if absent else time for time, absent in zip(times, missing.tolist(), strict=True)]


def _raw(value: object) -> object:
    """Return a value in the one form that all ways to read a result share."""
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return dt.datetime(value.year, value.month, value.day)  # noqa: DTZ001  tables hold UTC without a zone
    if isinstance(value, Decimal):
        return float(value)
    return None if isinstance(value, float) and math.isnan(value) else value


# --- serving ---------------------------------------------------------------------------------------------------------
def serve(
    manifest: PackageManifest, datasets: Sequence[Dataset], trained: Trained, root: Path
) -> list[tuple[Answer, ...]]:
    """Return what the server makes of each vector, alone and among others; nothing where its schema refuses it."""
    schema = RequestSchema(manifest.request, len(trained.vectors) + 1)
    served: list[tuple[Answer, ...]] = [()] * len(trained.vectors)
    moments = trained.moments if manifest.lookups else [_CLOCK] * len(trained.moments)
    for moment in dict.fromkeys(moments):
        database = FeatureDatabase(manifest, _snapshot(manifest, datasets, moment, root), 1)
        read = {i: rows for i, m in enumerate(moments) if m == moment for rows in _read(schema, trained.vectors[i])}
        together = _compute(manifest, database, _joined(manifest, list(read.values()))) if read else []
        for (index, rows), among in zip(read.items(), together, strict=True):
            served[index] = (*_compute(manifest, database, rows), among)
    return served


def refusal(manifest: PackageManifest, vector: Vector) -> str:
    """Return why the server refuses a vector, empty where it does not."""
    try:
        RequestSchema(manifest.request, 1).read_rows([dict(vector.values)])
    except RequestError as error:
        return error.message
    return ""


def _read(schema: RequestSchema, vector: Vector) -> Iterator[Rows]:
    try:
        yield schema.read_rows([dict(vector.values)])
    except RequestError:
        return


def _joined(manifest: PackageManifest, parts: Sequence[Rows]) -> Rows:
    columns = {c.name: [part.columns[c.name][0] for part in parts] for c in manifest.request}
    return Rows(len(parts), columns)


def _compute(manifest: PackageManifest, database: FeatureDatabase, rows: Rows) -> list[Answer]:
    """Return the features of each row; a failure of the query as the text that it gives."""
    try:
        return _answers(manifest, database.cursors[0].compute(rows).columns)
    except FeatureError as failure:
        value = Value(f"fails: {failure}", f"fails: {failure}")
        return [dict.fromkeys((f.name for f in manifest.features), value)] * rows.count


def _snapshot(manifest: PackageManifest, datasets: Sequence[Dataset], moment: dt.datetime, root: Path) -> Snapshot:
    """Return a snapshot for predictions at a moment: joins as of then, aggregates as old as `refresh` lets them be."""
    back = dt.timedelta(seconds=manifest.refresh)
    tables: list[tuple[str, Path]] = []
    for aggregates, now in ((False, moment), (True, moment - back)):
        lookups = [lookup for lookup in manifest.lookups if is_aggregate(lookup) == aggregates]
        if lookups:
            out = root / f"online-{'aggregates' if aggregates else 'joins'}"
            folder = write_snapshot(lookups, datasets, root, out, _CLOCK, now)
            tables += [(lookup.name, folder / f"{lookup.name}.parquet") for lookup in lookups]
    return Snapshot(POINTER, tuple(tables), 0.0)


def is_aggregate(lookup: Lookup) -> bool:
    """Tell whether a lookup holds aggregates, which a snapshot has as of an earlier moment."""
    return "__rows0" in lookup.sql  # the stage that aggregates begin with, and joins do not have
