"""kind: Monitor, what is watched in production, who is told, and what asks for a new training."""

from typing import Annotated, Literal

from pydantic import Field

from mlc_compiler.spec.types import Cron, Duration, Identifier, Name, Number, Rate, SpecModel, Text, defaults


class Reference(SpecModel):
    split: Literal["train", "validation", "test"] = "train"
    """The fold that live data is compared with."""


class AlertBudget(SpecModel):
    per_week: Annotated[float, Field(gt=0)] = 2.0
    """False alarms that the owners accept in a week."""


class Signal(SpecModel):
    """One thing that is watched."""

    name: Name
    type: Literal["feature_drift", "prediction_drift", "performance", "estimated_performance", "data_quality"]
    method: Literal["psi", "jensen_shannon", "ks", "wasserstein", "chi_square", "cbpe"] | None = None
    metric: Text | None = None
    features: list[Identifier] = []
    """Features that are compared; by default all."""
    min: Number | None = None
    max: Number | None = None
    window: Annotated[Duration, Field(gt=0)] = 86400.0
    """How far back it looks."""
    severity: Literal["page", "ticket"] = "ticket"


class Slo(SpecModel):
    availability: Rate | None = None
    """Share of requests that must not fail, over 30 days."""
    latency_p99: Duration | None = None


class Retrain(SpecModel):
    """What asks for a new training: it opens a pull request, never more."""

    on: list[Name] = []
    """Signals whose alert starts it."""
    schedule: Cron | None = None
    cooldown: Duration = 86400.0


class Monitor(SpecModel):
    """What is watched in production."""

    model: Text
    reference: Reference = defaults(Reference)
    alert_budget: AlertBudget = defaults(AlertBudget)
    label_delay: Duration | None = None
    """How late labels come; by default from the lock's statistics."""
    signals: list[Signal] = []
    slo: Slo = defaults(Slo)
    retrain: Retrain | None = None
