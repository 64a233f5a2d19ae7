"""What a target is: a back end that reads releases and returns artifacts, and what a target may offer besides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import Protocol, runtime_checkable

from mlc_compiler.diagnostics import Finding
from mlc_compiler.ir import Column, Dataset, FeatureTest, Lock, Model, Origin, ParityTest, ProjectRelease, Release
from mlc_compiler.records import dataclass


@dataclass(frozen=True, slots=True)
class Sourced:
    """A value in an artifact's tree, with the spec field that it came from."""

    value: object
    origin: Origin


@dataclass(frozen=True, slots=True)
class Part:
    """The origin of a line: it holds from `line` (from 1) until the next part's line."""

    line: int
    origin: Origin


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file in memory: path below the root with `/`, its text, and the origins of its parts.

    `document` is the spec document that caused the file; `environment` is None for what belongs to all of them.
    """

    path: str
    text: str
    origin: Origin
    parts: tuple[Part, ...] = ()
    environment: str | None = None
    model: str | None = None
    target: str = ""  # the name of the target that emitted it; the pipeline fills it in


@dataclass(frozen=True, slots=True)
class Unsupported:
    """What a target cannot express: the spec field, why, and what can be done instead. It becomes an error finding.

    `source` is the page of the consumer's documentation that says so, where it is no choice of the target's.
    """

    origin: Origin
    message: str
    help: str
    source: str = ""


class Target(Protocol):
    """A back end. Pure: same release, same artifacts; nothing is read or written.

    Artifacts come in three scopes, so that a change of one model emits only that model's files again.
    """

    @property
    def name(self) -> str: ...

    @property
    def controllers(self) -> frozenset[str]:
        """The workload controllers that it emits: deployment, rollout, cron_job, ..."""
        ...

    def check(self, release: Release) -> Iterable[Unsupported]:
        """Return what this target can't express of the release."""
        ...

    def emit_model(self, release: Release, model: Model) -> Iterable[Artifact]:
        """Return the artifacts of one pinned model in one environment; they depend on nothing but the model,
        the environment and the project."""
        ...

    def emit_environment(self, release: Release) -> Iterable[Artifact]:
        """Return the artifacts of one environment that concern several models.

        They are best the same whichever models there are: else two pull requests on different models meet in them. A
        Kubernetes object stands in a folder below the environment's.
        """
        ...

    def emit_project(self, project: ProjectRelease) -> Iterable[Artifact]:
        """Return the artifacts that belong to no environment: workflows, images, cards.

        One that names a model depends on nothing but that model, in whatever environments, and the project: after an
        edit, only the models that it concerns are given. What depends on several models names none.
        """
        ...


@runtime_checkable
class Bearing(Protocol):
    """A target whose artifacts bear on less than what runs; those of any other are redeployed when they change."""

    @property
    def impact(self) -> str:
        """The class that `mlc plan` gives to a change of its artifacts: rollout, monitor or docs."""
        ...


@runtime_checkable
class Pinning(Protocol):
    """A target whose artifacts name things that move: the lock writes down which of them it means."""

    def pins(self) -> Lock:
        """Return the actions, images and packages that this version of the target was tried with."""
        ...


class Progress(Protocol):
    """Where an executor tells how far it is; the CLI renders it on standard error."""

    def step(self, name: str, detail: str = "") -> None: ...

    def done(self, name: str, detail: str = "", cached: bool = False) -> None: ...


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How `mlc run` runs: `jobs` steps side by side, from `root`; `until` names the last step."""

    root: Path
    jobs: int = 1
    until: str | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run came to. `evidence` is the path of its evidence (JSON), `report` of its HTML report."""

    model: str
    version: str
    passed: bool
    artifact: str | None  # digest of the package, sha256:...
    evidence: Path
    report: Path
    steps: tuple[tuple[str, str, str], ...]  # name, "ran" | "unchanged" | "failed", reason
    gates: tuple[Mapping[str, object], ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class DatasetStatistics:
    """What `mlc lock` measures of a dataset, once."""

    name: str
    digest: str
    rows: int
    columns: tuple[tuple[str, Mapping[str, object]], ...]  # name -> nulls, distinct, min, max, categories...
    files: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class ModelStatistics:
    """What `mlc lock` measures of a model's rows, once: plain JSON values, or findings where that can't be done."""

    name: str
    values: Mapping[str, object] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class ParityResult:
    """What became of a view's golden vectors: `summary` in words, each with its request and features, what differs."""

    view: str
    summary: str
    vectors: tuple[Mapping[str, object], ...]
    findings: tuple[Finding, ...]


class ExecutionError(Exception):
    """A run that cannot go on because of its input; its findings say where, why and what to do.

    A target does not know the files of the specs: the place of a finding names a document (Kind/name) as its file.
    """

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding
        self.findings: tuple[Finding, ...] = (finding,)


@runtime_checkable
class Executor(Protocol):
    """A target that executes releases here. Every method raises ExecutionError for input that can't be used."""

    def run(self, project: ProjectRelease, model: Model, options: RunOptions, progress: Progress) -> RunResult: ...

    def measure(self, datasets: Sequence[Dataset], names: Sequence[str], root: Path) -> tuple[DatasetStatistics, ...]:
        """Return the statistics of the named datasets, in order; `datasets` also holds what their queries read."""
        ...

    def measure_models(
        self, project: ProjectRelease, models: Sequence[Model], root: Path
    ) -> tuple[ModelStatistics, ...]:
        """Return the statistics of the models' rows, in order: folds as a run would make them, groups, label delay."""
        ...

    def describe(self, format: str, path: Path) -> tuple[tuple[Column, ...], DatasetStatistics]:
        """Return the columns that a table has, with its statistics, for drafting a Dataset."""
        ...

    def test(self, tests: Sequence[FeatureTest], timezone: str) -> tuple[tuple[FeatureTest, str | None], ...]:
        """Return each test with what differs, or None where it holds."""
        ...

    def preview(
        self, model: Model, root: Path, features: Sequence[str], limit: int
    ) -> tuple[tuple[str, ...], tuple[tuple[object, ...], ...]]:
        """Return column names and the first rows of the compiled feature query."""
        ...

    def serve(self, package: Path, host: str, port: int, online: Path | None) -> None:
        """Serve a package until the process is told to stop."""
        ...

    def snapshot_online(self, model: Model, root: Path, out: Path) -> Path: ...

    def score_batch(self, model: Model, package: Path, root: Path) -> Path: ...


@runtime_checkable
class ParityExecutor(Protocol):
    """An executor with a server of its own, which can compare what training and serving make of the same rows."""

    def compare(self, tests: Sequence[ParityTest]) -> tuple[ParityResult, ...]:
        """Return what became of the golden vectors of each test. Raises ExecutionError for queries that fail."""
        ...
