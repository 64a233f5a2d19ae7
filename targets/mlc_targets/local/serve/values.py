"""One value of a request: is it what its column says, and what does the query get for it?"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from mlc_compiler.ir import Column

WANTED = {
    "string": "a text",
    "int64": "an integer",
    "int32": "an integer",
    "float64": "a number",
    "float32": "a number",
    "bool": "true or false",
    "timestamp": "an ISO 8601 timestamp such as 2026-01-31T12:00:00Z",
    "date": "a date such as 2026-01-31",
    "decimal": "a decimal number",
}
_BITS = {"int64": 63, "int32": 31}
_LARGEST = {"float64": 1.7976931348623157e308, "float32": 3.4028234663852886e38}
_LARGEST_DECIMAL = Decimal(10) ** 28
_SHOWN = 60


class ValueRefusedError(ValueError):
    """A value that its column does not take; the message goes on from the field's name."""


def read_value(column: Column, value: object) -> object:
    """Return the value as the row query takes it; raises ValueRefusedError saying what came and what is wanted."""
    if value is None:
        if column.required:
            raise ValueRefusedError(f"is null; {WANTED[column.type]} is wanted")
        return None
    read = _READERS[column.type](column.type, value)
    _check_bounds(column, value, read)
    return read


def shown(value: object) -> str:
    """Return a value as a message shows it, cut where it is long.

    >>> shown("far"), shown(3), shown([1])
    ('"far" (a text)', '3 (a number)', 'a list')
    """
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "an object"
    if isinstance(value, str):
        cut = value if len(value) <= _SHOWN else value[:_SHOWN] + "..."
        return f'"{cut}" (a text)'
    if isinstance(value, bool):
        return f"{str(value).lower()} (a boolean)"
    return "null" if value is None else f"{value} (a number)"


def _refuse(kind: str, value: object) -> ValueRefusedError:
    return ValueRefusedError(f"is {shown(value)}; {WANTED[kind]} is wanted")


def _read_text(kind: str, value: object) -> str:
    if not isinstance(value, str):
        raise _refuse(kind, value)
    return value


def _read_integer(kind: str, value: object) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # JSON knows one kind of number: 3.0 is 3
    if not isinstance(value, int) or isinstance(value, bool):
        raise _refuse(kind, value)
    if not -(1 << _BITS[kind]) <= value < 1 << _BITS[kind]:
        raise ValueRefusedError(f"is {shown(value)}; it does not fit into {kind}")
    return value


def _read_number(kind: str, value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _refuse(kind, value)
    if not math.isfinite(value) or abs(value) > _LARGEST[kind]:
        raise ValueRefusedError(f"is {shown(value)}; a finite {kind} is wanted")
    return float(value)


def _read_boolean(kind: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _refuse(kind, value)
    return value


def _read_timestamp(kind: str, value: object) -> dt.datetime:
    """Return the moment in UTC, without a zone as tables hold it; a text without an offset is UTC already."""
    if not isinstance(value, str) or not 11 < len(value) < _SHOWN:
        raise _refuse(kind, value)
    try:
        moment = dt.datetime.fromisoformat(value)
        return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError) as error:
        raise _refuse(kind, value) from error


def _read_date(kind: str, value: object) -> dt.date:
    if not isinstance(value, str) or len(value) != len("2026-01-31"):
        raise _refuse(kind, value)
    try:
        return dt.date.fromisoformat(value)
    except ValueError as error:
        raise _refuse(kind, value) from error


def _read_decimal(kind: str, value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)) > _SHOWN:
        raise _refuse(kind, value)
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise _refuse(kind, value) from error
    if not number.is_finite() or abs(number) >= _LARGEST_DECIMAL:
        raise ValueRefusedError(f"is {shown(value)}; it does not fit into a decimal of 28 digits before the point")
    return number


_READERS: dict[str, Callable[[str, object], object]] = {
    "string": _read_text,
    "int64": _read_integer,
    "int32": _read_integer,
    "float64": _read_number,
    "float32": _read_number,
    "bool": _read_boolean,
    "timestamp": _read_timestamp,
    "date": _read_date,
    "decimal": _read_decimal,
}


def _check_bounds(column: Column, value: object, read: object) -> None:
    if column.enum and value not in column.enum:
        choices = ", ".join(str(choice) for choice in column.enum[:20])
        raise ValueRefusedError(f"is {shown(value)}; one of {choices} is wanted")
    if not isinstance(read, int | float | Decimal):
        return
    if column.minimum is not None and read < column.minimum:
        raise ValueRefusedError(f"is {shown(value)}; the smallest allowed is {column.minimum:g}")
    if column.maximum is not None and read > column.maximum:
        raise ValueRefusedError(f"is {shown(value)}; the largest allowed is {column.maximum:g}")
