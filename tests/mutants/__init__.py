"""Mutants: the clean examples with one mistake each, made by a seeded script, and what finds them.

`typos` misspells keys, choices and references; `shapes` breaks YAML and schema; `faults` are mistakes that parse and
type but would fail in production, by analysis. `make mutants` prints what mlc and other programs find.
"""

from __future__ import annotations

from collections.abc import Iterator

from mutants.faults import faults
from mutants.mutant import Mutant
from mutants.shapes import shapes
from mutants.typos import typos


def all_mutants() -> Iterator[Mutant]:
    """Yield every mutant, the same ones in every run."""
    yield from shapes()
    yield from typos()
    yield from faults()
