"""Feature tests of the specs: a few given rows through the compiled query, compared with what was expected of them."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from mlc_compiler.diagnostics import nearest
from mlc_compiler.ir import Column, Dataset, FeatureTest, Scalar
from mlc_targets.local.data.files import in_order
from mlc_targets.local.data.relations import SQL_TYPES, confine, connect, quote

if TYPE_CHECKING:
    import duckdb

Row = Mapping[str, object]


class GivenError(ValueError):
    """Given rows, or a query, that a test cannot run with; the message says which."""


def run_tests(tests: Sequence[FeatureTest], timezone: str) -> tuple[tuple[FeatureTest, str | None], ...]:  # noqa: ARG001
    """Return each test with what differs in words, or None where it holds.

    `timezone` is already in the compiled query: calendar functions name their zone.
    """
    return tuple((test, _difference(test)) for test in tests)


def _difference(test: FeatureTest) -> str | None:
    connection = connect(1)
    try:
        _load(connection, test)
        confine(connection, ())
        rows = _query(connection, test)
    except GivenError as error:
        return str(error)
    finally:
        connection.close()
    found = list(_differences(test, rows))
    return "; ".join(found) if found else None


# --- given rows ------------------------------------------------------------------------------------------------------
def _load(connection: duckdb.DuckDBPyConnection, test: FeatureTest) -> None:
    given = dict(test.given)
    names = [dataset.name for dataset in test.datasets]
    for name in given:
        if name not in names:
            raise GivenError(f"`given` has rows of `{name}`, which the features do not read{_hint(name, names)}")
    for dataset in in_order(test.datasets):
        if dataset.source.format == "query" and dataset.name not in given:
            _create_view(connection, dataset)
        else:
            _create_table(connection, dataset, given.get(dataset.name, ()))


def _create_view(connection: duckdb.DuckDBPyConnection, dataset: Dataset) -> None:
    """A dataset that is a query follows from the given rows, unless rows of its own are given."""
    import duckdb

    try:
        connection.execute(f"CREATE VIEW {quote(dataset.name)} AS {dataset.source.query}")
    except duckdb.Error as error:
        raise GivenError(f"the query of `{dataset.name}` does not run: {_first_line(error)}") from error


def _create_table(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, rows: Sequence[Sequence[tuple[str, Scalar]]]
) -> None:
    columns = ", ".join(f"{quote(c.name)} {SQL_TYPES[c.type]}" for c in dataset.columns)
    connection.execute(f"CREATE TABLE {quote(dataset.name)} ({columns})")
    for number, row in enumerate(rows, 1):
        _insert(connection, dataset, dict(row), f"row {number} given of `{dataset.name}`")


def _insert(connection: duckdb.DuckDBPyConnection, dataset: Dataset, row: Mapping[str, Scalar], subject: str) -> None:
    names = [column.name for column in dataset.columns]
    for name in row:
        if name not in names:
            raise GivenError(f"{subject}: there is no column `{name}`{_hint(name, names)}")
    values = [_cast(connection, column, row.get(column.name), subject) for column in dataset.columns]
    marks = ", ".join("?" for _ in values)
    connection.execute(f"INSERT INTO {quote(dataset.name)} VALUES ({marks})", values)


def _cast(connection: duckdb.DuckDBPyConnection, column: Column, value: Scalar, subject: str) -> object:
    """Return the value in its column's type; a timestamp's offset is taken into account, a bare one is UTC."""
    import duckdb

    kind = SQL_TYPES[column.type]
    zoned = "timezone('UTC', CAST(? AS TIMESTAMPTZ))" if column.type == "timestamp" else "?"
    text = value if value is None or column.type != "timestamp" else str(value)
    try:
        return _first(connection.execute(f"SELECT CAST({zoned} AS {kind})", [text]).fetchall())
    except duckdb.Error as error:
        raise GivenError(f"{subject}: `{column.name}` is {value!r}, not {column.type}") from error


def _first(rows: Sequence[Sequence[object]]) -> object:
    return rows[0][0]


# --- comparing -------------------------------------------------------------------------------------------------------
def _query(connection: duckdb.DuckDBPyConnection, test: FeatureTest) -> dict[tuple[object, ...], Row]:
    import duckdb

    try:
        result = connection.sql(test.sql)
        rows = [dict(zip(result.columns, row, strict=True)) for row in result.fetchall()]
    except duckdb.Error as error:
        raise GivenError(f"the feature query fails on the given rows: {_first_line(error)}") from error
    return {tuple(row[key] for key in test.primary_key): row for row in rows}


def _differences(test: FeatureTest, rows: Mapping[tuple[object, ...], Row]) -> Iterator[str]:
    moments = [any(isinstance(key[i], dt.datetime) for key in rows) for i in range(len(test.primary_key))]
    for number, pairs in enumerate(test.expect, 1):
        expected = dict(pairs)
        missing = [key for key in test.primary_key if key not in expected]
        if missing:
            yield f"row {number} of `expect` has no {', '.join(missing)}, so it names no row"
            continue
        values = [expected[name] for name in test.primary_key]
        key = tuple(_moment(v) if timed else v for v, timed in zip(values, moments, strict=True))
        name = ", ".join(f"{k} {expected[k]}" for k in test.primary_key)
        if key not in rows:
            yield f"{name}: the features have no such row"
        else:
            yield from _row_differences(test, expected, rows[key], name)


def _row_differences(test: FeatureTest, expected: Mapping[str, Scalar], row: Row, subject: str) -> Iterator[str]:
    for feature, wanted in expected.items():
        if feature in test.primary_key:
            continue
        if feature not in row:
            yield f"{subject}: there is no feature `{feature}`{_hint(feature, [n for n in row if n[:2] != '__'])}"
        elif not _same(row[feature], wanted, test.tolerance):
            yield f"{subject}: {feature} is {_shown(row[feature])}, expected {_shown(wanted)}"


def _same(found: object, wanted: Scalar, tolerance: float) -> bool:
    if found is None or wanted is None:
        return found is None and wanted is None
    if isinstance(found, bool) or isinstance(wanted, bool):
        return found is wanted
    if isinstance(found, dt.datetime):
        return found == _moment(wanted)
    if isinstance(found, str) or isinstance(wanted, str):
        return str(found) == str(wanted)
    return math.isclose(float(found), wanted, rel_tol=tolerance, abs_tol=tolerance)  # type: ignore[arg-type]  # numbers are left


def _moment(value: object) -> object:
    """Return a timestamp in UTC without a zone, or the value itself where it is none."""
    try:
        moment = dt.datetime.fromisoformat(str(value))
    except ValueError:
        return value
    return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment


def _shown(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, dt.datetime) else repr(value)


def _hint(name: str, names: Sequence[str]) -> str:
    close = nearest(name, names)
    return f"; did you mean `{close}`?" if close else f"; there are {', '.join(names)}"


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
