"""Days on a zone's clocks, and values of slices as text: what runs judge by, and what the lock counts beforehand."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

_DAY_MICROSECONDS = 86_400_000_000
_QUARTER_MICROSECONDS = 900_000_000


def local_days(moments: NDArray[Any], timezone: str) -> NDArray[np.int64]:
    """Return days since 1970-01-01 on the zone's clocks. `moments` are UTC and sorted in no particular way."""
    zone = ZoneInfo(timezone)
    micros = moments.astype("datetime64[us]").astype(np.int64)
    # Offsets change on quarters of an hour, so that one lookup a quarter is enough.
    quarters, inverse = np.unique(micros // _QUARTER_MICROSECONDS, return_inverse=True)
    offsets = np.array([_offset(int(quarter), zone) for quarter in quarters], dtype=np.int64)
    days: NDArray[np.int64] = (micros + offsets[inverse]) // _DAY_MICROSECONDS
    return days


def _offset(quarter: int, zone: ZoneInfo) -> int:
    shift = dt.datetime.fromtimestamp(quarter * _QUARTER_MICROSECONDS / 1_000_000, tz=zone).utcoffset()
    return 0 if shift is None else int(shift.total_seconds() * 1_000_000)


def slice_texts(values: NDArray[Any]) -> NDArray[np.str_]:
    """Return the values of a slice's column as text, "" where null."""
    return np.array(["" if v is None else str(v) for v in values.tolist()], dtype=str)
