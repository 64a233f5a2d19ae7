"""Measure datasets and the models' rows, and pin what a build rests on, in mlc.lock."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from mlc_compiler import __version__, ir
from mlc_compiler.backend.registry import Registry
from mlc_compiler.backend.target import DatasetStatistics, Executor, ModelStatistics
from mlc_compiler.cli.console import Console
from mlc_compiler.diagnostics import Sink
from mlc_compiler.frontend.lock import LockFile, minor
from mlc_compiler.frontend.project import Project
from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.records import dataclass


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-s", dest="selector", metavar="SELECTOR", help="these models and their datasets only; or dataset:NAME"
    )
    parser.add_argument("--check", action="store_true", help="change nothing; exit 3 when the lock would change")
    parser.add_argument("--merge", action="store_true", help="mend the conflict of a merge: the entries of both sides")
    parser.add_argument("--upgrade", action="store_true", help="move the lock to this version of mlc")


@dataclass(frozen=True, slots=True)
class Locking:
    """A project whose specs were read, though perhaps not every model compiles, and who measures its data."""

    root: Path
    project: Project
    before: LockFile
    registry: Registry
    executor: Executor
    code: Mapping[str, Mapping[str, str]]

    def models(self, lock: LockFile, sink: Sink) -> dict[str, ResolvedModel]:
        """Return the models that compile, with datasets as the lock has them."""
        from mlc_compiler.middle.models import resolve_models

        return resolve_models(self.project, lock, self.code, sink)

    def releases(self, models: Iterable[ResolvedModel]) -> ir.ProjectRelease:
        """Return what an executor measures of these models; no environment matters here."""
        from mlc_compiler.middle.lower import lower_model
        from mlc_compiler.middle.release import project_ir

        lowered = tuple(lower_model(model, frozenset(), None) for model in models)
        return ir.ProjectRelease(project_ir(self.project, self.before.pinned()), (), lowered)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a selector picks; `keep` says that all else stays as it was."""

    datasets: tuple[str, ...]
    models: frozenset[str]
    keep: bool


