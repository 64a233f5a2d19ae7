"""Golden vectors: requests with the values at which two evaluators of one expression may part, and rows around them.

Made from column types alone, the same ones for the same types: what training and serving make of them is compared by
whoever executes features.
"""

from __future__ import annotations

import datetime as dt
import functools
import math
import zoneinfo
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mlc_compiler.ir import Column, Dataset, Lookup, Scalar

YEAR = 2024  # a leap year, whose changes of the clock are known
NOON = "2024-06-14T12:00:00Z"
_LONG = 300
_MOST_OF_ENUM = 8

TEXTS: Mapping[str, str] = {
    "empty text": "",
    "blank": " ",
    "composed accent": "\u00e9",
    "decomposed accent": "e\u0301",
    "sharp s": "Stra\u00dfe",
    "beyond the basic plane": "\U0001f6eb \U00020000",
    "right to left": "\u05e9\u05dc\u05d5\u05dd",
    "quotes": 'O\'Hare "ORD"; --',
    "text of null": "null",
    "text of a number": "007",
    "long text": "x" * _LONG,
}
INTEGERS = {"zero": 0, "minus one": -1, "beyond float32": 16_777_217}
NOT_FINITE = {"not a number": math.nan, "infinity": math.inf}
NUMBERS = {"zero": 0.0, "minus zero": -0.0, "smallest": 5e-324, "a third": 1 / 3, "beyond float32": 1e39}
DECIMALS = {"zero": 0, "smallest": 1e-10, "minus one": -1}
DATES = {"leap day": "2024-02-29", "year's end": "2024-12-31", "before 1970": "1969-12-31", "far": "2100-03-01"}
TIMES = {
    "leap day": "2024-02-29T23:59:59Z",
    "year's end": "2024-12-31T23:59:59.999999Z",
    "new year": "2025-01-01T00:00:00Z",
    "before 1970": "1969-12-31T23:59:59.999999Z",
    "53rd week": "2021-01-03T12:00:00Z",
    "no leap year": "2100-02-28T23:59:59Z",
}
MILD: Mapping[str, tuple[Scalar, ...]] = {
    "string": ("a", None, "b", "\u00e9"),
    "int64": (0, -1, None, 7, 2024),
    "int32": (0, -1, None, 7, 2024),
    "float64": (0.5, -0.0, None, -3.25, 12.0),
    "float32": (0.5, -0.0, None, -3.25, 12.0),
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
    request: Sequence[Column], lookups: Sequence[Lookup], datasets: Sequence[Dataset], spine: str, timezone: str
) -> Golden:
    """Return the vectors of a request and rows of all datasets for them to meet."""
    own = _named(datasets, spine)
    made = golden_vectors(request, own.primary_key, timezone)
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
def golden_vectors(request: Sequence[Column], primary_key: Sequence[str], timezone: str) -> tuple[Vector, ...]:
    """Return a plain row, then for each column a row a value at its edges; each with a key of its own where it can."""
    keys = [column for column in request if column.name in primary_key and _tells_apart(column)]
    counted = [column for column in keys if column.type in _COUNTED][:1] or keys[:1]
    plain = {column.name: plain_value(column) for column in request}
    found: list[tuple[str, Column | None, Scalar]] = [("plain", None, None)]
    for column in request:
        if column not in counted or column.type not in _COUNTED:
            edges = edge_values(column, timezone)
            found += [(f"{column.name}: {name}", column, value) for name, value in edges.items()]
    vectors = []
    for number, (name, varied, value) in enumerate(found, 1):
        numbered = {c.name: _NUMBERED[c.type](number) for c in counted if c is not varied}
        given = {} if varied is None else {varied.name: value}
        vectors.append(Vector(name, {**plain, **numbered, **given}))
    return tuple(vectors)


_DAY = dt.datetime(2023, 1, 1, 12, tzinfo=dt.UTC)
_COUNTED = ("int64", "int32", "string")
_NUMBERED: Mapping[str, Callable[[int], Scalar]] = {
    "int64": int,
    "int32": int,
    "string": "v{}".format,
    "date": lambda number: (_DAY + dt.timedelta(days=number)).date().isoformat(),
    "timestamp": lambda number: _text(_DAY + dt.timedelta(days=number)),
}


def _tells_apart(column: Column) -> bool:
    return column.type in _NUMBERED and not column.enum and column.pattern is None


