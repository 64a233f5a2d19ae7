"""What a run hands to its report: plain values, filled in by the pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from mlc_compiler.ir import Model
from mlc_compiler.records import dataclass
from mlc_targets.local.gates import Estimate, Evaluation, Verdict


@dataclass(frozen=True, slots=True)
class Fold:
    """A part of the split: rows that were used, its first and last moment (ISO text), and what was left out of it."""

    name: str
    rows: int
    start: str = ""
    end: str = ""
    positives: float | None = None  # mean of the label
    immature: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True)
class DataCheckRow:
    """A data check: how many of `total` rows violate it."""

    dataset: str
    name: str
    status: Literal["passed", "failed", "warned"]
    violations: int | None = None
    total: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Importance:
    """How much the metric worsens when a feature's values are shuffled."""

    feature: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Trial:
    """One trial of the search; `score` is None where it failed, `note` says why."""

    number: int
    params: str
    score: float | None
    chosen: bool = False
    note: str = ""


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step of the pipeline, and why it ran or did not."""

    name: str
    status: Literal["ran", "unchanged", "failed"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Input:
    """A dataset that was read, as the lock pins it."""

    dataset: str
    rows: int | None = None
    digest: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class RunReport:
    """A run. `evaluations` and `estimates` are by split; the plots show `test`, or the first there is."""

    project: str
    model: Model
    version: str
    artifact: str | None
    passed: bool
    evaluations: Mapping[str, Evaluation]
    estimates: Mapping[str, Mapping[str, Estimate]]
    verdicts: tuple[Verdict, ...]
    folds: tuple[Fold, ...] = ()
    checks: tuple[DataCheckRow, ...] = ()
    importances: tuple[Importance, ...] = ()
    importance_metric: str = ""
    trials: tuple[Trial, ...] = ()
    steps: tuple[StepRow, ...] = ()
    inputs: tuple[Input, ...] = ()
    libraries: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0
    threads: int = 1
    champion: str | None = None
    notes: tuple[str, ...] = ()
