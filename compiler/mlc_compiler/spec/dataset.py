"""kind: Dataset, a table with a contract: columns, checks, when its rows become known."""

from typing import Annotated, Literal

from pydantic import Field

from mlc_compiler.spec.document import SecretReference
from mlc_compiler.spec.types import (
    Date,
    Duration,
    Expression,
    Identifier,
    Name,
    Number,
    OneOf,
    Rate,
    RelativePath,
    SpecModel,
    Text,
)

ColumnType = Literal["string", "int64", "int32", "float64", "float32", "bool", "timestamp", "date", "decimal"]
Classification = Literal["public", "internal", "confidential", "pseudonymous", "pii", "special"]
"""How closely values are kept, in rising order: `pseudonymous` is of a person whom something else would name, `pii`
names or describes a person, `special` is of a special category (health, belief, origin)."""


class Source(SpecModel):
    """Where the rows come from."""

    format: Literal["parquet", "csv", "jsonl", "sql", "query"] = "parquet"
    """Format of the files; `sql` reads from a database, `query` from other datasets."""
    path: RelativePath | None = None
    """File, folder or glob below the project's root."""
    url: Text | None = None
    """Files elsewhere: an fsspec URL such as s3://bucket/key.parquet."""
    query: Expression | None = None
    """A SELECT over other datasets (`format: query`) or over the database (`format: sql`)."""
    connection: SecretReference | None = None
    """Secret with the database's URL (`format: sql`)."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    """Field separator of CSV files."""
    header: bool = True
    """Whether CSV files start with the columns' names."""


class Column(SpecModel):
    """One column of the contract."""

    type: ColumnType
    """Type of the values; timestamps are stored in UTC."""
    required: bool = False
    """Nulls are refused."""
    unique: bool = False
    """Repeated values are refused."""
    enum: list[str | int | float | bool] | None = None
    """The only values allowed, nulls aside."""
    minimum: Number | None = None
    """Smallest value allowed."""
    maximum: Number | None = None
    """Largest value allowed."""
    pattern: Text | None = None
    """Regular expression (RE2) that the whole text must match."""
    classification: Classification = "public"
    """How closely the values are kept; `project.privacy` says what each place admits."""
    sensitive: bool = False
    """A protected attribute such as sex or age: no input of a high-risk model without a reason in its card."""
    purposes: list[Name] = []
    """What the values may be used for, instead of the dataset's `purposes`."""
    known_at: Expression | None = None
    """When the value becomes known; by default the row's event time plus the dataset's delay."""
    description: str | None = None
    unit: Text | None = None


class RowCount(SpecModel):
    """How many rows there must be."""

    min: Annotated[int, Field(ge=0)] | None = None
    max: Annotated[int, Field(ge=0)] | None = None


class MissingRate(SpecModel):
    """How many nulls a column may have."""

    column: Identifier
    max: Rate


class UniqueCheck(SpecModel):
    """Columns whose combination must not repeat."""

    columns: Annotated[list[Identifier], Field(min_length=1)]


class ValueRange(SpecModel):
    """Bounds of an aggregate of a column."""

    column: Identifier
    statistic: Literal["min", "max", "mean", "sum", "stddev"] = "mean"
    min: Number | None = None
    max: Number | None = None


class DataCheck(OneOf):
    """One check of the data; exactly one of its forms."""

    forms = ("row_count", "missing_rate", "unique", "range", "expression")
    row_count: RowCount | None = None
    missing_rate: MissingRate | None = None
    unique: UniqueCheck | None = None
    range: ValueRange | None = None
    expression: Expression | None = None
    """A condition that every row must meet; a null counts as met."""
    max_violations: Rate = 0.0
    """Share of rows that may break an `expression`."""
    severity: Literal["error", "warning"] = "error"


class History(SpecModel):
    """The closed time range of a table that no longer grows."""

    since: Date | None = None
    until: Date | None = None


class Freshness(SpecModel):
    """How old the newest row of a live table may be."""

    max_age: Duration


class Dataset(SpecModel):
    """A table with its contract."""

    source: Source
    primary_key: list[Identifier] = []
    """Columns that identify a row."""
    event_time: Identifier | None = None
    """When the row's event happened."""
    delay: Duration = 0.0
    """How long after its event time a row arrives."""
    updates: Literal["append", "overwrite"] = "append"
    """`overwrite`: rows change in place, so the table has no history and joins only as static."""
    columns: Annotated[dict[Identifier, Column], Field(min_length=1)]
    checks: list[DataCheck] = []
    history: History | None = None
    freshness: Freshness | None = None
    license: Text | None = None
    """SPDX identifier of the data's licence."""
    purposes: list[Name] = []
    """What the rows may be used for; empty: anything. `fairness-audit` admits them as groups of gates."""
    retention: Duration | None = None
    """How long the rows may be kept."""
    url: Text | None = None
    """Where the data is described."""
