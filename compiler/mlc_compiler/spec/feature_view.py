"""kind: FeatureView, the features of one spine: what is known about a row when its prediction is made."""

from typing import Annotated, Any, Literal

from pydantic import Field

from mlc_compiler.spec.types import Duration, Expression, Identifier, Name, OneOf, SpecModel, defaults

FeatureType = Literal["category", "number", "boolean", "timestamp", "text"]


class Join(SpecModel):
    """Another dataset's columns beside each row of the spine."""

    dataset: Name | None = None
    """The dataset, when the join has another name."""
    on: Annotated[list[Identifier], Field(min_length=1)]
    """Columns that are equal on both sides."""
    as_of: Identifier | None = None
    """Column of the joined dataset; the newest row known before the prediction is taken."""
    tolerance: Duration | None = None
    """How old, by `as_of`, the row may be; older ones count as missing."""
    static: bool = False
    """The table has no history: its present content stands for all times."""


class Feature(OneOf):
    """One feature; exactly one of `expr`, `aggregate`, `transform`."""

    forms = ("expr", "aggregate", "transform")
    expr: Expression | None = None
    """A row expression over request columns, joined columns (`weather.temp`) and other features of the view."""
    aggregate: Expression | None = None
    """An aggregate over other rows: avg, sum, count, min, max, stddev, count_distinct, last, first."""
    over: Name | None = None
    """The dataset that is aggregated; by default the spine."""
    by: list[Identifier] = []
    """Columns that are equal in the aggregated rows and in this one."""
    window: Duration | None = None
    """How far back the aggregated rows reach, in knowledge time."""
    window_on: Literal["knowledge_time", "event_time"] = "knowledge_time"
    """The time that the window's start is measured in; the knowledge bound never moves."""
    where: Expression | None = None
    """Which rows are aggregated."""
    transform: str | None = None
    """`entrypoint` of the model's own code: module:function."""
    type: FeatureType | None = None
    """How models take it; by default from the expression's type."""
    description: str | None = None


class Online(SpecModel):
    """Where joins and aggregates are looked up when serving."""

    store: Literal["snapshot"] = "snapshot"
    refresh: Duration = 900.0
    """How often the snapshot is written; aggregates are this stale, in training too."""


class FeatureTest(SpecModel):
    """A few rows and what the features of some of them must be."""

    name: str | None = None
    given: dict[Name, list[dict[str, Any]]]
    """Rows of each dataset; columns left out are null."""
    expect: Annotated[list[dict[str, Any]], Field(min_length=1)]
    """Rows by primary key, with the features to compare."""
    tolerance: float = 1e-9


class FeatureView(SpecModel):
    """Features of one spine."""

    from_: Annotated[Name, Field(alias="from")]
    """The spine: one row of this dataset is one prediction."""
    predict_at: Expression
    """When the prediction is made: a column or an expression. What is known later may not be used."""
    request: list[Identifier] = []
    """Own-row columns that the caller sends: the serving schema. No other own-row column may be used."""
    where: Expression | None = None
    """Which rows of the spine are predicted."""
    joins: dict[Name, Join] = {}
    features: Annotated[dict[Identifier, Feature], Field(min_length=1)]
    online: Online = defaults(Online)
    tests: list[FeatureTest] = []
