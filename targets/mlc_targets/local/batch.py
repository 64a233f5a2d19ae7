"""Batch scoring: a dataset's rows, each scored once by its primary key, become a dataset of predictions."""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args
from urllib.parse import quote as escape

from mlc_compiler.backend.target import ExecutionError
from mlc_compiler.diagnostics import Finding, Span, nearest
from mlc_compiler.records import dataclass
from mlc_targets.local.commands import tell
from mlc_targets.local.data.relations import literal, open_datasets, quote
from mlc_targets.local.package.bundle import Array, Package, load_package
from mlc_targets.local.package.manifest import PackageManifest
from mlc_targets.local.placing import alone, place_folder, recover_folders, staging_folder
from mlc_targets.local.serve.answer import decide

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

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
    """Score the rows of `source` (None and `dataset` are the spine) into the folder `out`.

    Rows of a source other than the spine are scored as rows of the spine, whose own rows remain the history that
    aggregates see. `append` skips keys that `out` holds; `replace_partition` replaces the partitions that get rows;
    both and `replace` never show a reader half a file. Columns: primary key, predict_at, probability and label or
    prediction, model, version. Raises ExecutionError: data that can't be read, MLC483, MLC486 to MLC488.
    """
    manifest = package.manifest
    source = None if source in {"dataset", manifest.spine} else source
    with alone(out):
        recover_folders(out)
        connection = open_datasets(manifest.datasets, root)
        try:
            use_source(connection, manifest, source)
            query = partitioned_query(connection, manifest, source, partition_by)
            _check_keys(connection, manifest, query)
            skipped = _skip_scored(connection, manifest, query, out) if write == "append" else 0
            table = _score_table(package, connection, _ordered(manifest, query, skip=write == "append"))
        finally:
            connection.close()
        files = _write(table, out, write, partition_by)
        return ScoreResult(out, table.num_rows, skipped, files)


# --- the rows to score -----------------------------------------------------------------------------------------------
def use_source(connection: duckdb.DuckDBPyConnection, manifest: PackageManifest, source: str | None) -> None:
    """Let the spine be its own history together with the rows of another source."""
    if source is None:
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


def partitioned_query(
    connection: duckdb.DuckDBPyConnection, manifest: PackageManifest, source: str | None, partition_by: Sequence[str]
) -> str:
    """Return the batch query with the partitions' values beside its columns, of the source's rows alone."""
    keys = ", ".join(map(quote, manifest.primary_key))
    items = [f"{_partition_value(manifest, name)} AS {quote(_PARTITION + name)}" for name in partition_by]
    joins = f"JOIN {quote(manifest.spine)} AS s USING ({keys})" if items else ""
    if source is not None:
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
    connection.execute(
        f"CREATE TEMP VIEW __new AS SELECT q.* FROM ({query}) AS q ANTI JOIN __scored AS d ON {condition}"
    )
    counts = f"(SELECT count(*) FROM ({query})) - (SELECT count(*) FROM __new)"
    return int(str(_run(connection, f"SELECT {counts}", manifest)[0][0]))


