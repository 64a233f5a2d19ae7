"""Lookups of the online snapshot by key: a request brings what it looked up, and its query joins nothing.

A join against the table would build its hash table anew for each request, however large the table is.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mlc_compiler.ir import Lookup
from mlc_compiler.records import dataclass
from mlc_targets.local.serve.request import Rows

if TYPE_CHECKING:
    import pyarrow as pa

HIT = "__hit"


@dataclass(frozen=True)
class KeyedLookup:
    """A lookup's columns in memory, [N] each, and where each key stands in them."""

    name: str
    keys: tuple[str, ...]
    columns: tuple[pa.ChunkedArray, ...]
    positions: Mapping[Hashable, int]

    def row(self, rows: Rows) -> list[object]:
        """Return what the first of these rows finds: one value a column, and True; all null where it finds nothing."""
        position = self.positions.get(_keys(self.keys, rows)[0])
        if position is None:
            return [None] * (len(self.columns) + 1)
        return [*(values[position].as_py() for values in self.columns), True]

    def rows(self, rows: Rows) -> list[list[object]]:
        """Return what all of these rows find, one list a column, as `row` does."""
        import pyarrow as pa

        found = [self.positions.get(key) for key in _keys(self.keys, rows)]
        positions = pa.array(found, pa.int64())
        hits: list[object] = [None if position is None else True for position in found]
        return [*(values.take(positions).to_pylist() for values in self.columns), hits]


def _keys(names: Sequence[str], rows: Rows) -> Sequence[Hashable]:
    """Return each row's key: the value itself where one column is the key, which spares a million tuples.

    Python compares keys as SQL does, 7 and 7.0 included; a null key equals nothing.
    """
    if not names:
        return [()] * rows.count
    columns = [rows.columns[name] for name in names]
    return columns[0] if len(columns) == 1 else list(zip(*columns, strict=True))


def keyed_lookup(lookup: Lookup, path: Path) -> KeyedLookup:
    """Read a lookup's file; raises ValueError or OSError where it is not one, KeyError where a column is missing."""
    import pyarrow.parquet as pq  # 0.2 s, and only models with lookups need it

    table = pq.read_table(path, partitioning=None)
    columns = tuple(table.column(name) for name in lookup.columns)
    keys = [table.column(name).to_pylist() for name in lookup.keys]
    values = keys[0] if len(keys) == 1 else list(zip(*keys, strict=True)) if keys else [()] * table.num_rows
    positions = {value: position for position, value in enumerate(values) if _is_key(value)}
    return KeyedLookup(lookup.name, lookup.keys, columns, positions)


def _is_key(value: object) -> bool:
    return None not in value if isinstance(value, tuple) else value is not None
