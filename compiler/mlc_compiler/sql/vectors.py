"""Golden vectors: requests with the values at which two evaluators of one expression may part, and rows around them.

Made from column types alone, the same ones for the same types: what training and serving make of them is compared by
whoever executes features.
"""

from __future__ import annotations

import datetime as dt
import functools
import math
from collections.abc import Iterator, Mapping, Sequence

from mlc_compiler.ir import Column, Dataset, Lookup, Scalar
from mlc_compiler.records import dataclass
from mlc_compiler.sql.edges import (
    COUNTED,
    NOON,
    edge_values,
    is_allowed,
    moment_text,
    numbered_value,
    pattern_keys,
    plain_value,
    tells_apart,
)
from mlc_compiler.sql.plain_rows import plain_row

MILD: Mapping[str, tuple[Scalar, ...]] = {
    "string": ("a", None, "b", "\u00e9", ""),
    "int64": (0, -1, None, 7, 2024),
    "int32": (0, -1, None, 7, 2024),
    "float64": (0.5, -0.0, None, -3.25, 12.0, math.nan),
    "float32": (0.5, -0.0, None, -3.25, 12.0, math.nan),
    "decimal": (0, None, 3),
    "bool": (True, False, None),
    "date": ("2024-02-29", None, "2023-07-01"),
}
"""Values of other rows, without those whose sums depend on their order."""


@dataclass(frozen=True, slots=True)
class Vector:
    """One request: a plain row with one value at an edge. `name` says which, for people."""

    name: str
    values: Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class Golden:
    """Vectors, and the rows of every dataset, those of the vectors among them."""

    vectors: tuple[Vector, ...]
    tables: Mapping[str, Sequence[Mapping[str, Scalar]]]


def golden(
    made: Sequence[Vector],
    request: Sequence[Column],
    lookups: Sequence[Lookup],
    datasets: Sequence[Dataset],
    spine: str,
) -> Golden:
    """Return the vectors of a request, those with the key of an earlier one aside, and rows for them to meet."""
    own = _named(datasets, spine)
    vectors, rows = _with_rows(own, made)
    times = list(dict.fromkeys(str(v.values[c.name]) for v in vectors for c in request if _is_time(c, v)))
    others = {d.name: list(_others(d, _keys(d.name, lookups), vectors, times)) for d in datasets}
    tables = {name: _unique(given, _named(datasets, name)) for name, given in others.items()}
    tables[spine] = _unique([*rows, *others[spine]], own)
    return Golden(vectors, tables)


def _with_rows(
    spine: Dataset, vectors: Sequence[Vector]
) -> tuple[tuple[Vector, ...], tuple[Mapping[str, Scalar], ...]]:
    """Return the vectors with their rows of the spine, those with the key of an earlier one aside."""
    by_key: dict[object, tuple[Vector, Mapping[str, Scalar]]] = {}
    for number, vector in enumerate(vectors):
        row = _own_row(spine, number, vector)
        by_key.setdefault(_key(row, spine) or number, (vector, row))
    return tuple(vector for vector, _ in by_key.values()), tuple(row for _, row in by_key.values())


def _is_time(column: Column, vector: Vector) -> bool:
    return column.type == "timestamp" and vector.values[column.name] is not None


def _named(datasets: Sequence[Dataset], name: str) -> Dataset:
    return next(dataset for dataset in datasets if dataset.name == name)


# --- vectors ---------------------------------------------------------------------------------------------------------
def golden_vectors(
    request: Sequence[Column], primary_key: Sequence[str], timezone: str, definition: str = ""
) -> tuple[Vector, ...]:
    """Return a plain row, then for each column a row a value at its edges; each with a key of its own where it can.

    `definition` is the canonical text of the query's rows, whose filter the plain row should pass.
    """
    counted = numbered_columns(request, primary_key)
    varied: list[tuple[str, Mapping[str, Scalar]]] = [("plain", {})]
    for column in request:
        edges = variations(column, timezone, key=column.name in primary_key)
        varied += [(f"{column.name}: {name}", {column.name: value}) for name, value in edges.items()]
    plain = plain_row(request, definition)
    return tuple(vector_of(name, given, plain, counted, number) for number, (name, given) in enumerate(varied, 1))


def numbered_columns(request: Sequence[Column], primary_key: Sequence[str]) -> tuple[Column, ...]:
    """Return the columns that have another value in each vector: one of the key, and all that are unique."""
    keys = [column for column in request if column.name in primary_key and tells_apart(column)]
    chosen = [column for column in keys if column.type in COUNTED][:1] or keys[:1]
    return tuple(c for c in request if c in chosen or (c.unique and tells_apart(c)))


