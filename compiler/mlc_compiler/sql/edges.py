"""The values of a column at which two evaluators may part, within what its contract allows: edges, plain ones, keys."""

from __future__ import annotations

import datetime as dt
import functools
import math
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from mlc_compiler.ir import Column, Scalar

if TYPE_CHECKING:
    import zoneinfo

# Few columns have a pattern, and most builds meet no zone that is new: what reads them is imported where it is used.

YEAR = 2024  # a leap year, whose changes of the clock are known
NOON = "2024-06-14T12:00:00Z"
_LONG = 2500  # beyond what DuckDB keeps within a row, and its vectors' 2,048
_MOST_OF_ENUM = 64

TEXTS: Mapping[str, str] = {
    "empty text": "",
    "blank": " ",
    "word of no vocabulary": "never-seen-before",
    "composed accent": "\u00e9",
    "decomposed accent": "e\u0301",
    "accents alone": "\u0301\u0308",
    "sharp s": "Stra\u00dfe",
    "dotted I": "\u0130\u0131",
    "beyond the basic plane": "\U0001f6eb \U00020000",
    "right to left": "\u05e9\u05dc\u05d5\u05dd",
    "joined people": "\U0001f469\u200d\U0001f680",
    "quotes": 'O\'Hare "ORD"; --',
    "line ends": "a\r\nb\tc",
    "character of code 0": "a\0b",
    "text of null": "null",
    "text of a number": "007",
    "long text": "x" * _LONG,
}
INTEGERS = {"zero": 0, "minus one": -1, "beyond float32": 16_777_217, "beyond float64": 9_007_199_254_740_993}
NOT_FINITE = {"not a number": math.nan, "infinity": math.inf, "minus infinity": -math.inf}
NUMBERS = {
    "zero": 0.0, "minus zero": -0.0, "smallest": 5e-324, "a third": 1 / 3, "half": -2.5, "beyond int64": 1e19,
    "beyond float32": 1e39,
}  # fmt: skip
DECIMALS = {"zero": 0, "smallest": 1e-10, "minus one": -1}
DATES = {
    "leap day": "2024-02-29", "year's end": "2024-12-31", "before 1970": "1969-12-31", "no leap year": "2100-03-01",
    "53rd week": "2021-01-03", "year 1900": "1900-01-01", "year 9999": "9999-01-01",
}  # fmt: skip
TIMES = {
    "leap day": "2024-02-29T23:59:59Z",
    "year's end": "2024-12-31T23:59:59.999999Z",
    "new year": "2025-01-01T00:00:00Z",
    "before 1970": "1969-12-31T23:59:59.999999Z",
    "53rd week": "2021-01-03T12:00:00Z",
    "no leap year": "2100-02-28T23:59:59Z",
    "with an offset": "2024-06-14T02:15:00+05:45",
    "year 1900": "1900-01-01T12:00:00Z",
    "year 9999": "9999-01-01T00:00:00Z",
}
_BITS = {"int64": 63, "int32": 31}
_GREATEST = {"float64": 1.7976931348623157e308, "float32": 3.4028234663852886e38, "decimal": 1e27}


def edge_values(column: Column, timezone: str) -> dict[str, Scalar]:
    """Return the values at the edges of a column by name, those that its contract excludes aside."""
    return dict(_edge_values(column, timezone))


@functools.lru_cache(maxsize=4096)
def _edge_values(column: Column, timezone: str) -> Mapping[str, Scalar]:
    found: dict[str, Scalar] = {} if column.required else {"null": None}
    if column.enum:
        return found | {str(value): value for value in column.enum[:_MOST_OF_ENUM] if is_allowed(column, value)}
    bounds = {"least allowed": column.minimum, "most allowed": column.maximum}
    inside = {name: _within(column, value) for name, value in bounds.items() if value is not None}
    lists = (inside, _edges(column.type, timezone))
    bounded, edges = ({n: v for n, v in values.items() if is_allowed(column, v)} for values in lists)
    return _once(found | bounded | _matching(column) | edges)


def _once(edges: dict[str, Scalar]) -> Mapping[str, Scalar]:
    """Return the first of values that are the same; zero and minus zero are two."""
    names = {repr(value): name for name, value in reversed(edges.items())}
    return {name: value for name, value in edges.items() if names[repr(value)] == name}


def _edges(type_: str, timezone: str) -> Mapping[str, Scalar]:
    if type_ in _BITS:
        most = 1 << _BITS[type_]
        inside = {name: value for name, value in INTEGERS.items() if value < most}
        return {**inside, "greatest": most - 1, "least": -most}
    edges: Mapping[str, Mapping[str, Scalar]] = {
        "string": TEXTS, "date": DATES, "decimal": DECIMALS,
        "float64": {**NUMBERS, **NOT_FINITE, "greatest": _GREATEST["float64"], "least": -_GREATEST["float64"]},
        "float32": {"zero": 0.0, "minus zero": -0.0, "half": -2.5, **NOT_FINITE, "greatest": _GREATEST["float32"]},
        "bool": {"true": True, "false": False},
        "timestamp": {**TIMES, **clock_changes(timezone), **midnights(timezone)},
    }  # fmt: skip
    return edges[type_]


def is_allowed(column: Column, value: Scalar) -> bool:
    """Tell whether a value that is not null is of a column's type and within its enum, bounds and pattern."""
    if column.enum and value not in column.enum:
        return False
    if isinstance(value, str) and column.type == "string":
        return _matches(column.pattern, value)
    if not isinstance(value, int | float) or isinstance(value, bool):
        return True
    if math.isnan(value):
        return not column.required  # it is read as null
    least = -math.inf if column.minimum is None else column.minimum
    return least <= value <= (math.inf if column.maximum is None else column.maximum)


