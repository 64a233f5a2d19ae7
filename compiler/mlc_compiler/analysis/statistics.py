"""Which of the lock's statistics still hold: proofs see no others, and each that is stale or missing is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mlc_compiler.conventions import LOCK_FILE
from mlc_compiler.diagnostics import Sink
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.lock import LockFile
from mlc_compiler.frontend.project import BoundModel, Project
from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.middle.statistics import statistics_digest
from mlc_compiler.spec.dataset import Dataset

_SHOWN = 3
"""Columns, or models, that one finding names."""


def current_statistics(
    project: Project, lock: LockFile, models: Mapping[str, ResolvedModel], sink: Sink
) -> LockFile:  # fmt: skip
    """Return the lock with the entries of models that are of the rows that these have now."""
    for document in project.datasets.values():
        _check_columns(document, lock.datasets.get(document.name, {}), sink)
    measurable = [b for b in project.models if _is_measurable(models.get(b.name))]
    absent = [bound.name for bound in measurable if bound.name not in lock.models]
    if absent:
        _tell_absent(project, absent, sink)
    known = [bound for bound in measurable if bound.name in lock.models]
    found = {b.name: lock.models[b.name] for b in known if _holds(b, models[b.name], lock, project, sink)}
    return replace(lock, models=found)


def _is_measurable(model: ResolvedModel | None) -> bool:
    """Tell whether a model compiles and its data was measured: MLC901 tells where it was not."""
    return model is not None and all(d.digest is not None or d.source.format == "query" for d in model.datasets)


def _tell_absent(project: Project, absent: list[str], sink: Sink) -> None:
    """Tell once of all models that were never counted."""
    shown = ", ".join(f"`{name}`" for name in absent[:_SHOWN])
    more = f" and {len(absent) - _SHOWN:,} more" if len(absent) > _SHOWN else ""
    sink.info(
        "MLC931",
        project.document.place.at("metadata", "name"),
        f"{LOCK_FILE} holds no row counts of {shown}{more}: what depends on them was not judged",
        help="run `mlc lock`",
    )


def _holds(bound: BoundModel, model: ResolvedModel, lock: LockFile, project: Project, sink: Sink) -> bool:
    """Tell whether the lock's entry of a model is of its rows; report one that is not."""
    if lock.models[bound.name]["of"] == statistics_digest(model, project.spec.timezone):
        return True
    sink.warn(
        "MLC930",
        bound.document.place.at("metadata", "name"),
        f"the statistics of `{bound.name}` in {LOCK_FILE} are of other rows than the specs ask for",
        note="label, split, groups or data have changed since",
        help=f"run `mlc lock -s model:{bound.name}`; until then nothing is judged by them",
    )
    return False


def _check_columns(document: Document[Dataset], entry: Mapping[str, object], sink: Sink) -> None:
    """Report a dataset whose columns are not those that the lock measured."""
    locked = entry.get("columns")
    if not isinstance(locked, dict) or not locked or locked.keys() == document.spec.columns.keys():
        return
    declared = document.spec.columns
    changes = [f"`{name}` is new" for name in declared if name not in locked]
    changes += [f"`{name}` is gone" for name in locked if name not in declared]
    more = f" and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
    sink.warn(
        "MLC932",
        document.at("columns").name(),
        f"dataset `{document.name}` was measured with other columns: {', '.join(changes[:_SHOWN])}{more}",
        help=f"run `mlc lock -s dataset:{document.name}`",
    )
