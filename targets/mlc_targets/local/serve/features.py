"""Features of a request: DuckDB runs the compiled serving query on the rows and the lookups of one snapshot.

The query is the one that training's was compiled with, so both mean the same. A database lives as long as its
snapshot: in memory, one thread, nothing outside within reach, its settings locked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import numpy as np

from mlc_compiler.ir import Lookup
from mlc_compiler.records import dataclass
from mlc_targets.local.data.relations import SQL_TYPES, connect, literal, quote
from mlc_targets.local.package.columns import Array
from mlc_targets.local.package.manifest import PackageManifest
from mlc_targets.local.serve.lookups import HIT, KeyedLookup, keyed_lookup
from mlc_targets.local.serve.request import Rows
from mlc_targets.local.serve.snapshot import Snapshot, SnapshotError

MISS_PREFIX = "__miss_"
_ONE = "one"
_WITH = re.compile(r"\s*WITH\s+", re.IGNORECASE)


class FeatureError(Exception):
    """Rows that the query fails on, such as an overflow; the message is the engine's first line."""


@dataclass(frozen=True, slots=True)
class FeatureRows:
    """Features [N] by name, and for each lookup which rows missed it, [N] booleans."""

    columns: Mapping[str, Array]
    misses: Mapping[str, Array]


Columns = tuple[tuple[str, str], ...]
"""Names of columns with their SQL types."""


class FeatureDatabase:
    """The lookups of one snapshot, and cursors that run the serving query over them.

    A package with `row_sql` looks up here, by key; one without has its lookups joined as tables.
    """

    def __init__(self, manifest: PackageManifest, snapshot: Snapshot | None, cursors: int) -> None:
        """Load the lookups; raises SnapshotError where a file is not the table that the query needs."""
        self.snapshot = snapshot
        self._connection = connect(1)
        self._keyed: list[KeyedLookup] = []
        columns = [(column.name, SQL_TYPES[column.type]) for column in manifest.request]
        tables = dict(snapshot.tables) if snapshot else {}
        for lookup in manifest.lookups if snapshot else ():
            columns += self._load(lookup, tables[lookup.name], by_key=bool(manifest.row_sql))
        keyed = tuple(self._keyed)
        try:
            self.cursors = tuple(
                FeatureCursor(self._connection.cursor(), manifest, tuple(columns), keyed) for _ in range(cursors)
            )
            for setting in ("enable_external_access = false", "lock_configuration = true"):
                self._connection.execute(f"SET {setting}")
            self._try(manifest)
        except (duckdb.Error, KeyError) as error:
            raise SnapshotError(f"the serving query does not run: {_first_line(error)}") from error

    def _load(self, lookup: Lookup, path: Path, *, by_key: bool) -> list[tuple[str, str]]:
        """Take a lookup into memory; returns the columns that requests will bring of it."""
        try:
            found = self._connection.read_parquet(str(path))
            if not by_key:
                found.create(quote(lookup.name))
                return []
            self._keyed.append(keyed_lookup(lookup, path))
        except (duckdb.Error, OSError, ValueError, KeyError) as error:
            raise SnapshotError(f"lookup {lookup.name} cannot be read: {_first_line(error)}") from error
        kinds = dict(zip(found.columns, map(str, found.types), strict=True)) | {HIT: "BOOLEAN"}
        return [(f"{lookup.name}:{name}", kinds[name]) for name in (*lookup.columns, HIT)]

    def _try(self, manifest: PackageManifest) -> None:
        """Run the query once before a caller does."""
        try:
            for cursor in self.cursors:
                for count in (1, 2):
                    cursor.compute(Rows(count, {column.name: [None] * count for column in manifest.request}))
        except FeatureError:
            return  # nulls that the query refuses; the schema may not let them through


