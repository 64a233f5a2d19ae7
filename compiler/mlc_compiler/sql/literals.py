"""Reads constants: numbers that fit, timestamps in UTC, dates, and intervals of a fixed length."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime

from mlc_compiler.sql.syntax import ExpressionProblem, Literal, Span

_UNIT_MICROSECONDS = {
    "microsecond": 1,
    "millisecond": 1_000,
    "second": 1_000_000,
    "minute": 60_000_000,
    "hour": 3_600_000_000,
    "day": 86_400_000_000,
    "week": 604_800_000_000,
}
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)", re.ASCII)
_MAX_MICROSECONDS = 36_525 * 86_400_000_000  # a hundred years
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?(Z|[+-]\d{2}:\d{2})?", re.ASCII)


def number_literal(text: str, span: Span) -> Literal | ExpressionProblem:
    """Return an int64 or float64 constant, or why the digits are neither."""
    if text.isdigit():
        value = int(text) if len(text) <= 19 else 2**63
        if value < 2**63:
            return Literal(value, "int64", span)
        return ExpressionProblem("MLC306", f"{_shown(text)} does not fit into int64", span, help=_float(text))
    number = float(text)
    if math.isfinite(number):
        return Literal(number, "float64", span)
    help = "write a number up to 1e308"
    return ExpressionProblem("MLC306", f"{_shown(text)} does not fit into float64", span, help=help)


def _shown(digits: str) -> str:
    return digits if len(digits) <= 24 else f"{digits[:21]}..."


def _float(digits: str) -> str:
    return f"write {digits}.0, a float64" if len(digits) <= 24 else "write a number of at most 19 digits"


def timestamp_literal(text: str, span: Span) -> Literal | ExpressionProblem:
    """Return a timestamp constant as naive UTC text; an offset in the text is applied."""
    try:
        if not _TIMESTAMP.fullmatch(text):
            raise ValueError
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            moment = moment.astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError):
        help = "write it as TIMESTAMP '2013-01-31 05:15:00', in UTC"
        return ExpressionProblem("MLC301", f"'{text[:40]}' is not a timestamp", span, help=help)
    return Literal(moment.isoformat(" "), "timestamp", span)


def date_literal(text: str, span: Span) -> Literal | ExpressionProblem:
    """Return a date constant as ISO text."""
    try:
        if len(text) != 10:
            raise ValueError
        return Literal(date.fromisoformat(text).isoformat(), "date", span)
    except ValueError:
        return ExpressionProblem("MLC301", f"'{text[:40]}' is not a date", span, help="write it as DATE '2013-01-31'")


def interval_literal(text: str, span: Span) -> Literal | ExpressionProblem:
    """Return an interval constant in microseconds; months and years have no fixed length and are refused."""
    total, position = 0.0, 0
    stripped = text.strip().lower()
    while match := _PART.match(stripped, position):
        unit = match[2].removesuffix("s")
        if unit in ("month", "year", "quarter", "decade"):
            message = f"a {unit} has no fixed length, so an interval can't be counted in them"
            return ExpressionProblem("MLC301", message, span, help="write days: INTERVAL '30 days'")
        if unit not in _UNIT_MICROSECONDS:
            break
        total += float(match[1]) * _UNIT_MICROSECONDS[unit]
        position = match.end()
    if not stripped or position < len(stripped) or total > _MAX_MICROSECONDS:
        help = "write INTERVAL '3 hours'; units: microseconds to weeks"
        return ExpressionProblem("MLC301", f"'{text[:40]}' is not an interval", span, help=help)
    return Literal(round(total), "interval", span)


def interval_sql(microseconds: int) -> str:
    """Return an interval as DuckDB SQL, in the largest unit that divides it.

    >>> interval_sql(10_800_000_000), interval_sql(1_500_000)
    ("INTERVAL '3 hours'", "INTERVAL '1500 milliseconds'")
    """
    for unit in ("hour", "minute", "second", "millisecond"):
        size = _UNIT_MICROSECONDS[unit]
        if microseconds % size == 0:
            return f"INTERVAL '{microseconds // size} {unit}s'"
    return f"INTERVAL '{microseconds} microseconds'"