def _matches(pattern: str | None, text: str) -> bool:
    if pattern is None:
        return True
    from mlc_compiler.sql.regex_texts import matches

    return matches(pattern, text)


def _matching(column: Column) -> dict[str, Scalar]:
    if column.pattern is None or column.type != "string":
        return {}
    from mlc_compiler.sql.regex_texts import matching_texts

    return dict(matching_texts(column.pattern))


def _within(column: Column, bound: float) -> Scalar:
    """Return the value of a column's type that lies at a bound, on its inner side."""
    if column.type in _BITS:
        most = 1 << _BITS[column.type]
        inner = math.ceil(bound) if bound == column.minimum else math.floor(bound)
        return min(max(inner, -most), most - 1)
    limit = _GREATEST.get(column.type, math.inf)
    return float(min(max(bound, -limit), limit))


def plain_value(column: Column) -> Scalar:
    """Return an ordinary value of a column; null, where it may be, if nothing else is known to fit."""
    value = _ordinary(column)
    return value if column.required or (value is not None and is_allowed(column, value)) else None


def _ordinary(column: Column) -> Scalar:
    if column.enum:
        return next((value for value in column.enum if is_allowed(column, value)), column.enum[0])
    plain: Mapping[str, Scalar] = {"string": "a", "bool": True, "date": "2024-06-14", "timestamp": NOON}
    if column.type in plain:
        texts = _matching(column)
        return texts.get("longer match") or next(iter(texts.values()), plain[column.type])
    least = -math.inf if column.minimum is None else column.minimum
    most = math.inf if column.maximum is None else column.maximum
    return _within(column, 1.0 if least <= 1 <= most else least if least > 1 else most)


# --- keys ------------------------------------------------------------------------------------------------------------
_DAY = dt.datetime(2023, 1, 1, 12, tzinfo=dt.UTC)
COUNTED = ("int64", "int32", "string")
_NUMBERED: Mapping[str, Callable[[int], Scalar]] = {
    "int64": int,
    "int32": int,
    "string": "v{}".format,
    "date": lambda number: (_DAY + dt.timedelta(days=number)).date().isoformat(),
    "timestamp": lambda number: moment_text(_DAY + dt.timedelta(days=number)),
}


def tells_apart(column: Column) -> bool:
    """Tell whether a column has another value for each number."""
    return column.type in _NUMBERED and not column.enum and (column.pattern is None or len(pattern_keys(column)) > 1)


def pattern_keys(column: Column) -> tuple[str, ...]:
    """Return different texts that match a column's pattern, where it has one."""
    if column.pattern is None or column.type != "string":
        return ()
    from mlc_compiler.sql.regex_texts import numbered_texts

    return numbered_texts(column.pattern)


def numbered_value(column: Column, number: int) -> Scalar:
    """Return the value with a number, of a column that tells numbers apart; within its bounds as far as they go."""
    if column.pattern is not None and column.type == "string":
        return pattern_keys(column)[number % len(pattern_keys(column))]
    if column.type not in _BITS:
        return _NUMBERED[column.type](number)
    limit = 1 << _BITS[column.type]
    most = limit - 1 if column.maximum is None else min(math.floor(column.maximum), limit - 1)
    if column.minimum is None:
        return number if number <= most else max(most - number, -limit)
    least = min(max(math.ceil(column.minimum), -limit), limit - 1)
    return least + number % max(most - least + 1, 1)


# --- times -----------------------------------------------------------------------------------------------------------
@functools.lru_cache(maxsize=8)
def clock_changes(timezone: str) -> Mapping[str, str]:
    """Return the instants around the year's changes of a zone's clock: a second before, and at each.

    Where it goes back, the hour before and the hour after have the same local times.

    >>> clock_changes("America/New_York")["clock goes forward"]
    '2024-03-10T07:00:00Z'
    """
    from zoneinfo import ZoneInfo

    found = {}
    for moment, forward in _changes(ZoneInfo(timezone)):
        word = "forward" if forward else "back"
        found[f"clock goes {word}"] = moment_text(moment)
        found[f"before the clock goes {word}"] = moment_text(moment - dt.timedelta(seconds=1))
        found[f"hour after the clock goes {word}"] = moment_text(moment + dt.timedelta(hours=1))
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


@functools.lru_cache(maxsize=8)
def midnights(timezone: str) -> Mapping[str, str]:
    """Return the instants at which a day, and a year, end and begin in a zone; none in UTC, whose are known already.

    >>> midnights("America/New_York")["local new year"]
    '2024-01-01T05:00:00Z'
    """
    if timezone == "UTC":
        return {}
    from zoneinfo import ZoneInfo

    zone, second = ZoneInfo(timezone), dt.timedelta(microseconds=1)
    day, year = (dt.datetime(YEAR, month, 1, tzinfo=zone).astimezone(dt.UTC) for month in (7, 1))
    return {
        "local midnight": moment_text(day), "before local midnight": moment_text(day - second),
        "local new year": moment_text(year), "before the local new year": moment_text(year - second),
    }  # fmt: skip


def moment_text(moment: dt.datetime) -> str:
    """Return a moment in UTC as requests hold it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + (f".{moment.microsecond:06}" if moment.microsecond else "") + "Z"
