"""Features of a request: DuckDB runs the compiled serving query on the rows and the lookups of one snapshot.

The query is the one that training's was compiled with, so both mean the same. A database lives as long as its
snapshot: in memory, one thread, nothing outside within reach, its settings locked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np

from mlc_compiler.ir import Column
from mlc_targets.local.data.relations import SQL_TYPES, connect, quote
from mlc_targets.local.package.columns import Array
from mlc_targets.local.package.manifest import PackageManifest
from mlc_targets.local.serve.request import Rows
from mlc_targets.local.serve.snapshot import Snapshot, SnapshotError

MISS_PREFIX = "__miss_"
_WITH = re.compile(r"\s*WITH\s+", re.IGNORECASE)
_SMALL = 64
"""Up to so many rows, optimizing the plan costs more than it saves; it is made anew for each request."""


class FeatureError(Exception):
    """Rows that the query fails on, such as an overflow; the message is the engine's first line."""


@dataclass(frozen=True, slots=True)
class FeatureRows:
    """Features [N] by name, and for each lookup which rows missed it, [N] booleans."""

    columns: Mapping[str, Array]
    misses: Mapping[str, Array]


class FeatureDatabase:
    """The lookups of one snapshot in memory, and cursors that run the serving query over them."""

    def __init__(self, manifest: PackageManifest, snapshot: Snapshot | None, cursors: int) -> None:
        """Load the lookups; raises SnapshotError where a file is not the table that the query needs."""
        self.snapshot = snapshot
        self._connection = connect(1)
        for name, path in snapshot.tables if snapshot else ():
            self._load(name, str(path))
        self.cursors = tuple(FeatureCursor(self._connection.cursor(), manifest) for _ in range(cursors))
        for setting in ("enable_external_access = false", "lock_configuration = true"):
            self._connection.execute(f"SET {setting}")
        self._try(manifest)

    def _try(self, manifest: PackageManifest) -> None:
        """Run the query once before a caller does: it must fit the lookups' columns."""
        nothing = Rows(1, {column.name: [None] for column in manifest.request})
        try:
            for cursor in self.cursors:
                cursor.compute(nothing)
        except FeatureError:
            return  # nulls that the query refuses; the schema may not let them through
        except (duckdb.Error, KeyError) as error:
            raise SnapshotError(f"the serving query does not run: {_first_line(error)}") from error

    def _load(self, name: str, path: str) -> None:
        try:
            self._connection.read_parquet(path).create(quote(name))
        except duckdb.Error as error:
            raise SnapshotError(f"lookup {name} cannot be read: {_first_line(error)}") from error


class FeatureCursor:
    """One thread's connection: the serving query, parsed once for one row and once for many."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, manifest: PackageManifest) -> None:
        self._plain = connection
        self._optimized = connection.cursor()
        self._plain.execute("PRAGMA disable_optimizer")
        for cursor in (self._plain, self._optimized):
            # A name that is no table must fail, not read a variable of this process.
            cursor.execute("SET python_enable_replacements = false")
        self._names = tuple(column.name for column in manifest.request)
        self._features = tuple(feature.name for feature in manifest.features)
        self._lookups = tuple(lookup.name for lookup in manifest.lookups)
        self._one = self._statement(serving_statement(manifest, one_row=True))
        self._many = self._statement(serving_statement(manifest, one_row=False))

    def _statement(self, sql: str) -> duckdb.Statement:
        return self._plain.extract_statements(sql)[0]

    def compute(self, rows: Rows) -> FeatureRows:
        """Return the features of all rows, in their order; raises FeatureError for values that the query refuses."""
        cursor = self._plain if rows.count <= _SMALL else self._optimized
        values = [rows.columns[name] for name in self._names]
        try:
            if rows.count == 1:
                found = cursor.execute(self._one, [column[0] for column in values]).fetchnumpy()
            else:
                found = cursor.execute(self._many, [rows.count, *values]).fetchnumpy()
        except (duckdb.DataError, duckdb.InvalidInputException) as error:
            raise FeatureError(_first_line(error)) from error
        return self._split(found, rows.count)

    def _split(self, found: Mapping[str, Array], count: int) -> FeatureRows:
        columns = {name: found[name] for name in self._features}
        if any(len(column) != count for column in columns.values()):
            raise RuntimeError(f"the serving query returned another number of rows than {count}")
        misses = {name: np.ma.filled(found[MISS_PREFIX + name], True) for name in self._lookups}
        return FeatureRows(columns, misses)


def serving_statement(manifest: PackageManifest, *, one_row: bool) -> str:
    """Return the serving query over parameters: one value a column, or the row count and one list a column."""
    relation = _one_row(manifest.request) if one_row else _many_rows(manifest.request)
    request = f"WITH request AS ({relation})"
    clause = _WITH.match(manifest.serving_sql)
    if clause:
        return f"{request}, {manifest.serving_sql[clause.end() :]}"
    return f"{request} {manifest.serving_sql}"


def _one_row(columns: Sequence[Column]) -> str:
    items = [f"CAST(${i} AS {SQL_TYPES[c.type]}) AS {quote(c.name)}" for i, c in enumerate(columns, 1)]
    return "SELECT " + ", ".join(["CAST(0 AS BIGINT) AS __row", *items])


def _many_rows(columns: Sequence[Column]) -> str:
    items = [f"unnest(CAST(${i} AS {SQL_TYPES[c.type]}[])) AS {quote(c.name)}" for i, c in enumerate(columns, 2)]
    return "SELECT " + ", ".join(["unnest(range(CAST($1 AS BIGINT))) AS __row", *items])


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
