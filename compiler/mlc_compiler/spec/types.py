"""Scalar types of the spec language: durations, sizes, rates, names. Each parses its text once, into a plain number."""

import re
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from typing import Annotated, ClassVar, Self, TypeVar, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from mlc_compiler.conventions import duration_text

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_DURATION_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_LONGEST = 100 * 366 * 86400.0  # timestamps of databases end somewhere
_SIZE = re.compile(r"(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|k|M|G|T)?")
_SIZE_BYTES = {"Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_PERCENT = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*%")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_CRON_PART = re.compile(r"(?:\*|([0-9A-Za-z]+)(?:-([0-9A-Za-z]+))?)(?:/([1-9][0-9]?))?")
_CRON_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_CRON_NAMES = ({name: number for number, name in enumerate(_MONTHS, start=1)}, {d: n for n, d in enumerate(_DAYS)})


M = TypeVar("M", bound="SpecModel")


class SpecModel(BaseModel):
    """A mapping of the spec language: no unknown keys, no silent conversions, never changed after it was checked."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True, protected_namespaces=())


def defaults(model: type[M]) -> M:
    """Return the default of a mapping that may be left out: that of each of its fields, the same for all documents.

    It is made when it is first asked for. A plain default would be copied, field by field, for every document.
    """

    @cache
    def nothing_given() -> M:
        return cast("M", model.model_construct())  # pydantic's plugin says that it returns the base

    found: M = Field(default_factory=nothing_given)
    return found


class OneOf(SpecModel):
    """A mapping with several forms, of which exactly one is given."""

    forms: ClassVar[tuple[str, ...]] = ()

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        given = [f for f in self.forms if getattr(self, f) is not None]
        if len(given) != 1:
            names = {name: field.alias or name for name, field in type(self).model_fields.items()}
            told = {"forms": [names[f] for f in self.forms], "given": [names[f] for f in given]}
            raise PydanticCustomError("mlc_one_of", "exactly one form", told)
        return self


def _refuse(kind: str, expected: str, value: object) -> PydanticCustomError:
    return PydanticCustomError("mlc_scalar", "{kind}", {"kind": kind, "expected": expected, "value": value})


def _parse_duration(value: object) -> float:
    seconds = None
    if isinstance(value, str):
        seconds = _seconds(value)
    elif value == 0 and not isinstance(value, bool):
        seconds = 0.0
    if seconds is None:
        raise _refuse("a duration", "a number with a unit: 50ms, 30s, 15m, 3h, 7d, 2w", value)
    return seconds


@lru_cache
def _seconds(text: str) -> float | None:
    parts = _DURATION.findall(text)
    if not parts or "".join(n + u for n, u in parts) != text:
        return None
    seconds = float(sum(Decimal(n) * Decimal(str(_DURATION_SECONDS[u])) for n, u in parts))
    return seconds if seconds <= _LONGEST else None


def _parse_size(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63:
        return value
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    size = int(Decimal(match[1]) * _SIZE_BYTES.get(match[2] or "", 1)) if match else None
    if size is None or size >= 2**63:
        raise _refuse("a size", "bytes with a unit, as in Kubernetes: 512Mi, 4Gi, 1G", value)
    return size


def _parse_cpu(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return float(value)
    if isinstance(value, str) and re.fullmatch(r"[1-9]\d*m", value):
        return int(value[:-1]) / 1000
    raise _refuse("an amount of CPU", "cores or thousandths of a core: 2, 0.5, 500m", value)


def _parse_rate(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    match = _PERCENT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise _refuse("a number", "a plain number such as 0.01, or a percentage such as 1%", value)
    return float(Decimal(match[1]) / 100)


def _parse_bound(value: object) -> float:
    if isinstance(value, str) and _DURATION.search(value):
        return _parse_duration(value)
    return _parse_rate(value)


def _check_rate(value: float) -> float:
    if not 0.0 <= value <= 1.0:
        raise _refuse("a rate", "between 0 and 1, or between 0% and 100%", value)
    return value


def _parse_weight(value: object) -> float:
    if isinstance(value, str) and (match := _PERCENT.fullmatch(value)):
        value = float(match[1])
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 100:
        return float(value)
    raise _refuse("a weight", "a percentage of the traffic, from 0 to 100", value)


def _check_cron(value: str) -> str:
    fields = value.split(" ")
    if len(fields) != len(_CRON_BOUNDS) or not all(map(_is_cron_field, fields, range(len(fields)))):
        raise _refuse("a schedule", 'five cron fields in quotes: "0 5 * * *", in UTC', value)
    return value


def _is_cron_field(text: str, field: int) -> bool:
    """Tell whether a field holds numbers, names, ranges and steps within the field's bounds."""
    low, high = _CRON_BOUNDS[field]
    for part in text.split(","):
        match = _CRON_PART.fullmatch(part)
        if match is None:
            return False
        numbers = [_cron_number(word, field) for word in match.groups()[:2] if word]
        if numbers != sorted(numbers) or not all(low <= number <= high for number in numbers):
            return False
    return True


