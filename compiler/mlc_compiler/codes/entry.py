"""What the registry knows about one code."""

from __future__ import annotations

from mlc_compiler.records import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A finding code: its meaning in one line, and the paragraph that `mlc explain` and the docs print."""

    id: str
    title: str
    explanation: str
