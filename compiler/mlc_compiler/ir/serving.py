"""How a version answers, and how it takes over the traffic."""

from __future__ import annotations

from typing import Literal

from mlc_compiler.ir.origin import Origin
from mlc_compiler.ir.training import Resources
from mlc_compiler.records import dataclass


@dataclass(frozen=True, slots=True)
class Batch:
    """A job that scores a dataset on a schedule."""

    schedule: str
    input: str
    output: str
    path: str
    write: Literal["replace_partition", "append", "replace"]
    partition_by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Runtime:
    """Another server than ours, and the names that it gives our metrics."""

    image: str
    port: int
    metrics: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Serving:
    """How a model answers: online replicas, or a batch job."""

    mode: Literal["online", "batch"]
    min_replicas: int
    max_replicas: int
    target_cpu: int
    resources: Resources
    latency_p99: float | None
    max_batch: int
    log_requests: float
    batch: Batch | None = None
    runtime: Runtime | None = None
    origin: Origin = Origin("")
    log_classification: str = "internal"


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a rollout: a share of the traffic in percent, held for some seconds."""

    weight: float
    hold: float | None
    approval: bool = False
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class Analysis:
    """`metric`: error_rate, latency_p50|p95|p99 (seconds), prediction_drift, prediction_mean."""

    metric: str
    min: float | None
    max: float | None
    baseline: float | None
    interval: float
    failure_limit: int
    method: str = "threshold"
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class Rollout:
    """How a version takes over the traffic, and what sends it back."""

    name: str
    strategy: Literal["canary", "blue_green", "shadow", "ab_test", "bandit", "rolling"]
    steps: tuple[Step, ...]
    analysis: tuple[Analysis, ...]
    no_data: Literal["fail", "hold"]
    min_requests: int
    requests_per_second: float | None
    automatic_rollback: bool
    rollback_within: float
    keep: int
    mirror: float | None = None
    preview: float | None = None
    origin: Origin = Origin("")
