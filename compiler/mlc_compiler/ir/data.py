"""Datasets: where their rows come from, what their columns hold, what is checked of them."""

from __future__ import annotations

from typing import Literal

from mlc_compiler.ir.origin import Origin, Scalar
from mlc_compiler.records import dataclass


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a dataset, as its checks, its privacy and its knowledge time need it."""

    name: str
    type: str  # string int64 int32 float64 float32 bool timestamp date decimal
    required: bool = False
    unique: bool = False
    enum: tuple[Scalar, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    pattern: str | None = None
    classification: str = "public"
    known_at: str | None = None  # SQL over the row; None: event time plus delay
    description: str = ""
    sensitive: bool = False  # a protected attribute


@dataclass(frozen=True, slots=True)
class DataCheck:
    """One check as a query: `violations_sql` counts what breaks it, `total_sql` what it was asked of."""

    name: str  # e.g. "row_count", "missing_rate(tailnum)", "distance > 0"
    kind: str  # row_count missing_rate unique range expression freshness
    columns: tuple[str, ...] = ()
    expression: str | None = None  # DuckDB SQL over the row; true is met
    statistic: str | None = None
    min: float | None = None
    max: float | None = None
    severity: Literal["error", "warning"] = "error"
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class Source:
    """Where the rows of a dataset come from: a file, or a query over other datasets."""

    format: Literal["parquet", "csv", "jsonl", "sql", "query"]
    path: str | None = None
    url: str | None = None
    query: str | None = None  # DuckDB SQL over other datasets
    reads: tuple[str, ...] = ()  # datasets that the query reads
    secret: str | None = None
    delimiter: str = ","
    header: bool = True


@dataclass(frozen=True, slots=True)
class Dataset:
    """A table as the lock measured it: columns, keys, times, checks."""

    name: str
    source: Source
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    event_time: str | None = None
    delay: float = 0.0
    overwrite: bool = False
    checks: tuple[DataCheck, ...] = ()
    until: str | None = None
    freshness: float | None = None
    license: str | None = None
    owner: str = ""
    description: str = ""
    digest: str | None = None  # snapshot digest from the lock
    rows: int | None = None
    origin: Origin = Origin("")

    def column(self, name: str) -> Column | None:
        return next((c for c in self.columns if c.name == name), None)