def _cron_number(word: str, field: int) -> int:
    names = _CRON_NAMES[field - 3] if field >= 3 else {}
    return int(word) if word.isdecimal() else names.get(word.lower(), -1)


def _check_date(value: str) -> str:
    try:
        if date.fromisoformat(value).isoformat() == value:
            return value
    except ValueError:
        pass
    raise _refuse("a date", "year-month-day, such as 2014-01-01", value)


def _pattern(kind: str, pattern: re.Pattern[str], expected: str) -> AfterValidator:
    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise _refuse(kind, expected, value)
        return value

    return AfterValidator(check)


def _check_path(value: str) -> str:
    parts = value.split("/")
    if not value or value.startswith(("/", "~")) or ".." in parts or "\\" in value or "\0" in value or "\n" in value:
        raise _refuse("a path inside the project", "relative to the project's root, with / and without ..", value)
    return value


def _text_schema(pattern: str, *also: str) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [{"type": "string", "pattern": pattern}, *({"type": t} for t in also)]})


Duration = Annotated[
    float,
    BeforeValidator(_parse_duration),
    PlainSerializer(duration_text, when_used="json"),
    _text_schema(r"^(\d+(\.\d+)?(ms|s|m|h|d|w))+$", "integer"),
]
"""Seconds."""
Size = Annotated[int, BeforeValidator(_parse_size), _text_schema(r"^\d+(\.\d+)?(Ki|Mi|Gi|Ti|k|M|G|T)?$", "integer")]
"""Bytes."""
Cpu = Annotated[float, BeforeValidator(_parse_cpu), _text_schema(r"^[1-9]\d*m$", "number")]
"""Cores."""
Number = Annotated[float, BeforeValidator(_parse_rate), _text_schema(r"^(\d+(\.\d+)?|\.\d+)\s*%$", "number")]
"""Any number; a percentage is divided by 100."""
Bound = Annotated[float, BeforeValidator(_parse_bound), _text_schema(r"^(\d+(\.\d+)?|\.\d+)\s*(%|ms|s|m|h)$", "number")]
"""A threshold: a number, a percentage (divided by 100) or a duration (in seconds)."""
Rate = Annotated[
    float,
    BeforeValidator(_parse_rate),
    AfterValidator(_check_rate),
    _text_schema(r"^(\d+(\.\d+)?|\.\d+)\s*%$", "number"),
]
"""A number from 0 to 1; `1%` is 0.01."""
Weight = Annotated[float, BeforeValidator(_parse_weight), _text_schema(r"^\d+(\.\d+)?%$", "number")]
"""A percentage of traffic, 0 to 100."""
Name = Annotated[
    str,
    _pattern("a name", _LABEL, "a DNS label: lower-case letters, digits and -, at most 63, as Kubernetes wants"),
    Field(json_schema_extra={"pattern": r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"}),
]
"""A DNS label: it becomes names of Kubernetes objects, images and files."""
Identifier = Annotated[
    str,
    _pattern("an identifier", _IDENTIFIER, "letters, digits and _, not starting with a digit, at most 63"),
    Field(json_schema_extra={"pattern": r"^[A-Za-z_][A-Za-z0-9_]{0,62}$"}),
]
"""The name of a column or feature."""
RelativePath = Annotated[str, AfterValidator(_check_path)]
"""A path below the project's root."""
Expression = Annotated[str, Field(min_length=1, max_length=10_000)]
"""An expression of the typed SQL subset (docs/expressions.md)."""
Cron = Annotated[str, AfterValidator(_check_cron)]
"""A cron schedule of five fields, UTC."""
Date = Annotated[str, AfterValidator(_check_date), Field(json_schema_extra={"format": "date"})]
Text = Annotated[str, Field(min_length=1)]