def variations(column: Column, timezone: str, *, key: bool) -> Mapping[str, Scalar]:
    """Return the values that a column's vectors have; a key is never null."""
    edges = edge_values(column, timezone)
    return {name: value for name, value in edges.items() if value is not None} if key else edges


def vector_of(
    name: str, given: Mapping[str, Scalar], plain: Mapping[str, Scalar], counted: Sequence[Column], number: int
) -> Vector:
    """Return the vector with a number: a plain row, with values of its own where rows differ, and those given."""
    return Vector(name, {**plain, **{c.name: numbered_value(c, number) for c in counted}, **given})


# --- other rows ------------------------------------------------------------------------------------------------------
BEFORE = tuple(dt.timedelta(seconds=s) for s in (0, 5400, 7200, 82_800, 170_000))
"""How long before each prediction other rows lie: at the very moment, and hours and days before it."""
_LATER = dt.timedelta(minutes=10)  # after its event, what comes to be known of it


def _keys(dataset: str, lookups: Sequence[Lookup]) -> tuple[tuple[str, ...], ...] | None:
    """Return the keys that a dataset is looked up by, or None where it is not."""
    found = tuple(dict.fromkeys(lookup.keys for lookup in lookups if dataset in lookup.reads))
    return found or None


def _own_row(spine: Dataset, number: int, vector: Vector) -> Mapping[str, Scalar]:
    own = _filled(spine, number, _first_time(spine, vector))
    return own | {name: value for name, value in vector.values.items() if spine.column(name)}


def _first_time(dataset: Dataset, vector: Vector) -> dt.datetime:
    given = vector.values.get(dataset.event_time or "")
    return _moment(str(given)) if given is not None else _moment(NOON)


def _others(
    dataset: Dataset, keys: tuple[tuple[str, ...], ...] | None, vectors: Sequence[Vector], times: Sequence[str]
) -> Iterator[Mapping[str, Scalar]]:
    """Yield rows that the vectors find by their keys: one a key, or several before each prediction."""
    number = 1000  # beyond the keys of the vectors
    for names in keys or ():
        tuples = dict.fromkeys(tuple(vector.values.get(name) for name in names) for vector in vectors)
        for position, values in enumerate(v for v in tuples if None not in v):
            for moment in _moments(times if position == 0 else [NOON]) if dataset.event_time else (_moment(NOON),):
                number += 1
                row = _filled(dataset, number, moment)
                key = zip(names, values, strict=True)
                yield row | {name: value for name, value in key if dataset.column(name)}


def _moments(times: Sequence[str]) -> list[dt.datetime]:
    return list(dict.fromkeys(_moment(time) - before for time in times for before in BEFORE))


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text.replace("Z", "+00:00"))


def _filled(dataset: Dataset, number: int, moment: dt.datetime) -> dict[str, Scalar]:
    """Return a row of a dataset: keys of its own, times about a moment, mild values that take turns."""
    return {c.name: _fill(dataset, c, number + place, moment) for place, c in enumerate(dataset.columns)}


def _fill(dataset: Dataset, column: Column, number: int, moment: dt.datetime) -> Scalar:
    if column.name == dataset.event_time:
        return moment_text(moment) if column.type == "timestamp" else moment.date().isoformat()
    if (column.name in dataset.primary_key or column.unique) and column.type in COUNTED and tells_apart(column):
        return numbered_value(column, number)
    if column.type == "timestamp":
        return moment_text(moment + _LATER)
    if column.enum:
        return column.enum[number % len(column.enum)]
    turns = _turns(column)
    return turns[number % len(turns)]


@functools.lru_cache(maxsize=4096)
def _turns(column: Column) -> tuple[Scalar, ...]:
    """Return the values that a column's other rows take in turns."""
    mild = MILD[column.type]
    if column.pattern is not None and column.type == "string":
        mild = (*pattern_keys(column)[:3], None)
    turns = tuple(v for v in mild if (not column.required if v is None else is_allowed(column, v)))
    return turns or (plain_value(column),)


def _unique(rows: Sequence[Mapping[str, Scalar]], dataset: Dataset) -> tuple[Mapping[str, Scalar], ...]:
    """Return the rows, the first of each key."""
    by_key: dict[object, Mapping[str, Scalar]] = {}
    for number, row in enumerate(rows):
        by_key.setdefault(_key(row, dataset) or number, row)
    return tuple(by_key.values())


def _key(row: Mapping[str, Scalar], dataset: Dataset) -> tuple[Scalar, ...]:
    return tuple(row[name] for name in dataset.primary_key)
