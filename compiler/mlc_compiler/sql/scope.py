"""What names mean inside one expression: columns with their value types and the SQL that reads them."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import field

from mlc_compiler.ir import Column, Dataset, Scalar
from mlc_compiler.records import dataclass
from mlc_compiler.sql.syntax import Name

_VALUE_TYPES = {"int32": "int64", "float32": "float64", "decimal": "float64"}


@dataclass(frozen=True, slots=True)
class ScopeColumn:
    """`name` is the canonical name, `type` a value type: string int64 float64 bool timestamp date."""

    name: str
    sql: str
    type: str
    enum: tuple[Scalar, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """Columns by their name in lower case, with the qualifier where the text writes one: `carrier`, `weather.temp`.

    `where` says in messages what was searched, e.g. "dataset `flights`"; `related` are further names that a misspelt
    one may have meant, which this text does not use.
    """

    columns: Mapping[str, ScopeColumn]
    where: str
    timezone: str = "UTC"
    qualifiers: frozenset[str] = field(default_factory=frozenset)
    joins: frozenset[str] = field(default_factory=frozenset)
    related: tuple[str, ...] = ()

    def searched(self, qualifier: str | None) -> str:
        """Return in words what a name was looked for in."""
        return f"join `{qualifier}`" if qualifier and qualifier.lower() in self.joins else self.where

    def find(self, name: Name) -> ScopeColumn | None:
        return self.columns.get(key(name.qualifier, name.name))


def key(qualifier: str | None, name: str) -> str:
    """Return the key of a name: SQL names differ by more than case."""
    return f"{qualifier}.{name}".lower() if qualifier else name.lower()


def value_type(column: Column) -> str:
    """Return the type that a column has inside expressions: integers are int64, other numbers float64."""
    return _VALUE_TYPES.get(column.type, column.type)


def quote(name: str) -> str:
    """Return a name as a quoted SQL identifier.

    >>> quote('a"b')
    '"a""b"'
    """
    return '"' + name.replace('"', '""') + '"' if '"' in name else f'"{name}"'


def read_sql(column: Column, source: str) -> str:
    """Return SQL that reads a column as its value type; a float that is not finite reads as null."""
    if value_type(column) == "float64":
        wide = source if column.type == "float64" else f"CAST({source} AS DOUBLE)"
        return f"CASE WHEN isfinite({wide}) THEN {wide} END"
    return f"CAST({source} AS BIGINT)" if column.type == "int32" else source


def listed(dataset: Dataset) -> str:
    """Return the columns of a dataset, as help for a name that none of them is near to."""
    names = [column.name for column in dataset.columns]
    return f"its columns are {', '.join(names[:8])}" + (" ..." if len(names) > 8 else "")


def dataset_scope(dataset: Dataset, timezone: str) -> Scope:
    """Return the scope of expressions over one row of a relation that holds the dataset as it is stored."""
    columns: dict[str, ScopeColumn] = {}
    for column in dataset.columns:
        sql = read_sql(column, quote(column.name))
        entry = ScopeColumn(column.name, sql, value_type(column), column.enum)
        columns[key(None, column.name)] = columns[key(dataset.name, column.name)] = entry
    return Scope(columns, f"dataset `{dataset.name}`", timezone, frozenset((dataset.name.lower(),)))


@functools.lru_cache(maxsize=64)
def prepared_scope(dataset: Dataset, timezone: str) -> Scope:
    """Return the same scope over a relation whose columns were read by `read_sql` and are called "dataset.column"."""
    columns: dict[str, ScopeColumn] = {}
    for column in dataset.columns:
        entry = ScopeColumn(column.name, quote(f"{dataset.name}.{column.name}"), value_type(column), column.enum)
        columns[key(None, column.name)] = columns[key(dataset.name, column.name)] = entry
    return Scope(columns, f"dataset `{dataset.name}`", timezone, frozenset((dataset.name.lower(),)))
