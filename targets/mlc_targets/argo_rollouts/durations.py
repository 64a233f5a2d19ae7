"""Durations as Go reads them: Argo knows hours, minutes and seconds, but no days."""

from __future__ import annotations

from mlc_compiler import conventions


def go_duration(seconds: float) -> str:
    """Return the shortest single-unit text of a duration in Go's form.

    >>> go_duration(86400), go_duration(1800), go_duration(0.5)
    ('24h', '30m', '500ms')
    """
    if seconds >= 3600 and seconds % 3600 == 0:
        return f"{round(seconds / 3600)}h"
    return conventions.duration_text(seconds)
