"""What is watched of a model that runs, and what starts its retraining."""

from __future__ import annotations

from typing import Literal

from mlc_compiler.ir.origin import Origin
from mlc_compiler.records import dataclass


@dataclass(frozen=True, slots=True)
class Signal:
    """What a monitor computes over a window of seconds, and when it is too far."""

    name: str
    type: Literal["feature_drift", "prediction_drift", "performance", "estimated_performance", "data_quality"]
    method: str
    metric: str | None
    features: tuple[str, ...]
    min: float | None
    max: float | None
    window: float
    severity: Literal["page", "ticket"]
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class Retrain:
    """What starts a retraining, which ends in a pull request."""

    on: tuple[str, ...]
    schedule: str | None
    cooldown: float
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class Monitor:
    """What is watched of a model that runs, and what may wake somebody."""

    name: str
    reference: str
    alerts_per_week: float
    label_delay: float | None
    signals: tuple[Signal, ...]
    availability: float | None
    latency_p99: float | None
    retrain: Retrain | None
    origin: Origin = Origin("")
