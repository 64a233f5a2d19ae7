"""Whether a parameter takes a value, as scikit-learn itself would judge it, and in words what it takes."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterator

from mlc_compiler.conventions import number_text
from mlc_compiler.estimators.table import Parameter
from mlc_compiler.records import dataclass

_RANGE = re.compile(r"(int|number|float) ([\[(])(\S+), (\S+)([\])])")
_WORDS = {
    "null": "null", "bool": "true or false", "int": "an int", "number": "a number", "text": "a text",
    "array": "a list", "list": "a list", "mapping": "a mapping",
}  # fmt: skip
_TYPES: dict[str, tuple[type, ...]] = {
    "null": (type(None),), "bool": (bool,), "int": (int,), "number": (int, float), "float": (float,), "text": (str,),
    "array": (list, tuple, dict), "list": (list,), "mapping": (dict,), "anything": (object,), "object": (),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Range:
    """An interval of one type of number: int, float (which ints are not), or number."""

    type: str
    least: float
    most: float
    with_least: bool
    with_most: bool

    def holds(self, value: int | float) -> bool:
        """Tell whether a number lies within; ends that are open are not part of it."""
        if not self.least <= value <= self.most:  # false for NaN too
            return False
        return (self.with_least or value != self.least) and (self.with_most or value != self.most)

    def __str__(self) -> str:
        opening, closing = "[" if self.with_least else "(", "]" if self.with_most else ")"
        return f"{opening}{_bound(self.least)}, {_bound(self.most)}{closing}"


def _bound(value: float) -> str:
    return number_text(value) if math.isfinite(value) else str(value)


def ranges(parameter: Parameter) -> tuple[Range, ...]:
    """Return the ranges of numbers that a parameter takes."""
    return _ranges(parameter.allows)


@functools.lru_cache(maxsize=1024)
def _ranges(allows: tuple[str, ...]) -> tuple[Range, ...]:
    found = (_RANGE.fullmatch(allowed) for allowed in allows)
    return tuple(_range(match) for match in found if match)


def _range(match: re.Match[str]) -> Range:
    type_, opening, least, most, closing = match.groups()
    return Range(type_, float(least), float(most), opening == "[", closing == "]")


def takes(parameter: Parameter, value: object) -> bool:
    """Tell whether scikit-learn's constraint takes a value of YAML. There, true counts as the int 1."""
    if isinstance(value, str) and value in parameter.options:
        return True
    if any(isinstance(value, _TYPES[allowed]) for allowed in parameter.allows if allowed in _TYPES):
        return True
    if not isinstance(value, int | float):
        return False
    return any(isinstance(value, _TYPES[r.type]) and r.holds(value) for r in ranges(parameter))


def beyond_yaml(parameter: Parameter) -> bool:
    """Tell whether a parameter takes objects alone, which no spec can write."""
    return bool(parameter.allows) and set(parameter.allows) <= {"object", "null"} and not parameter.options


def taken(parameter: Parameter) -> str:
    """Return in words what a parameter takes.

    >>> taken(Parameter("max_features", allows=("int [1, inf)", "null"), options=("log2", "sqrt")))
    'an int in [1, inf), null, log2 or sqrt'
    """
    words = list(dict.fromkeys(_taken(parameter)))
    return " or ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _taken(parameter: Parameter) -> Iterator[str]:
    for allowed in parameter.allows:
        match = _RANGE.fullmatch(allowed)
        if match:
            article = {"int": "an int"}.get(match[1], f"a {match[1]}")
            yield f"{article} in {_range(match)}"
        elif allowed in _WORDS:
            yield _WORDS[allowed]
    yield from (option for option in parameter.options if option not in parameter.old)
    if beyond_yaml(parameter):
        yield "an object that no spec can write"
