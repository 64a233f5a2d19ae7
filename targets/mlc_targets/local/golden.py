"""Golden vectors through both evaluators: the query of training, and the server's own way from request to features.

On rows of the project itself, or on a package: `python -m mlc_targets.local.golden --package DIR` in an image.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import math
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np

from mlc_compiler.backend.target import ExecutionError, ParityResult
from mlc_compiler.diagnostics import Finding
from mlc_compiler.ir import Column, Dataset, Lookup, Origin, ParityTest, Scalar, Source
from mlc_compiler.sql.vectors import Golden, Vector, golden
from mlc_targets.local.commands import tell
from mlc_targets.local.data.relations import open_datasets
from mlc_targets.local.findings import error, refuse
from mlc_targets.local.online import POINTER, write_snapshot
from mlc_targets.local.package.bundle import read_manifest
from mlc_targets.local.package.columns import Array, encode_columns
from mlc_targets.local.package.manifest import PackageManifest, request_columns
from mlc_targets.local.serve.features import FeatureDatabase, FeatureError
from mlc_targets.local.serve.request import RequestError, RequestSchema, Rows
from mlc_targets.local.serve.snapshot import Snapshot, SnapshotError
from mlc_targets.local.train.rows import packaged_features

PREDICT_AT = "__predict_at"
CLOSE = 1e-6  # relative: one float32 step is 1.2e-7, and sums of other rows may round in another order
_CLOCK = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)  # never read: each snapshot says its own time
_SHOWN = 200

Features = Mapping[str, Array]
"""Features as the model takes them, [N] by name."""


@dataclass(frozen=True, slots=True)
class Compared:
    """What became of the vectors: both values of each that both evaluators took, and what differs as findings."""

    vectors: int
    compared: int
    refused: tuple[str, ...]  # names of the vectors that the server refuses, as its schema says
    left_out: int  # rows that training leaves out, by the view's `where`
    values: tuple[Mapping[str, object], ...]
    findings: tuple[Finding, ...]


def compare_view(test: ParityTest) -> ParityResult:
    """Compare training and serving of a view's features; raises ExecutionError where they can't be computed."""
    query = test.query
    manifest = PackageManifest(
        project="", model=test.view, version="", task="regression", format="skops", timezone=test.timezone,
        features=packaged_features(query.features), request=request_columns(query), serving_sql=query.serving_sql,
        batch_sql=query.batch_sql, spine=query.spine, primary_key=query.primary_key, lookups=query.lookups,
        datasets=test.datasets, refresh=query.refresh, row_sql=query.row_sql,
    )  # fmt: skip
    compared = compare(manifest, test.origin)
    return ParityResult(test.view, summary(compared), compared.values, compared.findings)


@dataclass(frozen=True, slots=True)
class _Trained:
    """Training's features of the vectors that it kept, and when each is predicted."""

    vectors: tuple[Vector, ...]
    features: Features
    moments: tuple[dt.datetime, ...]


def compare(manifest: PackageManifest, origin: Origin) -> Compared:
    """Send the golden vectors of a package's features through training and serving; `origin` is of the features."""
    made = golden(manifest.request, manifest.lookups, manifest.datasets, manifest.spine, manifest.timezone)
    with tempfile.TemporaryDirectory(prefix="mlc-golden-") as name:
        datasets = _write_tables(made, manifest.datasets, Path(name))
        try:
            trained = _train(manifest, datasets, made, Path(name))
            served = _serve(manifest, datasets, trained, Path(name))
        except (duckdb.Error, SnapshotError) as failure:
            raise _fails(origin, failure) from failure
    findings = tuple(_differences(manifest, trained, served, origin))
    refused = tuple(v.name for v, row in zip(trained.vectors, served, strict=True) if row is None)
    values = tuple(_values(trained, served))
    return Compared(len(made.vectors), len(values), refused, len(made.vectors) - len(trained.vectors), values, findings)


def _fails(origin: Origin, failure: Exception) -> ExecutionError:
    return refuse(
        "MLC361",
        origin.at("features"),
        "the features of the golden vectors can't be computed",
        note=(str(failure).splitlines() or [type(failure).__name__])[0],
        help="bound the columns that it names (`minimum`, `maximum`), or write the feature so that no value fails",
    )


