"""Golden vectors as lines of JSON, to be read in reviews and sent again: a plain row, then what each vector changes.

Written at compile time, one file a model, so every column's lines are made once for all models that share it.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Iterator, Mapping, Sequence

from mlc_compiler.ir import Column, FeatureQuery, Scalar
from mlc_compiler.records import dataclass
from mlc_compiler.sql.plain_rows import plain_row
from mlc_compiler.sql.vectors import Vector, numbered_columns, variations, vector_of

FORMAT_VERSION = 1
_REPEATED = 80  # a text of one character, this long or longer, is written as how often it comes


class VectorFileError(ValueError):
    """A file that is none of golden vectors, or of other columns; the message says which line and why."""


@dataclass(frozen=True, slots=True)
class VectorLines:
    """The file's text, and for each column the number of its first line."""

    text: str
    columns: tuple[tuple[str, int], ...]


def vector_lines(query: FeatureQuery, timezone: str) -> VectorLines:
    """Return the golden vectors of a model's requests as lines of JSON."""
    plain = plain_row(query.request, query.definition)
    numbered = [column.name for column in numbered_columns(query.request, query.primary_key)]
    blocks = [(c.name, *_block(c, timezone, c.name in query.primary_key)) for c in query.request]
    head = {"golden_vectors": FORMAT_VERSION, "timezone": timezone, "numbered": numbered, "plain": _written(plain)}
    columns, line = [], 3
    for name, _, count in blocks:
        columns.append((name, line))
        line += count
    text = _dumped(head) + '{"vector": "plain", "request": {}}\n' + "".join(block for _, block, _ in blocks)
    return VectorLines(text, tuple(columns))


@functools.lru_cache(maxsize=4096)
def _block(column: Column, timezone: str, key: bool) -> tuple[str, int]:
    """Return a column's lines, and how many they are."""
    edges = variations(column, timezone, key=key)
    lines = [
        _dumped({"vector": f"{column.name}: {name}", "request": _written({column.name: value})})
        for name, value in edges.items()
    ]
    return "".join(lines), len(lines)


def _dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False) + "\n"


def _written(row: Mapping[str, Scalar]) -> dict[str, object]:
    return {name: _json(value) for name, value in row.items()}


def _json(value: Scalar) -> object:
    """Return what JSON holds of a value: numbers that are not finite as text, long runs of one character counted."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, str) and len(value) >= _REPEATED and value == value[0] * len(value):
        return {"repeated": value[0], "times": len(value)}
    return value


# --- reading ---------------------------------------------------------------------------------------------------------
def read_vectors(text: str, request: Sequence[Column]) -> tuple[Vector, ...]:
    """Return the vectors of a file for a request's columns. Raises VectorFileError."""
    columns = {column.name: column for column in request}
    if not text.strip():
        raise VectorFileError("it is empty")
    head, *lines = (_object(line, number) for number, line in enumerate(text.splitlines(), 1))
    if head.get("golden_vectors") != FORMAT_VERSION:
        raise VectorFileError(f"line 1: `golden_vectors` is {head.get('golden_vectors')!r}, not {FORMAT_VERSION}")
    plain = _row(head, "plain", columns, 1)
    if plain.keys() != columns.keys():
        raise VectorFileError(f"line 1: it is of requests with {_list(plain)}; the package takes {_list(columns)}")
    numbered = [column for column in request if column.name in _texts(head.get("numbered"))]
    return tuple(_vector(line, number, columns, plain, numbered) for number, line in enumerate(lines, 2))


def _vector(
    line: Mapping[str, object], number: int, columns: Mapping[str, Column], plain: Mapping[str, Scalar],
    numbered: Sequence[Column],
) -> Vector:  # fmt: skip
    given = _row(line, "request", columns, number)
    return vector_of(str(line.get("vector", f"line {number}")), given, plain, numbered, number - 1)


def _object(line: str, number: int) -> Mapping[str, object]:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise VectorFileError(f"line {number} is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise VectorFileError(f"line {number} is no JSON object")
    return value


def _row(line: Mapping[str, object], field: str, columns: Mapping[str, Column], number: int) -> dict[str, Scalar]:
    row = line.get(field)
    if not isinstance(row, dict):
        raise VectorFileError(f"line {number}: `{field}` is no object")
    for name in row:
        if name not in columns:
            raise VectorFileError(f"line {number}: `{name}` is no column of the requests, which have {_list(columns)}")
    return {name: _scalar(columns[name], value, number) for name, value in row.items()}


def _scalar(column: Column, value: object, number: int) -> Scalar:
    if isinstance(value, dict) and value.keys() == {"repeated", "times"}:
        return str(value["repeated"]) * min(int(value["times"]), 1_000_000)
    if column.type.startswith("float") and value in ("NaN", "Infinity", "-Infinity"):
        return float(str(value))
    if value is None or isinstance(value, str | int | float):
        return value
    raise VectorFileError(f"line {number}: `{column.name}` is no value of a column")


def _texts(value: object) -> Iterator[str]:
    return (item for item in value if isinstance(item, str)) if isinstance(value, list) else iter(())


def _list(names: Mapping[str, object]) -> str:
    return ", ".join(names)
