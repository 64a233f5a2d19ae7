"""The words that a category can take, where the specs know all of them: enums, constants, functions of few values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from mlc_compiler.ir import Scalar
from mlc_compiler.sql.syntax import Call, Literal

MAX_WORDS = 1_000
Words = tuple[Scalar, ...]

_RANGES = {
    "quarter": range(1, 5), "month": range(1, 13), "week": range(1, 54), "day": range(1, 32), "dayofweek": range(7),
    "isodow": range(1, 8), "dayofyear": range(1, 367), "hour": range(24), "minute": range(60), "second": range(60),
    "sign": range(-1, 2),
}  # fmt: skip
_CONDITIONS = ("contains", "starts_with", "ends_with")
_FORMS: dict[str, Callable[[str], str]] = {"lower": str.lower, "upper": str.upper, "trim": lambda s: s.strip(" ")}


def word(value: Scalar) -> str:
    """Return a value as the text that a category has of it.

    >>> word(True), word(3), word("UA")
    ('true', '3', 'UA')
    """
    return str(value).lower() if isinstance(value, bool) else str(value)


def merged_words(parts: Iterable[Words | None]) -> Words | None:
    """Return the words of alternatives, None where those of one are unknown or there are too many."""
    found: dict[tuple[type, Scalar], Scalar] = {}
    for words in parts:
        if words is None:
            return None
        found.update(((type(value), value), value) for value in words)
    return tuple(found.values()) if len(found) <= MAX_WORDS else None


def call_words(node: Call, arguments: Sequence[Words | None]) -> Words | None:
    """Return the values that a function can give for arguments of these words."""
    name = node.function
    if name in _RANGES:
        return tuple(_RANGES[name])
    if name in _CONDITIONS:
        return (False, True)
    if name == "nullif" and arguments:
        return arguments[0]
    if name == "hash_bucket" and len(node.arguments) == 2:
        count = node.arguments[1]
        few = isinstance(count, Literal) and isinstance(count.value, int) and 0 < count.value <= MAX_WORDS
        return tuple(range(int(count.value))) if few and isinstance(count, Literal) and count.value else None
    form, words = _FORMS.get(name), arguments[0] if arguments else None
    # Other letters differ between Python's tables of cases and the database's.
    plain = words is not None and all(isinstance(value, str) and value.isascii() for value in words)
    return tuple(dict.fromkeys(form(str(value)) for value in words or ())) if form and plain else None
