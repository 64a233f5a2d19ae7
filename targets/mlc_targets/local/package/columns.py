"""From query results to the model's inputs: the one conversion that training, batch and serving share.

Numbers, booleans and timestamps become float32 (null is NaN, a timestamp is seconds since the epoch), categories and
text become strings (null is the package's missing category), so that all three see the same values.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mlc_targets.local.package.manifest import PackagedFeature

Array = np.ndarray[Any, np.dtype[Any]]
"""Any one- or two-dimensional array: which dtype depends on the column."""

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def encode_columns(
    features: Sequence[PackagedFeature], columns: Mapping[str, Array], missing_category: str = ""
) -> dict[str, Array]:
    """Return the features as the model takes them, [N] each: float32 or object arrays of str.

    Columns may be plain, masked (as DuckDB's fetchnumpy gives them), datetime64 or object arrays with None. Raises
    KeyError for a feature without a column. What is encoded already passes unchanged.
    """
    return {f.name: _encode(f, columns[f.name], missing_category) for f in features}


def _encode(feature: PackagedFeature, column: Array, missing: str) -> Array:
    if feature.kind in {"category", "text"}:
        return _texts(column, missing)
    return _numbers(column)


def _texts(column: Array, missing: str) -> Array:
    texts = [missing if _is_missing(value) else _text(value) for value in column.tolist()]
    encoded = np.empty(len(texts), dtype=object)
    encoded[:] = texts
    return encoded


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _text(value: object) -> str:
    """Return the text of a category; a whole number has one text whether it came as 3 or 3.0."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _numbers(column: Array) -> Array:
    if column.dtype == np.float32 and not isinstance(column, np.ma.MaskedArray):
        return column
    if column.dtype == object:
        values = np.array([_number(value) for value in column.tolist()], dtype=np.float64)
    else:
        values = _seconds(column) if column.dtype.kind == "M" else np.ma.getdata(column).astype(np.float64)
        values[np.ma.getmaskarray(column)] = np.nan
    with np.errstate(over="ignore"):  # beyond float32 is infinite, as it was in training
        return values.astype(np.float32)


def _seconds(column: Array) -> Array:
    moments = np.ma.getdata(column).astype("datetime64[us]")
    return np.where(np.isnat(moments), np.nan, moments.astype(np.int64) / 1e6)


def _number(value: object) -> float:
    if value is None:
        return float("nan")
    if isinstance(value, dt.datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
        return (moment - _EPOCH).total_seconds()
    if isinstance(value, dt.date):
        return float((value - _EPOCH.date()).days * 86_400)
    return float(value)  # type: ignore[arg-type]  # int, float, bool, Decimal: float() refuses the rest itself
