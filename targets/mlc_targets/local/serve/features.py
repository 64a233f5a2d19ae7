"""Features of a request: DuckDB runs the compiled serving query on the rows and the lookups of one snapshot.

The query is the one that training's was compiled with, so both mean the same. A database lives as long as its
snapshot: in memory, one thread, nothing outside within reach, its settings locked. DuckDB plans the query anew for each
request, and the rows are few, so the optimizer is off: it would cost more than it saves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from mlc_compiler.ir import Lookup
from mlc_targets.local.data.relations import SQL_TYPES, connect, quote
from mlc_targets.local.package.columns import Array
from mlc_targets.local.package.manifest import PackageManifest
from mlc_targets.local.serve.lookups import KeyedLookup, keyed_lookup
from mlc_targets.local.serve.request import Rows
from mlc_targets.local.serve.snapshot import Snapshot, SnapshotError

MISS_PREFIX = "__miss_"
_WITH = re.compile(r"\s*WITH\s+", re.IGNORECASE)


class FeatureError(Exception):
    """Rows that the query fails on, such as an overflow; the message is the engine's first line."""


@dataclass(frozen=True, slots=True)
class FeatureRows:
    """Features [N] by name, and for each lookup which rows missed it, [N] booleans."""

    columns: Mapping[str, Array]
    misses: Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation that parameters bring: its name, and its columns with their SQL types."""

    name: str
    columns: tuple[tuple[str, str], ...]


class FeatureDatabase:
    """The lookups of one snapshot, and cursors that run the serving query over them."""

    def __init__(self, manifest: PackageManifest, snapshot: Snapshot | None, cursors: int) -> None:
        """Load the lookups; raises SnapshotError where a file is not the table that the query needs."""
        self.snapshot = snapshot
        self._connection = connect(1)
        self._keyed: list[KeyedLookup] = []
        relations = [Relation("request", tuple((c.name, SQL_TYPES[c.type]) for c in manifest.request))]
        tables = dict(snapshot.tables) if snapshot else {}
        for lookup in manifest.lookups if snapshot else ():
            relations += self._load(manifest, lookup, tables[lookup.name])
        plan = CursorPlan(manifest, tuple(relations), tuple(self._keyed))
        self.cursors = tuple(FeatureCursor(self._connection.cursor(), plan) for _ in range(cursors))
        for setting in ("enable_external_access = false", "lock_configuration = true"):
            self._connection.execute(f"SET {setting}")
        self._try(manifest)

    def _load(self, manifest: PackageManifest, lookup: Lookup, path: Path) -> list[Relation]:
        """Take a lookup into memory, by its keys where these can be compared here, else as a table."""
        try:
            found = self._connection.read_parquet(str(path))
            keyed = keyed_lookup(lookup, manifest.request, path)
            if keyed is None:
                found.create(quote(lookup.name))
                return []
        except (duckdb.Error, OSError, ValueError) as error:
            raise SnapshotError(f"lookup {lookup.name} cannot be read: {_first_line(error)}") from error
        self._keyed.append(keyed)
        return [Relation(lookup.name, tuple(zip(found.columns, map(str, found.types), strict=True)))]

    def _try(self, manifest: PackageManifest) -> None:
        """Run the query once before a caller does: it must fit the lookups' columns."""
        nothing = {column.name: [None] for column in manifest.request}
        try:
            for cursor in self.cursors:
                cursor.compute(Rows(1, nothing))
                cursor.compute(Rows(2, {name: [None, None] for name in nothing}))
        except FeatureError:
            return  # nulls that the query refuses; the schema may not let them through
        except (duckdb.Error, KeyError) as error:
            raise SnapshotError(f"the serving query does not run: {_first_line(error)}") from error


@dataclass(frozen=True)
class CursorPlan:
    """What every cursor runs: the manifest's query over relations that parameters bring."""

    manifest: PackageManifest
    relations: tuple[Relation, ...]
    keyed: tuple[KeyedLookup, ...]


class FeatureCursor:
    """One thread's connection: the serving query, parsed once for one row and once for many."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, plan: CursorPlan) -> None:
        self._connection = connection
        connection.execute("PRAGMA disable_optimizer")
        # A name that is no table must fail, not read a variable of this process.
        connection.execute("SET python_enable_replacements = false")
        manifest = plan.manifest
        self._names = tuple(column.name for column in manifest.request)
        self._features = tuple(feature.name for feature in manifest.features)
        self._lookups = tuple(lookup.name for lookup in manifest.lookups)
        self._keyed = plan.keyed
        self._one = self._statement(serving_statement(manifest.serving_sql, plan.relations, one_row=True))
        self._many = self._statement(serving_statement(manifest.serving_sql, plan.relations, one_row=False))

    def _statement(self, sql: str) -> duckdb.Statement:
        return self._connection.extract_statements(sql)[0]

    def compute(self, rows: Rows) -> FeatureRows:
        """Return the features of all rows, in their order; raises FeatureError for values that the query refuses."""
        sent = [rows.columns[name] for name in self._names]
        try:
            if rows.count == 1:
                values = [column[0] for column in sent] + [v for lookup in self._keyed for v in lookup.row(rows)]
                found = self._connection.execute(self._one, values).fetchnumpy()
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


def serving_statement(sql: str, relations: Sequence[Relation], *, one_row: bool) -> str:
    """Return the serving query over parameters: for one row a value a column, else the row count and lists.

    The first relation is the request, whose rows are numbered.
    """
    number = 0 if one_row else 1
    tables = []
    for relation in relations:
        items = []
        for name, kind in relation.columns:
            number += 1
            value = f"CAST(${number} AS {kind})" if one_row else f"unnest(CAST(${number} AS {kind}[]))"
            items.append(f"{value} AS {quote(name)}")
        if relation is relations[0]:
            items.insert(0, "CAST(0 AS BIGINT) AS __row" if one_row else "unnest(range(CAST($1 AS BIGINT))) AS __row")
        tables.append(f"{quote(relation.name)} AS (SELECT {', '.join(items)})")
    clause = _WITH.match(sql)
    rest = f", {sql[clause.end() :]}" if clause else f" {sql}"
    return f"WITH {', '.join(tables)}{rest}"


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
