"""The tasks of one run, in order: what each step works on, what it reads, and what it comes after.

Reads carry the words that people see when a task says why it runs; only what changes a result is among them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from mlc_compiler.ir import Column, Dataset, Estimator, Model
from mlc_targets.local import digests
from mlc_targets.local.data.files import in_order
from mlc_targets.local.engine import LIBRARY, Task
from mlc_targets.local.job import CHAMPION_SUFFIX, Champion, Run

LEARNING_LIBRARIES = ("numpy", "scikit-learn", "scipy")
PACKAGING_LIBRARIES = ("numpy", "onnx", "onnxruntime", "scikit-learn", "skl2onnx", "skops")
LIBRARIES = tuple(sorted({"duckdb", "pyarrow", *LEARNING_LIBRARIES, *PACKAGING_LIBRARIES}))

Reads = tuple[tuple[str, str], ...]


def tasks_of(run: Run, data: Mapping[str, str], code: str) -> tuple[Task, ...]:
    """Return the tasks in order. `data` and `code` are digests of datasets and of the model's own code."""
    model = run.model
    return (
        *_data_tasks(run, data),
        Task(
            "features",
            "features",
            reads=_features(run),
            after=_ingested(model.features.datasets),
            waits=_checked(model),
        ),
        Task(
            "split",
            "split",
            reads=_reads(split=model.split, label=model.label.definition, task=model.task),
            after=("features",),
        ),
        *_training_tasks(run, code),
        *_champion_tasks(run),
        Task("evaluate", "evaluate", reads=_reads(seed=model.seed, timezone=run.project.timezone), after=_scored(run)),
        Task("explain", "explain", reads=_reads(seed=model.seed), after=("train estimator",)),
        Task("package", "package", reads=_package(run), after=("train estimator",)),
        Task("gate", "gate", reads=_reads(gates=model.gates), after=("evaluate", "package")),
        Task("report", "report", reads=_report(run), after=("gate", "explain", *_checked(model))),
    )


def _reads(**values: object) -> Reads:
    return tuple((name.replace("_", " "), digests.digest(value)) for name, value in sorted(values.items()))


def _libraries(run: Run, names: Sequence[str]) -> Reads:
    versions = dict(run.libraries)
    return tuple((f"{LIBRARY}{name}", versions.get(name, "")) for name in names)


# --- data ------------------------------------------------------------------------------------------------------------
def _data_tasks(run: Run, data: Mapping[str, str]) -> Iterator[Task]:
    for dataset in in_order(run.model.datasets):
        yield _ingest(dataset, data[dataset.name], "")
    for dataset in run.model.datasets:
        yield Task(
            f"validate {dataset.name}", "validate", dataset.name,
            reads=_reads(columns=dataset.columns, checks=dataset.checks, key=dataset.primary_key),
            after=(f"ingest {dataset.name}",),
        )  # fmt: skip
    for dataset in in_order(other_datasets(run.model, run.champion)):
        yield _ingest(dataset, data[dataset.name], CHAMPION_SUFFIX)


def _ingest(dataset: Dataset, digest: str, suffix: str) -> Task:
    source, name = dataset.source, f"{dataset.name}{suffix}"
    how = (source.format, source.query, source.delimiter, source.header)
    reads = ((f"dataset {dataset.name}", digest), *_reads(source=how, columns=_types(dataset)))
    return Task(f"ingest {name}", "ingest", name, reads, after=_ingested(source.reads))


def _types(dataset: Dataset) -> tuple[tuple[str, str], ...]:
    return tuple((column.name, column.type) for column in dataset.columns)


def other_datasets(model: Model, champion: Champion | None) -> tuple[Dataset, ...]:
    """Return the datasets that the champion reads otherwise than the model does."""
    own = {d.name: (_types(d), d.source) for d in model.datasets}
    return tuple(d for d in champion.datasets if own.get(d.name) != (_types(d), d.source)) if champion else ()


def _ingested(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"ingest {name}" for name in sorted(names))


def _checked(model: Model) -> tuple[str, ...]:
    return tuple(f"validate {dataset.name}" for dataset in model.datasets)


def _features(run: Run) -> Reads:
    versions = _libraries(run, ("duckdb",))
    return (
        *_reads(feature_query=run.model.features.training_sql, primary_key=run.model.features.primary_key),
        *versions,
    )


# --- learning --------------------------------------------------------------------------------------------------------
def _training_tasks(run: Run, code: str) -> Iterator[Task]:
    model = run.model
    shared = (
        *_reads(
            features=[(f.name, f.kind) for f in model.features.features], decision=model.decision, seed=model.seed,
            refit=model.train.refit, threads=run.threads, task=model.task,
        ),
        *_libraries(run, LEARNING_LIBRARIES),
    )  # fmt: skip
    search = _reads(search=model.search)
    yield Task(
        "train estimator", "train", "estimator", (*_estimator(model.estimator, code), *search, *shared), ("split",)
    )
    if model.baseline is not None:
        yield Task("train baseline", "train", "baseline", (*_estimator(model.baseline, code), *shared), ("split",))


def _estimator(spec: Estimator, code: str) -> Reads:
    own = (("code", code),) if spec.entrypoint else ()
    return (
        *_reads(preprocessing=spec.preprocessing),
        ("estimator.class", digests.digest(spec.path)),
        ("estimator.params", digests.digest(spec.params)),
        *own,
    )


def _champion_tasks(run: Run) -> Iterator[Task]:
    champion = run.champion
    if champion is None:
        return
    others = {d.name for d in other_datasets(run.model, champion)}
    ingested = tuple(f"ingest {d.name}{CHAMPION_SUFFIX if d.name in others else ''}" for d in champion.datasets)
    reads = (("champion", champion.artifact),)
    yield Task("evaluate champion", "evaluate", "champion", reads, ("split", *ingested))


def _scored(run: Run) -> tuple[str, ...]:
    baseline = ("train baseline",) if run.model.baseline is not None else ()
    champion = ("evaluate champion",) if run.champion is not None else ()
    return ("train estimator", *baseline, *champion)


# --- results ---------------------------------------------------------------------------------------------------------
def _package(run: Run) -> Reads:
    model, query = run.model, run.model.features
    served = (query.serving_sql, query.row_sql, query.batch_sql, query.lookups, query.refresh, model.serving.max_batch)
    return (
        *_reads(
            serving=(served, [_silent(column) for column in query.request]),
            version=model.version,
            format=model.package,
            datasets=[_packaged(dataset) for dataset in model.datasets],
            names=(run.project.name, model.name, run.project.timezone),
        ),
        *_libraries(run, PACKAGING_LIBRARIES),
    )


def _packaged(dataset: Dataset) -> Dataset:
    """Return what of a dataset a package keeps: how to read it, not what people read about it."""
    columns = tuple(map(_silent, dataset.columns))
    return replace(
        dataset, columns=columns, checks=(), license=None, owner="", description="", digest=None, rows=None
    )  # fmt: skip


def _silent(column: Column) -> Column:
    return replace(column, description="")


def _report(run: Run) -> Reads:
    model = run.model
    inputs = [(d.name, d.license, d.description) for d in model.datasets]
    return _reads(
        card=model.card, owner=model.owner, description=model.description, datasets=inputs, lock=run.project.lock
    )
