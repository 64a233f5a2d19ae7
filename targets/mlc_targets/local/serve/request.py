"""A request against its schema: rows in, columns out, and for every fault the field, what came and what is wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from mlc_compiler.diagnostics import nearest
from mlc_compiler.ir import Column
from mlc_compiler.records import dataclass
from mlc_targets.local.serve.values import WANTED, ValueRefusedError, read_value, shown

_MOST_FAULTS = 20
_LONGEST_NAME = 64  # longer names get no suggestion: comparing them costs more than they are worth


@dataclass(frozen=True, slots=True)
class Rows:
    """Checked rows by column, ready for the row query."""

    count: int
    columns: Mapping[str, Sequence[object]]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one field of one row; rows count from 0."""

    field: str
    message: str
    row: int | None = None

    def to_json(self) -> dict[str, object]:
        """Return the fault as the error body lists it."""
        return {"field": self.field, "row": self.row, "message": self.message}


class RequestError(Exception):
    """A request that is refused: HTTP status, message, and the faults of its fields."""

    def __init__(self, status: int, message: str, faults: Sequence[Fault] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.faults = tuple(faults)


class RequestSchema:
    """The request columns of a model, ready to check rows with; `max_rows` bounds one request."""

    def __init__(self, columns: Sequence[Column], max_rows: int) -> None:
        self.columns = tuple(columns)
        self.max_rows = max_rows
        self._names = frozenset(column.name for column in columns)
        self._patterns = {c.name: _compile(c.pattern) for c in columns if c.pattern}

    def read_json(self, body: bytes) -> Rows:
        """Return the rows of a /predict body: one object, or `{"instances": [object, ...]}`. Raises RequestError."""
        return self.read_rows(_instances(parse_json(body)))

    def read_rows(self, instances: Sequence[object]) -> Rows:
        """Check objects by field name; raises RequestError with up to 20 faults."""
        self.check_count(len(instances))
        faults: list[Fault] = []
        columns: dict[str, list[object]] = {column.name: [] for column in self.columns}
        for number, row in enumerate(instances):
            if not isinstance(row, dict):
                raise RequestError(422, f"row {number} is {shown(row)}; an object of fields is wanted")
            self._read_row(row, number, columns, faults)
            if len(faults) >= _MOST_FAULTS:
                break
        return self._finish(len(instances), columns, faults)

    def read_columns(self, given: Mapping[str, Sequence[object]], count: int) -> Rows:
        """Check columns of equal length; those left out are null. Raises RequestError."""
        self.check_count(count)
        faults = [self._unknown(name, None) for name in given if name not in self._names][:_MOST_FAULTS]
        columns: dict[str, list[object]] = {column.name: [] for column in self.columns}
        for column in self.columns:
            if column.name in given:
                for number, value in enumerate(given[column.name]):
                    self._read_field(column, value, number, columns, faults)
            elif column.required:
                faults.append(Fault(column.name, _missing(column)))
            else:
                columns[column.name] = [None] * count
        return self._finish(count, columns, faults[:_MOST_FAULTS])

    def check_count(self, count: int) -> None:
        """Refuse requests without rows (422) and with too many (413)."""
        if count == 0:
            raise RequestError(422, "the request has no rows; at least one is wanted")
        if count > self.max_rows:
            raise RequestError(413, f"the request has {count} rows; at most {self.max_rows} are allowed")

    def _read_row(
        self, row: Mapping[str, object], number: int, columns: dict[str, list[object]], faults: list[Fault]
    ) -> None:
        if not row.keys() <= self._names:
            unknown = [name for name in row if name not in self._names]
            faults += [self._unknown(name, number) for name in unknown[:_MOST_FAULTS]]
        for column in self.columns:
            if column.name in row:
                self._read_field(column, row[column.name], number, columns, faults)
            elif column.required:
                faults.append(Fault(column.name, _missing(column), number))
            else:
                columns[column.name].append(None)

    def _read_field(
        self, column: Column, value: object, number: int, columns: dict[str, list[object]], faults: list[Fault]
    ) -> None:
        try:
            columns[column.name].append(read_value(column, value))
        except ValueRefusedError as error:
            faults.append(Fault(column.name, f"`{column.name}` {error}", number))

    def _unknown(self, name: str, row: int | None) -> Fault:
        close = nearest(name, self._names) if len(name) <= _LONGEST_NAME else None
        cut = name if len(name) <= _LONGEST_NAME else name[:_LONGEST_NAME] + "..."
        known = ", ".join(f"`{column.name}`" for column in self.columns[:20])
        hint = f"did you mean `{close}`?" if close else f"the fields are {known}"
        return Fault(cut, f"`{cut}` is not a field of this model; {hint}", row)

    def _finish(self, count: int, columns: dict[str, list[object]], faults: list[Fault]) -> Rows:
        if not faults:
            faults = self._unmatched(columns)
        if faults:
            raise RequestError(422, _headline(faults, count), faults[:_MOST_FAULTS])
        return Rows(count, columns)

    def _unmatched(self, columns: Mapping[str, Sequence[object]]) -> list[Fault]:
        return [
            Fault(name, f"`{name}` is {shown(columns[name][row])}; it must match {self._pattern(name)}", row)
            for name, pattern in self._patterns.items()
            for row in pattern.misses(columns[name])
        ]

    def _pattern(self, name: str) -> str:
        return next(column.pattern or "" for column in self.columns if column.name == name)


def parse_json(body: bytes) -> object:
    """Return the parsed body; raises RequestError 400 for what is not JSON (NaN and Infinity are not)."""
    try:
        parsed: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, f"the body is not valid JSON: {error.msg} at line {error.lineno}") from error
    return parsed


def _instances(parsed: object) -> Sequence[object]:
    if not isinstance(parsed, dict):
        raise RequestError(
            422, f'the body is {shown(parsed)}; an object of fields, or {{"instances": [...]}}, is wanted'
        )
    if parsed.keys() == {"instances"}:
        instances = parsed["instances"]
        if not isinstance(instances, list):
            raise RequestError(422, f"`instances` is {shown(instances)}; a list of objects is wanted")
        return instances
    return [parsed]


def _missing(column: Column) -> str:
    return f"`{column.name}` is missing; {WANTED[column.type]} is wanted"


def _headline(faults: Sequence[Fault], count: int) -> str:
    first = faults[0]
    place = f"row {first.row}: " if first.row is not None and count > 1 else ""
    return place + first.message


class Pattern:
    """A pattern that a whole text must match, by RE2: its time is linear whatever the text."""

    def __init__(self, pattern: str) -> None:
        import pyarrow.compute  # heavy, and few schemas have patterns; Python's re can be made to hang

        self._compute: Any = pyarrow.compute
        self._array: Any = pyarrow.array
        self._text: Any = pyarrow.string()
        self._pattern = rf"\A(?:{pattern})\z"

    def misses(self, values: Sequence[object]) -> list[int]:
        """Return the rows whose text does not match; null matches."""
        matched = self._compute.match_substring_regex(self._array(values, self._text), pattern=self._pattern)
        return [row for row, match in enumerate(matched.to_pylist()) if match is False]


def _compile(pattern: str) -> Pattern:
    return Pattern(pattern)
