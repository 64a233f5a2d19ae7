"""The server's log: one JSON object a line on standard output; classified values never appear in it."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Mapping, Sequence

import orjson

from mlc_compiler.conventions import admits
from mlc_compiler.ir import Column
from mlc_targets.local.serve.request import Rows

REDACTED = "[redacted]"
_MOST_ROWS = 10


def write_line(event: str, fields: Mapping[str, object]) -> None:
    """Write one event, with the time in UTC."""
    now = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
    line = orjson.dumps({"time": now, "event": event, **fields}, default=str, option=orjson.OPT_APPEND_NEWLINE)
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def redacted_rows(columns: Sequence[Column], rows: Rows, limit: str = "internal") -> list[dict[str, object]]:
    """Return up to ten rows as they may be logged: values classified above `limit` are replaced."""
    values = {
        c.name: rows.columns[c.name] if admits(limit, c.classification) else [REDACTED] * rows.count for c in columns
    }
    return [{name: column[row] for name, column in values.items()} for row in range(min(rows.count, _MOST_ROWS))]


class Sampler:
    """Picks an even share of requests without chance: at rate 0.25, each fourth."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._due = 0.0

    def take(self) -> bool:
        """Return whether this request is among the share."""
        self._due += self._rate
        if self._due < 1:
            return False
        self._due -= 1
        return True