class FeatureCursor:
    """One thread's connection: the serving query, planned once for one row, and parsed once for many."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, manifest: PackageManifest, columns: Columns,
        keyed: tuple[KeyedLookup, ...],
    ) -> None:  # fmt: skip
        self._connection = connection
        self._keyed = keyed
        self._kinds = tuple(kind for _, kind in columns)
        self._names = tuple(column.name for column in manifest.request)
        self._features = tuple(feature.name for feature in manifest.features)
        self._lookups = tuple(lookup.name for lookup in manifest.lookups)
        # A name that is no table must fail, not read a variable of this process.
        connection.execute("SET python_enable_replacements = false")
        sql = manifest.row_sql or manifest.serving_sql
        connection.execute(f"PREPARE {_ONE} AS {serving_statement(sql, columns, one_row=True)}")
        # Plans over lists are made anew each time, and for few rows the optimizer costs more than it saves.
        connection.execute("PRAGMA disable_optimizer")
        self._many = connection.extract_statements(serving_statement(sql, columns, one_row=False))[0]

    def compute(self, rows: Rows) -> FeatureRows:
        """Return the features of all rows, in their order; raises FeatureError for values that the query refuses."""
        sent = [rows.columns[name] for name in self._names]
        try:
            if rows.count == 1:
                values = [column[0] for column in sent] + [v for lookup in self._keyed for v in lookup.row(rows)]
                found = self._connection.execute(execution(values, self._kinds)).fetchnumpy()
            else:
                looked_up = [column for lookup in self._keyed for column in lookup.rows(rows)]
                found = self._connection.execute(self._many, [rows.count, *sent, *looked_up]).fetchnumpy()
        except (duckdb.DataError, duckdb.InvalidInputException) as error:
            raise FeatureError(_first_line(error)) from error
        return self._split(found, rows.count)

    def _split(self, found: Mapping[str, Array], count: int) -> FeatureRows:
        columns = {name: found[name] for name in self._features}
        if any(len(column) != count for column in columns.values()):
            raise RuntimeError(f"the serving query returned another number of rows than {count}")
        misses = {name: np.ma.filled(found[MISS_PREFIX + name], True) for name in self._lookups}
        return FeatureRows(columns, misses)


def serving_statement(sql: str, columns: Columns, *, one_row: bool) -> str:
    """Return the serving query over parameters: for one row a value a column, else the row count and lists."""
    if one_row:
        items = ["CAST(0 AS BIGINT) AS __row"]
        items += [f"CAST(${i} AS {kind}) AS {quote(name)}" for i, (name, kind) in enumerate(columns, 1)]
    else:
        items = ["unnest(range(CAST($1 AS BIGINT))) AS __row"]
        items += [f"unnest(CAST(${i} AS {kind}[])) AS {quote(name)}" for i, (name, kind) in enumerate(columns, 2)]
    request = f"WITH request AS (SELECT {', '.join(items)})"
    clause = _WITH.match(sql)
    return f"{request}, {sql[clause.end() :]}" if clause else f"{request} {sql}"


def execution(values: Sequence[object], kinds: Sequence[str]) -> str:
    """Return the EXECUTE of the prepared query: DuckDB takes its arguments as literals alone.

    A plan that reads no table is kept between executions, which takes four fifths off a request.

    >>> execution(["O'Hare", 3, None], ["VARCHAR", "BIGINT", "DOUBLE"])
    "EXECUTE one(CAST('O''Hare' AS VARCHAR), CAST('3' AS BIGINT), CAST(NULL AS DOUBLE))"
    """
    arguments = (f"CAST({_literal(value)} AS {kind})" for value, kind in zip(values, kinds, strict=True))
    return f"EXECUTE {_ONE}({', '.join(arguments)})"


def _literal(value: object) -> str:
    """Return a value as an SQL literal; a quote inside is doubled, and no other character means anything there."""
    if value is None:
        return "NULL"
    text = str(value)
    if "\0" in text:  # the parser ends a statement there
        return " || chr(0) || ".join(literal(part) for part in text.split("\0"))
    return literal(text)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
