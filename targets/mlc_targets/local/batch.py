"""Batch scoring: a dataset's rows, each scored once by its primary key, become a dataset of predictions."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote as escape

from mlc_compiler.backend.target import ExecutionError
from mlc_compiler.diagnostics import Finding, Span, nearest
from mlc_targets.local.commands import tell
from mlc_targets.local.data.relations import literal, open_datasets, quote
from mlc_targets.local.package.bundle import Package, load_package
from mlc_targets.local.package.manifest import PackageManifest
from mlc_targets.local.placing import alone, place_folder, recover_folder, staging_folder
from mlc_targets.local.serve.answer import decide

if TYPE_CHECKING:
    import duckdb
    import pyarrow

Write = Literal["replace_partition", "append", "replace"]
SCORES_FILE = "scores.parquet"
PREDICT_AT = "__predict_at"
_PARTITION = "__partition_"
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class ScoreResult:
    """What a batch did: `skipped` rows had been scored before; `files` are the Parquet files that it wrote."""

    path: Path
    rows: int
    skipped: int
    files: tuple[Path, ...]


def score(
    package: Package, root: Path, out: Path, *, source: str | None = None, write: Write = "replace_partition",
    partition_by: Sequence[str] = (),
) -> ScoreResult:  # fmt: skip
    """Score the rows of `source` (by default the spine) into the folder `out`.

    Rows of a source other than the spine are scored as rows of the spine, whose own rows remain the history that
    aggregates see. `append` skips keys that `out` holds; `replace_partition` replaces the partitions that get rows;
    both and `replace` never show a reader half a file. Columns: primary key, predict_at, probability and label or
    prediction, model, version. Raises ExecutionError: data that can't be read, MLC483, MLC486 to MLC488.
    """
    manifest = package.manifest
    with alone(out):
        recover_folder(out)
        connection = open_datasets(manifest.datasets, root)
        try:
            _use_source(connection, manifest, source)
            query = _partitioned_query(connection, manifest, source, partition_by)
            _check_keys(connection, manifest, query)
            skipped = _skip_scored(connection, manifest, query, out) if write == "append" else 0
            table = _score_table(package, connection, _ordered(manifest, query, skip=write == "append"))
        finally:
            connection.close()
        files = _write(table, out, write, partition_by)
        return ScoreResult(out, table.num_rows, skipped, files)


# --- the rows to score -----------------------------------------------------------------------------------------------
def _use_source(connection: duckdb.DuckDBPyConnection, manifest: PackageManifest, source: str | None) -> None:
    """Let the spine be its own history together with the rows of another source."""
    if source is None or source == manifest.spine:
        return
    by_name = {dataset.name: dataset for dataset in manifest.datasets}
    if source not in by_name:
        raise _unknown(manifest, "dataset", source, tuple(by_name))
    shared = [c.name for c in by_name[manifest.spine].columns if by_name[source].column(c.name)]
    spine, keys = quote(manifest.spine), ", ".join(map(quote, manifest.primary_key))
    connection.execute(f"ALTER VIEW {spine} RENAME TO __history")
    connection.execute(
        f"CREATE VIEW {spine} AS SELECT * FROM __history ANTI JOIN {quote(source)} USING ({keys}) "
        f"UNION ALL BY NAME SELECT {', '.join(map(quote, shared))} FROM {quote(source)}"
    )


def _partitioned_query(
    connection: duckdb.DuckDBPyConnection, manifest: PackageManifest, source: str | None, partition_by: Sequence[str]
) -> str:
    """Return the batch query with the partitions' values beside its columns, of the source's rows alone."""
    keys = ", ".join(map(quote, manifest.primary_key))
    items = [f"{_partition_value(manifest, name)} AS {quote(_PARTITION + name)}" for name in partition_by]
    joins = f"JOIN {quote(manifest.spine)} AS s USING ({keys})" if items else ""
    if source is not None and source != manifest.spine:
        joins += f" SEMI JOIN {quote(source)} USING ({keys})"
    query = f"SELECT {', '.join(['b.*', *items])} FROM ({manifest.batch_sql}) AS b {joins}"
    _run(connection, f"DESCRIBE {query}", manifest)
    return query


def _partition_value(manifest: PackageManifest, name: str) -> str:
    spine = next(dataset for dataset in manifest.datasets if dataset.name == manifest.spine)
    if spine.column(name):
        return f"s.{quote(name)}"
    if name == "predict_date":
        zone = literal(manifest.timezone)
        return f"CAST(timezone({zone}, timezone('UTC', b.{quote(PREDICT_AT)})) AS DATE)"
    raise _unknown(manifest, "partition column", name, (*(c.name for c in spine.columns), "predict_date"))


def _check_keys(connection: duckdb.DuckDBPyConnection, manifest: PackageManifest, query: str) -> None:
    keys = [quote(name) for name in manifest.primary_key]
    missing = " OR ".join(f"{key} IS NULL" for key in keys) or "false"
    counts = f"count(*), count(DISTINCT ({', '.join(keys)})), count(*) FILTER ({missing})"
    rows, distinct, nulls = (int(str(n)) for n in _run(connection, f"SELECT {counts} FROM ({query})", manifest)[0])
    if nulls or distinct < rows:
        what = f"{nulls:,} without a key" if nulls else f"{rows - distinct:,} that repeat a key"
        raise ExecutionError(Finding(
            "MLC486", f"of {rows:,} rows to score there are {what} ({', '.join(manifest.primary_key)})",
            _at(manifest), help="mend the dataset, or its `primary_key`",
        ))  # fmt: skip


def _skip_scored(connection: duckdb.DuckDBPyConnection, manifest: PackageManifest, query: str, out: Path) -> int:
    """Make the keys that were scored before known to the connection; returns how many of the rows they are."""
    connection.register("__scored", scored_keys(out, manifest.primary_key))
    condition = " AND ".join(f"q.{quote(k)} = d.{quote(k)}" for k in manifest.primary_key)
    matched = f"SELECT count(*) FROM ({query}) AS q SEMI JOIN __scored AS d ON {condition}"
    try:
        return int(str(_run(connection, matched, manifest)[0][0]))
    finally:
        connection.execute(f"CREATE TEMP VIEW __new AS SELECT q.* FROM ({query}) AS q ANTI JOIN __scored AS d ON {condition}")


def scored_keys(out: Path, keys: Sequence[str]) -> pyarrow.Table:
    """Return the primary keys that a folder of scores holds."""
    import pyarrow
    import pyarrow.parquet

    files = sorted(path for path in out.rglob("*.parquet") if not path.name.startswith("."))
    tables = [pyarrow.parquet.ParquetFile(path).read(columns=list(keys)) for path in files]
    if tables:
        return pyarrow.concat_tables(tables)
    return pyarrow.table({key: pyarrow.array([], pyarrow.null()) for key in keys})


def _ordered(manifest: PackageManifest, query: str, *, skip: bool) -> str:
    order = ", ".join(map(quote, (PREDICT_AT, *manifest.primary_key)))
    return f"SELECT * FROM {'__new' if skip else f'({query})'} ORDER BY {order}"


def _run(connection: duckdb.DuckDBPyConnection, sql: str, manifest: PackageManifest) -> list[tuple[object, ...]]:
    import duckdb

    try:
        rows: list[tuple[object, ...]] = connection.execute(sql).fetchall()
    except duckdb.Error as error:
        raise _query_fails(manifest, error) from error
    return rows


# --- scoring ---------------------------------------------------------------------------------------------------------
def _score_table(package: Package, connection: duckdb.DuckDBPyConnection, query: str) -> pyarrow.Table:
    import duckdb
    import pyarrow

    try:
        reader = connection.execute(query).to_arrow_reader(_ROWS)
        schema = _score_batch(package, pyarrow.RecordBatch.from_pylist([], reader.schema)).schema
        batches = [_score_batch(package, batch) for batch in reader if batch.num_rows]
    except duckdb.Error as error:
        raise _query_fails(package.manifest, error) from error
    return pyarrow.Table.from_batches([b for b in batches], schema)


def _score_batch(package: Package, batch: pyarrow.RecordBatch) -> pyarrow.RecordBatch:
    import pyarrow

    manifest = package.manifest
    columns = {f.name: batch.column(f.name).to_numpy(zero_copy_only=False) for f in manifest.features}
    kept = {name: batch.column(name) for name in manifest.primary_key} | {"predict_at": batch.column(PREDICT_AT)}
    partitions = {name: batch.column(name) for name in batch.schema.names if name.startswith(_PARTITION)}
    texts = {"model": manifest.model, "version": manifest.version}
    constants = {name: pyarrow.array([text] * batch.num_rows, pyarrow.string()) for name, text in texts.items()}
    return pyarrow.RecordBatch.from_pydict(kept | _outcome(package, columns, batch.num_rows) | constants | partitions)
