"""The rows that signals are computed of: what the package's own query returns of a stretch of time, scored."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mlc_compiler.backend.target import ExecutionError
from mlc_compiler.diagnostics import Finding, Span
from mlc_compiler.ir import Scalar
from mlc_compiler.records import dataclass
from mlc_targets.local.package.bundle import Array, Package, encode_columns
from mlc_targets.local.package.manifest import PackageManifest

if TYPE_CHECKING:
    import duckdb

PREDICT_AT, LABEL, LABEL_KNOWN_AT = "__predict_at", "__label", "__label_known_at"
_AT_ONCE = 50_000
_PROMPT = 0.95  # share of the labels that must be known of rows this old


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """N rows: `columns` are encoded features, `scores` [N] or [N, K]; `labels` are None where not asked for."""

    predict_at: Array  # datetime64[us] [N], UTC
    columns: dict[str, Array]
    scores: Array
    labels: tuple[Scalar, ...] | None = None

    def within(self, start: dt.datetime, end: dt.datetime) -> Rows:
        """Return the rows that were predicted from `start` to before `end` (UTC without a zone)."""
        times = self.predict_at
        return self.at((times >= np.datetime64(start, "us")) & (times < np.datetime64(end, "us")))

    def at(self, mask: Array) -> Rows:
        """Return the rows of a mask."""
        columns = {name: column[mask] for name, column in self.columns.items()}
        labels = self.labels and tuple(self.labels[i] for i in np.flatnonzero(mask).tolist())
        return Rows(self.predict_at[mask], columns, self.scores[mask], labels)

    def __len__(self) -> int:
        return len(self.predict_at)


def live_rows(
    connection: duckdb.DuckDBPyConnection, package: Package, span: tuple[dt.datetime, dt.datetime]
) -> Rows:  # fmt: skip
    """Return the rows predicted in a stretch of time; raises ExecutionError MLC487 where the query fails."""
    manifest = package.manifest
    sql = f"SELECT * FROM ({manifest.batch_sql}) WHERE {PREDICT_AT} >= $start AND {PREDICT_AT} < $end"
    table = _table(connection, manifest, sql, {"start": span[0], "end": span[1]})
    return _rows(package, table)


def labelled_rows(
    connection: duckdb.DuckDBPyConnection, package: Package, span: tuple[dt.datetime, dt.datetime], now: dt.datetime
) -> Rows:
    """Return the same with labels, None where none was known at `now`; the package must keep its training query."""
    manifest = package.manifest
    known = f"CASE WHEN coalesce({LABEL_KNOWN_AT} <= $now, true) THEN {LABEL} END"
    sql = (
        f"SELECT * REPLACE ({known} AS {LABEL}) FROM ({manifest.training_sql}) "
        f"WHERE {PREDICT_AT} >= $start AND {PREDICT_AT} < $end"
    )
    table = _table(connection, manifest, sql, {"start": span[0], "end": span[1], "now": now})
    return _rows(package, table, tuple(table.pop(LABEL).tolist()))


def observed_delay(
    connection: duckdb.DuckDBPyConnection, package: Package, now: dt.datetime
) -> float | None:  # fmt: skip
    """Return the seconds after which 95 % of the labels known at `now` were known, None where none was."""
    late = f"epoch({LABEL_KNOWN_AT}) - epoch({PREDICT_AT})"
    sql = (
        f"SELECT quantile_disc({late}, {_PROMPT}) AS delay FROM ({package.manifest.training_sql}) "
        f"WHERE {LABEL} IS NOT NULL AND {LABEL_KNOWN_AT} <= $now AND {PREDICT_AT} < $now"
    )
    found = _table(connection, package.manifest, sql, {"now": now})["delay"]
    delay = float(found[0]) if found[0] is not None else float("nan")
    return max(delay, 0.0) if np.isfinite(delay) else None


def _rows(package: Package, table: dict[str, Array], labels: tuple[Scalar, ...] | None = None) -> Rows:
    columns = encode_columns(package.manifest.features, table, package.manifest.missing_category)
    times = table[PREDICT_AT].astype("datetime64[us]")
    return Rows(times, columns, _scores(package, columns, len(times)), labels)


def _scores(package: Package, columns: dict[str, Array], count: int) -> Array:
    parts = [
        package.predict({name: column[start : start + _AT_ONCE] for name, column in columns.items()})
        for start in range(0, count, _AT_ONCE)
    ]
    return np.concatenate(parts) if parts else np.zeros(0)


def _table(
    connection: duckdb.DuckDBPyConnection, manifest: PackageManifest, sql: str, values: dict[str, dt.datetime]
) -> dict[str, Array]:
    import duckdb

    try:
        table = connection.sql(sql, params=values).to_arrow_table()
    except duckdb.Error as error:
        raise _query_fails(manifest, error) from error
    return {name: table.column(name).to_numpy(zero_copy_only=False) for name in table.column_names}


def _query_fails(manifest: PackageManifest, error: Exception) -> ExecutionError:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return ExecutionError(Finding(
        "MLC487", f"the query of `{manifest.model}` fails on the data",
        Span(f"monitor of {manifest.model}", 1, 1, 1, 1), " ".join(lines[:2]),
        help="mend the data or the expression; try_cast and nullif spare bad values",
    ))  # fmt: skip


def label_codes(manifest: PackageManifest, labels: Sequence[Scalar]) -> Array:
    """Return labels as metrics take them: 1 for the positive class, the class's index, or the value.

    Raises ValueError for classes that the model was not trained with.
    """
    if not manifest.classifies:
        return np.array(labels, dtype=np.float64)
    codes = {value: float(index) for index, value in enumerate(manifest.classes)}
    if unknown := sorted({str(label) for label in labels if label not in codes}):
        raise ValueError(f"the model knows no class {', '.join(unknown[:5])}")
    if manifest.task == "binary_classification":
        codes = {value: float(value == manifest.positive_class) for value in manifest.classes}
    return np.array([codes[label] for label in labels], dtype=np.float64)
