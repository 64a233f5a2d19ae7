"""Lookups of the online snapshot by key: a request brings the query the rows that it needs, not the whole table.

A join against the table would build its hash table anew for each request, however large the table is.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlc_compiler.ir import Column, Lookup
from mlc_targets.local.serve.request import Rows

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class KeyedLookup:
    """A lookup's columns in memory, and where each key stands in them."""

    name: str
    keys: tuple[str, ...]
    columns: tuple[tuple[str, pa.ChunkedArray], ...]
    positions: Mapping[Hashable, int]

    def row(self, rows: Rows) -> list[object]:
        """Return the row for the first of these rows, one value a column; all null where there is none.

        A null key equals nothing, so the query's join misses that row, as it would miss a row that is not there.
        """
        position = self.positions.get(_keys(self.keys, rows)[0])
        if position is None:
            return [None] * len(self.columns)
        return [values[position].as_py() for _, values in self.columns]

    def rows(self, rows: Rows) -> list[list[object]]:
        """Return the rows for these rows, each once, one list a column."""
        found = (self.positions.get(key) for key in _keys(self.keys, rows))
        distinct = sorted({position for position in found if position is not None})
        return [values.take(distinct).to_pylist() if distinct else [] for _, values in self.columns]


def _keys(names: Sequence[str], rows: Rows) -> Sequence[Hashable]:
    """Return each row's key: the value itself where one column is the key, which spares a million tuples."""
    columns = [rows.columns[name] for name in names]
    return columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))


def keyed_lookup(lookup: Lookup, request: Sequence[Column], path: Path) -> KeyedLookup | None:
    """Read a lookup by its keys; None where the query has to compare keys itself (none, or of another type)."""
    import pyarrow.parquet as pq  # 0.2 s, and only models with lookups need it

    table = pq.read_table(path, partitioning=None)
    sent = {column.name: column for column in request}
    if not lookup.keys or not all(k in sent and _same_family(table.schema, k, sent[k].type) for k in lookup.keys):
        return None
    columns = tuple((name, table.column(name)) for name in table.column_names)
    keys = [table.column(name).to_pylist() for name in lookup.keys]
    values = keys[0] if len(keys) == 1 else list(zip(*keys, strict=True))
    positions = {value: position for position, value in enumerate(values) if _is_key(value)}
    return KeyedLookup(lookup.name, lookup.keys, columns, positions)


def _same_family(schema: pa.Schema, name: str, kind: str) -> bool:
    """Return whether Python compares a key as SQL does: both texts, both integers, and so on, but not floats."""
    import pyarrow as pa

    if name not in schema.names:
        return False
    found = schema.field(name).type
    families = (
        (pa.types.is_string(found) or pa.types.is_large_string(found), {"string"}),
        (pa.types.is_integer(found), {"int64", "int32"}),
        (pa.types.is_boolean(found), {"bool"}),
        (pa.types.is_timestamp(found) and found.tz is None, {"timestamp"}),
        (pa.types.is_date(found), {"date"}),
    )
    return any(fits and kind in kinds for fits, kinds in families)


def _is_key(value: object) -> bool:
    return None not in value if isinstance(value, tuple) else value is not None