def scored_keys(out: Path, keys: Sequence[str]) -> pa.Table:
    """Return the primary keys that a folder of scores holds."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = sorted(path for path in out.rglob("*.parquet") if not path.name.startswith("."))
    tables = [pq.ParquetFile(path).read(columns=list(keys)) for path in files]
    if tables:
        return pa.concat_tables(tables)
    return pa.table({key: pa.array([], pa.null()) for key in keys})


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
def _score_table(package: Package, connection: duckdb.DuckDBPyConnection, query: str) -> pa.Table:
    import duckdb
    import pyarrow as pa

    try:
        reader = connection.sql(query).to_arrow_reader(_ROWS)
        schema = _score_batch(package, pa.RecordBatch.from_pylist([], reader.schema)).schema
        batches = [_score_batch(package, batch) for batch in reader if batch.num_rows]
    except duckdb.Error as error:
        raise _query_fails(package.manifest, error) from error
    return pa.Table.from_batches(batches, schema)


def _score_batch(package: Package, batch: pa.RecordBatch) -> pa.RecordBatch:
    import pyarrow as pa

    manifest = package.manifest
    columns = feature_arrays(manifest, batch)
    kept = {name: batch.column(name) for name in manifest.primary_key} | {"predict_at": batch.column(PREDICT_AT)}
    partitions = {name: batch.column(name) for name in batch.schema.names if name.startswith(_PARTITION)}
    texts = {"model": manifest.model, "version": manifest.version}
    constants = {name: pa.array([text] * batch.num_rows, pa.string()) for name, text in texts.items()}
    return pa.RecordBatch.from_pydict(kept | _outcome(package, columns, batch.num_rows) | constants | partitions)


def feature_arrays(manifest: PackageManifest, batch: pa.RecordBatch) -> dict[str, Array]:
    """Return the features of some rows as arrays, as the query returns them."""
    return {f.name: batch.column(f.name).to_numpy(zero_copy_only=False) for f in manifest.features}


def _outcome(package: Package, columns: dict[str, Array], rows: int) -> dict[str, pa.Array]:
    import pyarrow as pa

    manifest = package.manifest
    decided = decide(manifest, package.predict(columns)) if rows else None
    live = pa.array(decided.live if decided else [], pa.float64())
    if not manifest.classifies:
        return {"prediction": live}
    return {"probability": live, "label": pa.array(decided.labels or () if decided else (), _label_type(manifest))}


def _label_type(manifest: PackageManifest) -> pa.DataType:
    import pyarrow as pa

    kinds = {type(value) for value in manifest.classes}
    if kinds == {bool}:
        return pa.bool_()
    return pa.int64() if kinds == {int} else pa.string()


# --- writing ---------------------------------------------------------------------------------------------------------
def _write(table: pa.Table, out: Path, write: Write, partition_by: Sequence[str]) -> tuple[Path, ...]:
    parts = list(_parts(table, partition_by))
    with staging_folder(out) as staging:
        if write == "append":
            return tuple(_append(part, staging, out / folder) for folder, part in parts if part.num_rows)
        if write == "replace_partition" and partition_by:
            return tuple(_replace(part, staging / str(i), out / folder) for i, (folder, part) in enumerate(parts))
        for folder, part in parts:
            _write_file(part, staging / "all" / folder / SCORES_FILE)
        (staging / "all").mkdir(exist_ok=True)
        place_folder(staging / "all", out)
        return tuple(out / folder / SCORES_FILE for folder, _ in parts)


def _parts(table: pa.Table, partition_by: Sequence[str]) -> Iterator[tuple[str, pa.Table]]:
    """Yield each partition's folder (`column=value/...`) and rows, in order of the folders."""
    if not partition_by:
        yield "", table
        return
    columns = [table.column(_PARTITION + name).to_pylist() for name in partition_by]
    rows: dict[str, list[int]] = {}
    for number, values in enumerate(zip(*columns, strict=True)):
        folder = "/".join(f"{name}={_folder_text(v)}" for name, v in zip(partition_by, values, strict=True))
        rows.setdefault(folder, []).append(number)
    bare = table.drop_columns([_PARTITION + name for name in partition_by])
    bare = bare.drop_columns([name for name in partition_by if name in bare.column_names])
    for folder in sorted(rows):
        yield folder, bare.take(rows[folder])


def _folder_text(value: object) -> str:
    return _NO_VALUE if value is None else escape(str(value), safe="")


def _append(part: pa.Table, staging: Path, folder: Path) -> Path:
    made = _write_file(part, staging / SCORES_FILE)
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    return made.rename(folder / f"scores-{digest[:12]}.parquet")


def _replace(part: pa.Table, made: Path, folder: Path) -> Path:
    _write_file(part, made / SCORES_FILE)
    folder.parent.mkdir(parents=True, exist_ok=True)
    place_folder(made, folder)
    return folder / SCORES_FILE


def _write_file(part: pa.Table, path: Path) -> Path:
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(part, path, compression="zstd")
    return path


# --- findings --------------------------------------------------------------------------------------------------------
def _at(manifest: PackageManifest) -> Span:
    return Span(f"batch of {manifest.model}", 1, 1, 1, 1)


def _query_fails(manifest: PackageManifest, error: Exception) -> ExecutionError:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return ExecutionError(Finding(
        "MLC487", f"the batch query of `{manifest.model}` fails on the data", _at(manifest), " ".join(lines[:2]),
        help="mend the data or the expression; try_cast and nullif spare bad values",
    ))  # fmt: skip


def _unknown(manifest: PackageManifest, kind: str, name: str, names: Sequence[str]) -> ExecutionError:
    close = nearest(name, names)
    return ExecutionError(Finding(
        "MLC488", f"there is no {kind} `{name}` in the batch of `{manifest.model}`", _at(manifest),
        help=f"did you mean `{close}`?" if close else f"there are {', '.join(names)}",
    ))  # fmt: skip


# --- command ---------------------------------------------------------------------------------------------------------
def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m mlc_targets.local.batch", description="Score a dataset.")
    parser.add_argument("--package", type=Path, required=True, help="folder of the package")
    parser.add_argument("--data-root", type=Path, required=True, help="folder that the datasets' paths start at")
    parser.add_argument("--out", type=Path, required=True, help="folder of the scored dataset")
    parser.add_argument("--input", help="dataset whose rows are scored (default: the spine)")
    parser.add_argument(
        "--write", choices=get_args(Write), default="replace_partition", help="what becomes of old scores"
    )
    parser.add_argument(
        "--partition-by", nargs="+", action="extend", default=[], metavar="COLUMN", help="columns that name the folders"
    )
    parser.add_argument("--trust", nargs="+", default=(), metavar="TYPE", help="types of own code in a skops package")
    parser.add_argument("--digest", help="digest that the package must have, sha256:...")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Score a batch; exit code 0, or 1 after a finding."""
    given = _parser().parse_args(arguments)
    try:
        package = load_package(given.package, digest=given.digest, trusted=given.trust)
        result = score(
            package, given.data_root, given.out,
            source=given.input, write=given.write, partition_by=given.partition_by,
        )  # fmt: skip
    except ExecutionError as error:
        return tell(error)
    sys.stdout.write(f"{result.rows} rows scored, {result.skipped} skipped: {result.path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