# --- training --------------------------------------------------------------------------------------------------------
def _write_tables(made: Golden, datasets: Sequence[Dataset], root: Path) -> tuple[Dataset, ...]:
    """Write each dataset's rows as Parquet and return the datasets as they read them, queries included."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kept = []
    for dataset in datasets:
        rows = [{c.name: _typed(c, row[c.name]) for c in dataset.columns} for row in made.tables[dataset.name]]
        schema = pa.schema([(column.name, _arrow_type(column)) for column in dataset.columns])
        pq.write_table(pa.Table.from_pylist(rows, schema), root / f"{dataset.name}.parquet")
        kept.append(replace(dataset, source=Source("parquet", path=f"{dataset.name}.parquet"), until=None))
    return tuple(kept)


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


def _train(manifest: PackageManifest, datasets: Sequence[Dataset], made: Golden, root: Path) -> _Trained:
    """Return training's features of the vectors that its query can compute."""
    spine = next(dataset for dataset in datasets if dataset.name == manifest.spine)
    keys = [column for column in spine.columns if column.name in manifest.primary_key]
    named = {
        tuple(_typed(c, row[c.name]) for c in keys): vector
        for row, vector in zip(made.tables[manifest.spine], made.vectors, strict=False)
    }
    found = _queried(manifest.batch_sql, datasets, root)
    positions = {key: i for i, key in enumerate(zip(*(_plain(c, found[c.name]) for c in keys), strict=True))}
    kept = [(vector, positions[key]) for key, vector in named.items() if key in positions]
    chosen = np.array([position for _, position in kept], dtype=np.int64)
    features = encode_columns(manifest.features, {f.name: found[f.name][chosen] for f in manifest.features})
    moments = [np.datetime64(m, "us").astype(dt.datetime) for m in np.ma.getdata(found[PREDICT_AT])[chosen]]
    return _Trained(tuple(vector for vector, _ in kept), features, tuple(moments))


def _queried(sql: str, datasets: Sequence[Dataset], root: Path) -> Mapping[str, Array]:
    connection = open_datasets(datasets, root)
    try:
        found: Mapping[str, Array] = connection.sql(sql).fetchnumpy()
        return found
    finally:
        connection.close()


def _plain(column: Column, values: Array) -> list[object]:
    """Return a key's values as rows of Python have them."""
    if column.type not in ("date", "timestamp"):
        plain: list[object] = values.tolist()
        return plain
    moments = [np.datetime64(value, "us").astype(dt.datetime) for value in np.ma.getdata(values)]
    return [moment.date() for moment in moments] if column.type == "date" else moments


# --- serving ---------------------------------------------------------------------------------------------------------
def _serve(
    manifest: PackageManifest, datasets: Sequence[Dataset], trained: _Trained, root: Path
) -> list[list[Mapping[str, object]] | None]:
    """Return what the server makes of each vector, alone and among others; None where its schema refuses it."""
    schema = RequestSchema(manifest.request, len(trained.vectors) + 1)
    served: list[list[Mapping[str, object]] | None] = [None] * len(trained.vectors)
    for moment in dict.fromkeys(trained.moments):
        database = FeatureDatabase(manifest, _snapshot(manifest, datasets, moment, root), 1)
        read = {i: rows for i, m in enumerate(trained.moments) if m == moment for rows in _read(schema, trained, i)}
        together = _compute(manifest, database, _joined(manifest, list(read.values()))) if read else []
        for (index, rows), among in zip(read.items(), together, strict=True):
            served[index] = [*_compute(manifest, database, rows), among]
    return served


def _read(schema: RequestSchema, trained: _Trained, index: int) -> Iterator[Rows]:
    try:
        yield schema.read_rows([dict(trained.vectors[index].values)])
    except RequestError:
        return


def _joined(manifest: PackageManifest, parts: Sequence[Rows]) -> Rows:
    columns = {c.name: [part.columns[c.name][0] for part in parts] for c in manifest.request}
    return Rows(len(parts), columns)


def _compute(manifest: PackageManifest, database: FeatureDatabase, rows: Rows) -> list[Mapping[str, object]]:
    """Return the features of each row as the model takes them; a failure of the query as the text that it gives."""
    try:
        encoded = encode_columns(manifest.features, database.cursors[0].compute(rows).columns)
    except FeatureError as failure:
        return [{f.name: f"fails: {failure}" for f in manifest.features}] * rows.count
    return [{name: column[i] for name, column in encoded.items()} for i in range(rows.count)]


