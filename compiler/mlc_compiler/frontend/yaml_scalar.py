"""What a plain scalar means: the YAML 1.2 core schema, minus the numbers that readers disagree about."""

from __future__ import annotations

import enum
import re
from typing import TypeAlias

Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"

CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
MERGE_KEY = "<<"
NUMBER_STARTS = frozenset("+-.0123456789")

_NUMBER = re.compile(
    r"(?P<ambiguous>[-+]?0[0-9]+)"
    r"|(?P<decimal>[-+]?[0-9]+)"
    r"|(?P<octal>0o[0-7]+)"
    r"|(?P<hexadecimal>0x[0-9a-fA-F]+)"
    r"|(?P<real>[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?)"
    r"|(?P<endless>[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"
)
_RADIX = {"decimal": 10, "octal": 8, "hexadecimal": 16}
_MAX_DIGITS = 64
_INT64 = range(-(2**63), 2**63)


class Doubt(enum.Enum):
    """Why a plain scalar that looks like a number is not taken as one."""

    LEADING_ZERO = "ambiguous"
    OUT_OF_RANGE = "out of range"


def plain(text: str) -> bool | int | float | str | Doubt | None:
    """Return the value of a plain scalar.

    >>> [plain(text) for text in ("on", "1.10", "12:30", "0o10", "1e5", "~", "2014-01-01", "010")]
    ['on', 1.1, '12:30', 8, 100000.0, None, '2014-01-01', <Doubt.LEADING_ZERO: 'ambiguous'>]
    """
    if text in CONSTANTS:
        return CONSTANTS[text]
    return number(text) if text[0] in NUMBER_STARTS else text


def number(text: str) -> int | float | str | Doubt:
    """Return the value of a plain scalar that starts like a number; a string when it turns out to be none."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        return text
    form = str(match.lastgroup)
    if form in _RADIX:
        return _integer(text, _RADIX[form])
    if form == "real":
        value = float(text)
        return Doubt.OUT_OF_RANGE if abs(value) == float("inf") else value
    return Doubt.LEADING_ZERO if form == "ambiguous" else Doubt.OUT_OF_RANGE


def _integer(text: str, radix: int) -> int | Doubt:
    # Python refuses to read very long integers with an exception of its own.
    value = int(text, radix) if len(text) <= _MAX_DIGITS else 2**64
    return value if value in _INT64 else Doubt.OUT_OF_RANGE
