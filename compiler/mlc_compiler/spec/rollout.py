"""kind: Rollout, how traffic moves to a new version and what sends it back."""

from typing import Annotated, Literal

from pydantic import Field

from mlc_compiler.spec.types import Bound, Duration, Number, Rate, SpecModel, Text, Weight, defaults


class Traffic(SpecModel):
    requests_per_second: Annotated[float, Field(gt=0)]
    """The traffic to expect, on average."""


class Step(SpecModel):
    weight: Weight
    """Percent of the traffic that the new version gets."""
    hold: Duration | None = None
    """How long it stays there; the last step has none."""
    approval: bool = False
    """Waits for a person before going on."""


class Analysis(SpecModel):
    """A metric that is watched during each step."""

    metric: Literal["error_rate", "latency_p50", "latency_p95", "latency_p99", "prediction_drift", "prediction_mean"]
    max: Bound | None = None
    """The largest value allowed; a duration for latencies."""
    min: Number | None = None
    baseline: Bound | None = None
    """The value of a healthy version, for the analysis of false aborts."""
    harmful: Bound | None = None
    """The value from which on a version must be caught; by default twice `max`."""
    interval: Annotated[Duration, Field(gt=0)] = 60.0
    """How often it is measured, and over how long."""
    failure_limit: Annotated[int, Field(ge=0)] = 0
    """Measurements that may fail before the rollout is aborted."""
    method: Literal["threshold", "sequential"] = "threshold"


class Rollback(SpecModel):
    automatic: bool = True
    within: Duration = 300.0
    """The longest time from breach to full roll-back."""
    keep: Annotated[int, Field(ge=1)] = 3
    """How many former versions stay deployable."""


class Rollout(SpecModel):
    """How a new version takes over."""

    model: Text
    strategy: Literal["canary", "blue_green", "shadow", "ab_test", "bandit", "rolling"] = "canary"
    traffic: Traffic | None = None
    steps: list[Step] = []
    analysis: list[Analysis] = []
    no_data: Literal["fail", "hold"] = "hold"
    """What a measurement without data means; it never passes."""
    min_requests: Annotated[int, Field(ge=0)] = 0
    """Requests a measurement needs before it counts."""
    rollback: Rollback = defaults(Rollback)
    mirror: Rate | None = None
    """Share of requests that a shadow receives."""
    preview: Duration | None = None
    """How long both versions of a blue_green stay up after the switch."""