def _snapshot(manifest: PackageManifest, datasets: Sequence[Dataset], moment: dt.datetime, root: Path) -> Snapshot:
    """Return a snapshot for predictions at a moment: joins as of then, aggregates as old as `refresh` lets them be."""
    back = dt.timedelta(seconds=manifest.refresh)
    tables: list[tuple[str, Path]] = []
    for aggregates, now in ((False, moment), (True, moment - back)):
        lookups = [lookup for lookup in manifest.lookups if _is_aggregate(lookup) == aggregates]
        if lookups:
            out = root / f"online-{'aggregates' if aggregates else 'joins'}"
            folder = write_snapshot(lookups, datasets, root, out, _CLOCK, now)
            tables += [(lookup.name, folder / f"{lookup.name}.parquet") for lookup in lookups]
    return Snapshot(POINTER, tuple(tables), 0.0)


def _is_aggregate(lookup: Lookup) -> bool:
    return "__rows0" in lookup.sql  # the stage that aggregates begin with, and joins do not have


# --- comparing -------------------------------------------------------------------------------------------------------
def _differences(
    manifest: PackageManifest, trained: _Trained, served: Sequence[list[Mapping[str, object]] | None], origin: Origin
) -> Iterator[Finding]:
    """Yield one finding a feature that differs, on the first vector where it does."""
    for feature in manifest.features:
        different = [
            (vector, trained.features[feature.name][i], answer[feature.name])
            for i, (vector, answers) in enumerate(zip(trained.vectors, served, strict=True))
            for answer in answers or ()
            if not _same(trained.features[feature.name][i], answer[feature.name])
        ]
        if different:
            vector, ours, theirs = different[0]
            names = sorted({v.name for v, _, _ in different})
            yield error(
                "MLC360",
                origin.at(f"features.{feature.name}"),
                f"`{feature.name}` is {_shown(ours)} in training and {_shown(theirs)} when served",
                note=f"for {_request(vector)}",
                help="this is a fault of mlc or of DuckDB: report it, and write the feature in another way",
                related=f"{len(names)} of {len(trained.vectors)} golden vectors: {', '.join(names[:5])}",
            )


def _same(ours: object, theirs: object) -> bool:
    if isinstance(ours, str) or isinstance(theirs, str):
        return ours == theirs
    first, second = float(str(ours)), float(str(theirs))
    if math.isnan(first) or math.isnan(second):
        return math.isnan(first) and math.isnan(second)
    return first == second or math.isclose(first, second, rel_tol=CLOSE, abs_tol=CLOSE)


def _shown(value: object) -> str:
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)[:_SHOWN] if value else "null"
    return "null" if math.isnan(float(str(value))) else repr(float(str(value)))


def _request(vector: Vector) -> str:
    return json.dumps(dict(vector.values), ensure_ascii=False, default=str)[:_SHOWN]


def _values(trained: _Trained, served: Sequence[list[Mapping[str, object]] | None]) -> Iterator[Mapping[str, object]]:
    for index, (vector, answers) in enumerate(zip(trained.vectors, served, strict=True)):
        if answers is not None:
            features = {name: _json(column[index]) for name, column in trained.features.items()}
            yield {"vector": vector.name, "request": dict(vector.values), "features": features}


def _json(value: object) -> object:
    if isinstance(value, str):
        return value
    number = float(str(value))
    return number if math.isfinite(number) else None


# --- command ---------------------------------------------------------------------------------------------------------
def main(arguments: Sequence[str] | None = None) -> int:
    """Compare both evaluators of a package; exit code 0, or 1 after a finding."""
    parser = argparse.ArgumentParser("python -m mlc_targets.local.golden", description="Compare training and serving.")
    parser.add_argument("--package", type=Path, required=True, help="folder of the package")
    given = parser.parse_args(arguments)
    try:
        manifest = read_manifest(given.package)
        compared = compare(manifest, Origin(f"Model/{manifest.model}"))
    except ExecutionError as failure:
        return tell(failure)
    for finding in compared.findings:
        tell(ExecutionError(finding))
    sys.stdout.write(f"{manifest.model}: {summary(compared)}\n")
    return 1 if compared.findings else 0


def summary(compared: Compared) -> str:
    """Return in words what was compared."""
    said = f"{compared.compared} golden vectors mean the same in training and serving"
    if not compared.compared:
        said = f"none of {compared.vectors} golden vectors could be compared"
    if compared.findings:
        said = f"{len(compared.findings)} features differ between training and serving, of {compared.compared} vectors"
    refused = f"; the server refuses {len(compared.refused)}" if compared.refused else ""
    return said + refused + (f"; training leaves out {compared.left_out}" if compared.left_out else "")


if __name__ == "__main__":
    sys.exit(main())
