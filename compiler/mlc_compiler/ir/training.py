"""What a model learns, from which rows, by which estimator, and on what it is trained."""

from __future__ import annotations

from typing import Literal

from mlc_compiler.ir.origin import Frozen, Origin
from mlc_compiler.records import dataclass


@dataclass(frozen=True, slots=True)
class Label:
    """What is predicted, as a query, and how long after the prediction it is known."""

    definition: str  # canonical text
    expression: str
    known_at: str
    horizon: float | None = None
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class Split:
    """How rows are parted into folds; shares are of rows, `gap` is in seconds."""

    strategy: Literal["time", "random", "group"]
    train: float
    validation: float
    test: float
    gap: float
    group: tuple[str, ...]
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How the packaged pipeline encodes features, with no choice left to the estimator."""

    impute: Literal["median", "mean", "zero", "none"]
    scale: Literal["standard", "min_max", "robust", "none"]
    indicator: bool
    encode: Literal["one_hot", "ordinal"]
    min_frequency: int | float | None
    max_categories: int | None
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class Estimator:
    """`path` is a class's dotted path, or module:function of the model's code."""

    path: str
    params: tuple[tuple[str, Frozen], ...] = ()
    entrypoint: bool = False
    preprocessing: Preprocessing | None = None  # resolved for this estimator
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class SearchDimension:
    """The values that a search may give one parameter."""

    name: str
    kind: Literal["choice", "uniform", "log_uniform", "int_uniform"]
    values: tuple[Frozen, ...]


@dataclass(frozen=True, slots=True)
class Search:
    """A search for parameters, scored on the validation fold."""

    method: Literal["random", "grid"]
    trials: int
    metric: str
    space: tuple[SearchDimension, ...]
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class Decision:
    """How the operating point of a classifier is chosen; a fixed threshold has rule `threshold`."""

    rule: Literal["threshold", "max_false_positive_rate", "min_precision", "min_recall", "f1", "youden"]
    value: float
    origin: Origin = Origin("")


@dataclass(frozen=True, slots=True)
class Resources:
    """What a container asks for: cores, bytes, GPUs."""

    cpu: float
    memory: int
    gpu: int = 0


@dataclass(frozen=True, slots=True)
class Train:
    """Where and how long a training runs, and what it installs."""

    runner: str
    resources: Resources
    timeout: float
    requirements: tuple[str, ...]
    refit: Literal["train", "train+validation", "all"]
    origin: Origin = Origin("")
