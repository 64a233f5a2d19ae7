"""Features as queries of one meaning for training, serving and batches, and the tests that hold them to it."""

from __future__ import annotations

from typing import Literal

from mlc_compiler.ir.data import Column, Dataset
from mlc_compiler.ir.origin import Origin, Scalar
from mlc_compiler.records import dataclass


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature as models take it; `kind` is what an encoder may do with it."""

    name: str
    view: str
    kind: Literal["category", "number", "boolean", "timestamp", "text"]
    type: str  # column type of the value: float64, int64, string, bool, timestamp
    definition: str  # canonical text: part of the version
    expression: str = ""  # as the user wrote it, for people
    description: str = ""
    online: bool = False  # looked up when serving, not computed from the request alone
    origin: Origin = Origin("")
    reaches: tuple[str, ...] = ()  # sensitive columns in its lineage, as dataset.column
    rows: str = ""  # of an aggregate, for people: over which dataset, by which keys, in which window


@dataclass(frozen=True, slots=True)
class Lookup:
    """A table of the online snapshot: `sql` builds it as of the parameter $now; one row a key.

    The SQL reads the datasets as relations of their names. `columns` are what the row query may use besides the keys.
    """

    name: str
    keys: tuple[str, ...]
    columns: tuple[str, ...]
    sql: str
    reads: tuple[str, ...]
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class FeatureQuery:
    """The features of one model, compiled to DuckDB SQL with one meaning for training and serving.

    `training_sql` reads the datasets as relations of their names and returns the primary key, `__predict_at`
    (timestamp, UTC), `__label`, `__label_known_at` and the features in order; one row of the spine each, immature and
    unlabelled rows included (their label is null). `serving_sql` reads a relation `request` with the request's columns
    and the lookups as relations of their names; it returns the features in the same order, and for each lookup a
    boolean `__miss_<lookup>`; rows come back in order of `request.__row` (an integer that the caller adds).
    `row_sql` means the same, but reads `request` alone: the caller has looked up, and brings each lookup's columns as
    `<lookup>:<column>` and whether there was a row as the boolean `<lookup>:__hit`. `batch_sql` is training_sql without
    the label's columns.
    """

    spine: str
    primary_key: tuple[str, ...]
    predict_at: str
    request: tuple[Column, ...]
    features: tuple[Feature, ...]
    lookups: tuple[Lookup, ...]
    datasets: tuple[str, ...]  # read by training_sql
    training_sql: str
    batch_sql: str
    serving_sql: str
    refresh: float
    slices: tuple[str, ...] = ()  # spine columns kept beside the features, as `__slice_<name>`, for slices and groups
    definition: str = ""  # canonical text of the rows (spine, predict_at, filters): part of the version
    row_sql: str = ""


@dataclass(frozen=True, slots=True)
class FeatureTest:
    """Rows given, features expected; `sql` is the view's own feature query (batch form)."""

    view: str
    name: str
    given: tuple[tuple[str, tuple[tuple[tuple[str, Scalar], ...], ...]], ...]  # dataset -> rows
    expect: tuple[tuple[tuple[str, Scalar], ...], ...]
    tolerance: float
    sql: str
    primary_key: tuple[str, ...]
    datasets: tuple[Dataset, ...]
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class ParityTest:
    """Features of one view whose golden vectors must come to the same in training and in serving."""

    view: str
    query: FeatureQuery
    datasets: tuple[Dataset, ...]
    timezone: str
    origin: Origin = Origin("")
