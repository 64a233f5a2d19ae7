"""kind: Gate, the checks that a version must pass before it is released."""

from typing import Annotated, Literal

from pydantic import Field

from mlc_compiler.spec.types import Bound, Identifier, Number, OneOf, Rate, SpecModel, Text

Fairness = Literal["demographic_parity", "disparate_impact", "equal_opportunity", "equalized_odds", "predictive_parity"]


class GateCheck(OneOf):
    """One check; exactly one of `metric`, `fairness`, `latency`, `parity`."""

    forms = ("metric", "fairness", "latency", "parity")
    metric: Text | None = None
    """A metric of the model's task, e.g. roc_auc, brier, rmse."""
    fairness: Fairness | None = None
    """A fairness ratio between the groups of `group`: smallest over largest."""
    latency: Literal["p50", "p95", "p99"] | None = None
    """Latency of one prediction of the package, here."""
    parity: Literal["onnx", "skops"] | None = None
    """Largest difference between the package and the trained estimator."""
    min: Number | None = None
    """The lower confidence bound must reach it."""
    max: Bound | None = None
    """The upper confidence bound must stay within it; a duration for latencies."""
    versus: Literal["champion", "baseline"] | None = None
    """Compares on the same rows instead of against a constant."""
    margin: Annotated[float, Field(ge=0)] = 0.0
    """How much worse than the other it may be (non-inferiority), paired."""
    slices: list[Identifier] = []
    """Checks each group of these columns on its own."""
    group: Identifier | None = None
    """The column whose values are the groups of a fairness check."""
    min_rows: Annotated[int, Field(ge=1)] = 1
    """Groups with fewer rows are reported and not judged."""
    max_difference: Annotated[float, Field(ge=0)] | None = None
    """Largest difference allowed by a parity check."""
    expect: Number | None = None
    """What a good model scores here: `mlc validate` reckons how often it would fail by chance."""
    confidence: Rate | None = None
    """Overrides the gate's confidence."""
    report_only: bool = False
    """Measured and shown, never blocking."""


class Gate(SpecModel):
    """Checks that decide on a release."""

    model: Text
    """A model's name, or a pattern such as demand-*."""
    confidence: Rate = 0.95
    """Of the two-sided interval whose careful bound is compared."""
    split: Literal["test", "validation"] = "test"
    checks: Annotated[list[GateCheck], Field(min_length=1)]
