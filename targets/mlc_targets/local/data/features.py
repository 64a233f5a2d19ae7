"""Step features: runs the compiled feature query over the ingested datasets, with nothing else in reach."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlc_compiler.backend.target import ExecutionError
from mlc_compiler.ir import FeatureQuery, Model
from mlc_targets.local.data.files import with_reads
from mlc_targets.local.data.ingest import ROWS_FILE, create_stored, memory, scratch
from mlc_targets.local.data.relations import confine, connect, disk_refused, literal, open_datasets, quote
from mlc_targets.local.findings import refuse
from mlc_targets.local.job import Outcome, Run

if TYPE_CHECKING:
    import duckdb

FEATURES_FILE = "features.parquet"
PREDICT_AT, LABEL, LABEL_KNOWN_AT = "__predict_at", "__label", "__label_known_at"


def features(run: Run, out: Path) -> Outcome:
    """Write the rows of the training query in order of prediction time, ties by primary key."""
    query = run.model.features
    connection = stored_connection(run, query.datasets, out)
    rows = copy_query(connection, run.model, query.training_sql, query.primary_key, out / FEATURES_FILE)
    return Outcome({"rows": rows}, detail=f"{rows:,} rows, {len(query.features)} features")


def stored_connection(
    run: Run, datasets: Sequence[str], out: Path, champion: bool = False
) -> duckdb.DuckDBPyConnection:
    """Return a connection that sees the ingested datasets and may write to `out` alone.

    One thread: sums of floats depend on the order in which threads finish, and versions must not.
    """
    connection = connect(1, scratch(run), memory(run))
    folders = {name: run.ingested(name, champion) for name in datasets}
    for name, folder in folders.items():
        create_stored(connection, name, folder)
    confine(connection, [folder / ROWS_FILE for folder in folders.values()], (out, scratch(run)))
    return connection


def copy_query(
    connection: duckdb.DuckDBPyConnection, model: Model, sql: str, keys: Sequence[str], target: Path
) -> int:  # fmt: skip
    """Write a query's rows to Parquet, sorted, and return how many; raises ExecutionError where the query fails."""
    import duckdb

    order = ", ".join([PREDICT_AT, *map(quote, keys)])
    statement = f"COPY (SELECT * FROM ({sql}) ORDER BY {order}) TO {literal(str(target))} (FORMAT parquet)"
    try:
        return int(connection.execute(statement).fetchall()[0][0])
    except duckdb.IOException as failure:
        raise disk_refused(failure) from failure
    except duckdb.Error as failure:
        raise query_refused(model, failure) from failure
    finally:
        connection.close()


def query_refused(model: Model, failure: Exception) -> ExecutionError:
    """Return the finding of a feature query that fails on the data."""
    lines = [line for line in str(failure).splitlines() if line.strip()]
    return refuse(
        "MLC380",
        model.origin.at("features"),
        f"the feature query of `{model.name}` fails on the data",
        note=" ".join(lines[:2]),
        help="see the query with `mlc show --sql`, and the values that it meets; try_cast and nullif spare bad ones",
    )


def preview(
    model: Model, root: Path, names: Sequence[str], limit: int
) -> tuple[tuple[str, ...], tuple[tuple[object, ...], ...]]:
    """Return column names and the first rows of the feature query; no names: all features."""
    import duckdb

    query = model.features
    columns = [*query.primary_key, PREDICT_AT, *(names or _names(query))]
    items = ", ".join(quote(c) for c in dict.fromkeys(columns))
    order = ", ".join([PREDICT_AT, *map(quote, query.primary_key)])
    connection = open_datasets(with_reads(query.datasets, model.datasets), root)
    try:
        found = connection.sql(f"SELECT {items} FROM ({query.batch_sql}) ORDER BY {order} LIMIT {limit}")
        return tuple(found.columns), tuple(found.fetchall())
    except duckdb.Error as failure:
        raise query_refused(model, failure) from failure
    finally:
        connection.close()


def _names(query: FeatureQuery) -> list[str]:
    return [feature.name for feature in query.features]
