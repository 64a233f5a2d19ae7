"""Expressions over one row of a dataset as it is stored: data checks, `known_at`, filters."""

from __future__ import annotations

from mlc_compiler.ir import Dataset
from mlc_compiler.sql.expressions import Compiled, compile_expression
from mlc_compiler.sql.scope import dataset_scope


def compile_row(text: str, dataset: Dataset, timezone: str = "UTC", expect: str | None = None) -> Compiled:
    """Compile an expression over a row of `dataset`: `typed.safe_sql` reads the relation by its own column names.

    `expect` is the type that the value must have, e.g. "bool" for a check, "timestamp" for `known_at`.
    """
    return compile_expression(text, dataset_scope(dataset, timezone), expect=expect)
