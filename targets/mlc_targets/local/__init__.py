"""The local target: executes a release's pipeline on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from mlc_compiler.backend.target import (
    Artifact,
    DatasetStatistics,
    Executor,
    ModelStatistics,
    ParityExecutor,
    ParityResult,
    Progress,
    RunOptions,
    RunResult,
    Target,
    Unsupported,
)
from mlc_compiler.conventions import short
from mlc_compiler.ir import Column, Dataset, FeatureTest, Model, ParityTest, ProjectRelease, Release
from mlc_compiler.records import dataclass

# Every method imports what it runs: the registry loads this module in each command, and most run nothing.


@dataclass(frozen=True, slots=True)
class LocalTarget:
    """Emits nothing; runs, measures, tests, serves and scores here."""

    name: str = "local"
    controllers: frozenset[str] = frozenset()

    def check(self, release: Release) -> Iterable[Unsupported]:  # noqa: ARG002  what can't run is found when it runs
        """Return nothing: a release may be compiled without ever running here."""
        return ()

    def emit_model(self, release: Release, model: Model) -> Iterable[Artifact]:  # noqa: ARG002  emits nothing
        """Return nothing."""
        return ()

    def emit_environment(self, release: Release) -> Iterable[Artifact]:  # noqa: ARG002  emits nothing
        """Return nothing."""
        return ()

    def emit_project(self, project: ProjectRelease) -> Iterable[Artifact]:  # noqa: ARG002  emits nothing
        """Return nothing."""
        return ()

    def run(self, project: ProjectRelease, model: Model, options: RunOptions, progress: Progress) -> RunResult:
        """Run a model's pipeline; what is wrong with data, estimator or gates is in the result's findings."""
        from mlc_targets.local.run import run_model

        return run_model(project, model, options, progress)

    def measure(self, datasets: Sequence[Dataset], names: Sequence[str], root: Path) -> tuple[DatasetStatistics, ...]:
        """Return the statistics of the named datasets, in their order."""
        from mlc_targets.local.data.statistics import measure

        return measure(tuple(datasets), names, root)

    def measure_models(
        self, project: ProjectRelease, models: Sequence[Model], root: Path
    ) -> tuple[ModelStatistics, ...]:
        """Return the statistics of the models' rows, in their order."""
        from mlc_targets.local.data.samples import measure_models

        return measure_models(project, models, root)

    def describe(self, format: str, path: Path) -> tuple[tuple[Column, ...], DatasetStatistics]:
        """Return the columns that a table has, with its statistics, for drafting a Dataset."""
        from mlc_targets.local.data.statistics import describe

        return describe(format, path)

    def test(self, tests: Sequence[FeatureTest], timezone: str) -> tuple[tuple[FeatureTest, str | None], ...]:
        """Return each test with what differs, or None where it holds."""
        from mlc_targets.local.feature_tests import run_tests

        return run_tests(tests, timezone)

    def compare(self, tests: Sequence[ParityTest]) -> tuple[ParityResult, ...]:
        """Return what training and serving make of the golden vectors of each view."""
        from mlc_targets.local.golden import compare_view

        return tuple(compare_view(test) for test in tests)

    def preview(
        self, model: Model, root: Path, features: Sequence[str], limit: int
    ) -> tuple[tuple[str, ...], tuple[tuple[object, ...], ...]]:
        """Return column names and the first rows of the compiled feature query."""
        from mlc_targets.local.data.features import preview

        return preview(model, root, features, limit)

    def serve(self, package: Path, host: str, port: int, online: Path | None) -> None:
        """Serve a package until the process is told to stop."""
        from mlc_targets.local import serve

        serve.run(package, host, port, online, serve.ServeOptions(digest=_stored(package)))

    def snapshot_online(self, model: Model, root: Path, out: Path) -> Path:
        """Write the online snapshot of a model's lookups and return its folder."""
        import datetime as dt

        from mlc_targets.local import online

        return online.write_snapshot(model.features.lookups, model.datasets, root, out, dt.datetime.now(dt.UTC))

    def score_batch(self, model: Model, package: Path, root: Path) -> Path:
        """Score the model's batch input with a package and return where the rows were written."""
        from mlc_targets.local import batch
        from mlc_targets.local.package.bundle import load_package

        how = model.serving.batch
        if how is None:
            raise ValueError(f"{model.name} is served online: it has no batch")
        scored = batch.score(
            load_package(package, digest=_stored(package)), root, root / how.path, source=how.input, write=how.write,
            partition_by=how.partition_by,
        )  # fmt: skip
        return scored.path


def _stored(package: Path) -> str | None:
    """Return the digest that a folder of the store is named by, for its bytes to be checked against."""
    from mlc_targets.local.package.bundle import package_digest

    digest = package_digest(package)
    return digest if short(digest) == package.name else None


TARGET = LocalTarget()
_TARGET: Target = TARGET
_EXECUTOR: Executor = TARGET
_PARITY: ParityExecutor = TARGET
