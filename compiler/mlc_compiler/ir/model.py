"""A model, whole: what every target reads of it, its pin and its card."""

from __future__ import annotations

from typing import Literal

from mlc_compiler.ir.data import Dataset
from mlc_compiler.ir.features import FeatureQuery
from mlc_compiler.ir.gates import Gate
from mlc_compiler.ir.monitoring import Monitor, Retrain
from mlc_compiler.ir.origin import Origin
from mlc_compiler.ir.serving import Rollout, Serving
from mlc_compiler.ir.training import Decision, Estimator, Label, Search, Split, Train
from mlc_compiler.records import dataclass


@dataclass(frozen=True, slots=True)
class Card:
    """What the model card says besides what the evidence shows."""

    intended_use: str
    out_of_scope: tuple[str, ...]
    risk: Literal["minimal", "limited", "high"]
    limitations: tuple[str, ...]
    ethical_considerations: tuple[str, ...]
    human_oversight: str
    contacts: tuple[str, ...]
    references: tuple[str, ...]
    origin: Origin = Origin("")
    purpose: str = ""
    sensitive_inputs: tuple[tuple[str, str], ...] = ()  # column, why features may depend on it
    technical_documentation: tuple[tuple[str, str], ...] = ()  # topic, a text or where it stands


@dataclass(frozen=True, slots=True)
class Pin:
    """What runs: digests as `sha256:...`; `image` is name@sha256:..., or name:tag while no registry gave a digest."""

    version: str
    artifact: str
    image: str
    snapshot: str
    path: str
    evidence: str | None = None


@dataclass(frozen=True, slots=True)
class Model:
    """A model of a release, whole: what it is trained from, gated by, served and watched as."""

    name: str
    owner: str
    description: str
    task: Literal["binary_classification", "multiclass_classification", "regression", "forecast"]
    version: str  # sha256:... of the training inputs
    features: FeatureQuery
    label: Label
    split: Split
    estimator: Estimator
    baseline: Estimator | None
    search: Search | None
    decision: Decision | None
    seed: int
    code: tuple[str, ...]
    train: Train
    package: Literal["onnx", "skops"]
    serving: Serving
    gates: tuple[Gate, ...]
    rollout: Rollout | None
    monitor: Monitor | None
    card: Card
    datasets: tuple[Dataset, ...]
    labels: tuple[tuple[str, str], ...] = ()
    controller: Literal["deployment", "rollout", "cron_job"] = "deployment"
    pin: Pin | None = None
    origin: Origin = Origin("")
    retrain: Retrain | None = None  # its monitor's, apart: shared workflows follow from this much of monitors alone

    def dataset(self, name: str) -> Dataset:
        return next(d for d in self.datasets if d.name == name)