def edge_values(column: Column, timezone: str) -> dict[str, Scalar]:
    """Return the values at the edges of a column, those that its contract excludes aside."""
    found: dict[str, Scalar] = {} if column.required else {"null": None}
    if column.enum:
        return found | {str(value): value for value in column.enum[:_MOST_OF_ENUM]}
    bounds = {"least allowed": column.minimum, "most allowed": column.maximum}
    found |= {name: _as_type(column, value) for name, value in bounds.items() if value is not None}
    edges = {name: value for name, value in _edges(column.type, timezone).items() if _is_allowed(column, value)}
    return found | edges


def _edges(type_: str, timezone: str) -> Mapping[str, Scalar]:
    if type_ in ("int64", "int32"):
        most = 2 ** (int(type_[3:]) - 1)
        return {**INTEGERS, "greatest": most - 1, "least": -most}
    edges: Mapping[str, Mapping[str, Scalar]] = {
        "string": TEXTS, "date": DATES, "decimal": DECIMALS,
        "float64": {**NUMBERS, **NOT_FINITE, "greatest": 1.7976931348623157e308},
        "float32": {"zero": 0.0, "minus zero": -0.0, **NOT_FINITE, "greatest": 3.4028234663852886e38},
        "bool": {"true": True, "false": False}, "timestamp": {**TIMES, **clock_changes(timezone)},
    }  # fmt: skip
    return edges[type_]


def _is_allowed(column: Column, value: Scalar) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return True
    return (column.minimum is None or value >= column.minimum) and (column.maximum is None or value <= column.maximum)


def _as_type(column: Column, value: float) -> Scalar:
    return int(value) if column.type in ("int64", "int32") else value


def plain_value(column: Column) -> Scalar:
    """Return an ordinary value of a column."""
    if column.enum:
        return column.enum[0]
    plain: Mapping[str, Scalar] = {"string": "a", "bool": True, "date": "2024-06-14", "timestamp": NOON}
    if column.type in plain:
        return plain[column.type]
    least = -math.inf if column.minimum is None else column.minimum
    most = math.inf if column.maximum is None else column.maximum
    return _as_type(column, min(max(1.0, least), most))


@functools.lru_cache(maxsize=8)
def clock_changes(timezone: str) -> Mapping[str, str]:
    """Return the instants around the year's changes of a zone's clock: a second before, and at each.

    >>> clock_changes("America/New_York")["clock goes forward"]
    '2024-03-10T07:00:00Z'
    """
    found = {}
    for moment, forward in _changes(zoneinfo.ZoneInfo(timezone)):
        word = "forward" if forward else "back"
        found[f"clock goes {word}"] = _text(moment)
        found[f"before the clock goes {word}"] = _text(moment - dt.timedelta(seconds=1))
        found[f"hour after the clock goes {word}"] = _text(moment + dt.timedelta(hours=1))
    return found


def _changes(zone: zoneinfo.ZoneInfo) -> Iterator[tuple[dt.datetime, bool]]:
    """Yield when the clock changes in a year, and whether forward; changes happen at full half hours (UTC)."""
    half, day = dt.timedelta(minutes=30), dt.timedelta(days=1)
    start = dt.datetime(YEAR, 1, 1, tzinfo=dt.UTC)
    for first in (start + number * day for number in range(366)):
        if _offset(first, zone) == _offset(first + day, zone):
            continue
        halves = (first + number * half for number in range(1, 49))
        changed = next(moment for moment in halves if _offset(moment, zone) != _offset(first, zone))
        yield changed, _offset(changed, zone) > _offset(first, zone)


def _offset(moment: dt.datetime, zone: zoneinfo.ZoneInfo) -> dt.timedelta:
    return moment.astimezone(zone).utcoffset() or dt.timedelta(0)


def _text(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{moment.microsecond:06}" if moment.microsecond else "") + "Z"


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
        return _text(moment) if column.type == "timestamp" else moment.date().isoformat()
    if (column.name in dataset.primary_key or column.unique) and column.type in _COUNTED and not column.enum:
        return _NUMBERED[column.type](number)
    if column.type == "timestamp":
        return _text(moment + _LATER)
    if column.enum:
        return column.enum[number % len(column.enum)]
    turns = [v for v in MILD[column.type] if _is_allowed(column, v) and not (v is None and column.required)]
    return turns[number % len(turns)] if turns else plain_value(column)


def _unique(rows: Sequence[Mapping[str, Scalar]], dataset: Dataset) -> tuple[Mapping[str, Scalar], ...]:
    """Return the rows, the first of each key."""
    by_key: dict[object, Mapping[str, Scalar]] = {}
    for number, row in enumerate(rows):
        by_key.setdefault(_key(row, dataset) or number, row)
    return tuple(by_key.values())


def _key(row: Mapping[str, Scalar], dataset: Dataset) -> tuple[Scalar, ...]:
    return tuple(row[name] for name in dataset.primary_key)