def run(options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.backend.target import ExecutionError
    from mlc_compiler.conventions import LOCK_FILE
    from mlc_compiler.frontend.lock import lock_text

    if options.merge:
        from mlc_compiler.cli.lock_merging import merge

        return merge(options, console)
    opened = _open(options, console)
    if opened is None:
        return 1
    wanted = _wanted(opened, options.selector, console)
    if wanted is None:
        return 2
    sink = Sink()
    try:
        lock = _measured(opened, wanted, options.upgrade, sink)
    except ExecutionError as error:
        console.findings(opened.project.placed(error.findings), opened.root)
        return 1
    failed = console.findings(opened.project.placed(sink), opened.root)
    code = _write(opened.root / LOCK_FILE, lock_text(lock), options.check, console)
    return 1 if failed else code


def _open(options: argparse.Namespace, console: Console) -> Locking | None:
    """Return the project after showing what is wrong with its specs, or None where nothing can be measured.

    Analyses are left to `mlc validate`: what they find rests on the very numbers that are measured here.
    """
    from mlc_compiler.backend.registry import installed
    from mlc_compiler.cli.project import find_root, read_lock, read_project
    from mlc_compiler.frontend import workspace

    root = find_root(options.directory, console)
    if root is None:
        return None
    sink = Sink()
    project = read_project(root, sink)
    before = read_lock(root, Sink() if options.upgrade else sink)
    models = project.models if project else ()
    code = {m.name: workspace.code_digests(root, m.document, sink) for m in models if m.document.spec.code}
    if console.findings(sink, root) or project is None:
        return None
    registry = installed()
    executor = registry.executor()
    if executor is None:
        console.say("mlc lock: no installed target can measure data here; install mlc-compiler[run]")
        return None
    return Locking(root, project, before, registry, executor, code)


def _wanted(opened: Locking, selector: str | None, console: Console) -> Wanted | None:
    """Return what is to be measured, or None after saying that the selector picks nothing."""
    from mlc_compiler.cli import selection

    every = {name: tuple(d.name for d in m.datasets) for name, m in opened.models(opened.before, Sink()).items()}
    if selector is None:
        return Wanted(tuple(sorted(opened.project.datasets)), frozenset(every), keep=False)
    if selector.startswith("dataset:"):
        names = _datasets(opened.project, selector.removeprefix("dataset:"), console)
        readers = frozenset(model for model, reads in every.items() if not set(names).isdisjoint(reads))
        return Wanted(names, readers, keep=True) if names else None
    found = selection.models(opened.releases(opened.models(opened.before, Sink()).values()), selector, console)
    datasets = sorted({d.name for m in found for d in m.datasets})
    return Wanted(tuple(datasets), frozenset(m.name for m in found), keep=True) if found else None


def _datasets(project: Project, pattern: str, console: Console) -> tuple[str, ...]:
    from mlc_compiler.diagnostics import nearest

    found = tuple(name for name in sorted(project.datasets) if fnmatchcase(name, pattern))
    if not found:
        near = nearest(pattern, project.datasets)
        hint = (
            f"did you mean `{near}`?" if near else f"the datasets are {', '.join(sorted(project.datasets)) or 'none'}"
        )
        console.refuse(f"mlc: `dataset:{pattern}` picks no dataset; {hint}")
    return found


def _measured(opened: Locking, wanted: Wanted, anew: bool, sink: Sink) -> LockFile:
    """Return the lock with what is wanted measured: datasets first, since models are of their digests."""
    from mlc_compiler.middle.datasets import resolve_datasets

    datasets = resolve_datasets(opened.project, opened.before, Sink())
    measured = opened.executor.measure(tuple(datasets.values()), wanted.datasets, opened.root)
    pinned = opened.registry.pins(opened.project.spec.targets)
    lock = merged(opened.before, measured, pinned, keep=wanted.keep)
    models = opened.models(lock, sink)
    chosen = {name: model for name, model in models.items() if name in wanted.models}
    known = {} if anew else opened.before.models
    kept = opened.before.models if wanted.keep else _without(opened, models)
    return replace(lock, models={**kept, **_entries(opened, chosen, known, sink)})


def _without(opened: Locking, models: Iterable[str]) -> dict[str, Mapping[str, object]]:
    """Return the entries of models that are there and do not compile: they are measured once they do."""
    broken = {m.name for m in opened.project.models} - set(models)
    return {name: entry for name, entry in opened.before.models.items() if name in broken}


def _entries(
    opened: Locking, models: Mapping[str, ResolvedModel], known: Mapping[str, Mapping[str, object]], sink: Sink
) -> dict[str, Mapping[str, object]]:
    """Return the entries of models; one that is of the same rows as before is not measured again."""
    from mlc_compiler.middle.statistics import statistics_digest

    digests = {name: statistics_digest(model, opened.project.spec.timezone) for name, model in models.items()}
    entries = {name: known[name] for name in models if name in known and known[name].get("of") == digests[name]}
    releases = opened.releases(model for name, model in models.items() if name not in entries)
    for measured in opened.executor.measure_models(releases, releases.models, opened.root):
        sink.extend(measured.findings)
        entries.update(_entry(measured, digests[measured.name]))
    return entries


def _entry(measured: ModelStatistics, of: str) -> dict[str, Mapping[str, object]]:
    return {measured.name: {"of": of, **measured.values}} if measured.values else {}


def merged(before: LockFile, measured: Iterable[DatasetStatistics], pinned: ir.Lock, keep: bool) -> LockFile:
    """Return the lock with these datasets measured anew; with `keep`, everything else stays as it was."""
    datasets: dict[str, Mapping[str, object]] = dict(before.datasets) if keep else {}
    datasets.update({d.name: _dataset_entry(d) for d in measured})
    same_mlc = minor(before.mlc) == minor(__version__)
    actions = {a.name: {"sha": a.sha, "version": a.version} for a in pinned.actions}
    return LockFile(
        mlc=before.mlc if same_mlc else __version__,
        datasets=datasets,
        actions=before.actions if keep else actions,
        images=before.images if keep else dict(pinned.images),
        packages=before.packages if keep else dict(pinned.packages),
    )


def _dataset_entry(statistics: DatasetStatistics) -> dict[str, object]:
    return {
        "digest": statistics.digest,
        "rows": statistics.rows,
        "files": dict(statistics.files),
        "columns": {name: dict(values) for name, values in statistics.columns},
    }


def _write(path: Path, text: str, check: bool, console: Console) -> int:
    from mlc_compiler.backend.text_file import replace_file

    before = path.read_text("utf-8") if path.is_file() else None
    if before == text:
        console.out(f"{path.name} is up to date")
        return 0
    if check:
        console.out(f"{path.name} would change")
        return 3
    replace_file(path, text.encode())
    console.out(f"{'updated' if before else 'wrote'} {path.name}")
    return 0
