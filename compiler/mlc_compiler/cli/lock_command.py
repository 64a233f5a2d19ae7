"""Measure datasets and pin what a build rests on, in mlc.lock."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from pathlib import Path

from mlc_compiler import __version__, ir
from mlc_compiler.backend.target import DatasetStatistics
from mlc_compiler.cli.console import Console
from mlc_compiler.frontend.lock import LockFile, minor


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-s", dest="selector", metavar="SELECTOR", help="datasets of these models only")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 3 when the lock would change")
    parser.add_argument("--upgrade", action="store_true", help="move the lock to this version of mlc")


def run(options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.backend.target import ExecutionError
    from mlc_compiler.cli.project import LockUse, open_project
    from mlc_compiler.conventions import LOCK_FILE
    from mlc_compiler.diagnostics import Sink
    from mlc_compiler.frontend.lock import lock_text
    from mlc_compiler.middle.datasets import resolve_datasets

    use = LockUse.REPLACED if options.upgrade else LockUse.WRITTEN
    opened = open_project(options.directory, console, lock=use, artifacts=False)
    if opened is None:
        return 1
    executor = opened.registry.executor()
    if executor is None:
        console.say("mlc lock: no installed target can measure data here; install mlc-compiler[run]")
        return 1
    names = _datasets(opened.releases, sorted(opened.project.datasets), options.selector, console)
    if names is None:
        return 2
    try:
        datasets = resolve_datasets(opened.project, opened.lock, Sink())
        measured = executor.measure(tuple(datasets.values()), names, opened.root)
    except ExecutionError as error:
        console.findings(opened.project.placed(error.findings), opened.root)
        return 1
    pinned = opened.registry.pins(opened.project.spec.targets)
    lock = merged(opened.lock, measured, pinned, keep=options.selector is not None)
    return _write(opened.root / LOCK_FILE, lock_text(lock), options.check, console)


def _datasets(
    releases: ir.ProjectRelease, every: list[str], selector: str | None, console: Console
) -> list[str] | None:
    from mlc_compiler.cli import selection

    if selector is None:
        return every
    models = selection.models(releases, selector, console)
    return sorted({d.name for m in models for d in m.datasets}) if models else None


def merged(before: LockFile, measured: Iterable[DatasetStatistics], pinned: ir.Lock, keep: bool) -> LockFile:
    """Return the lock with these datasets measured anew; with `keep`, everything else stays as it was."""
    datasets: dict[str, Mapping[str, object]] = dict(before.datasets) if keep else {}
    datasets.update({d.name: _entry(d) for d in measured})
    same_mlc = minor(before.mlc) == minor(__version__)
    actions = {a.name: {"sha": a.sha, "version": a.version} for a in pinned.actions}
    return LockFile(
        mlc=before.mlc if same_mlc else __version__,
        datasets=datasets,
        actions=before.actions if keep else actions,
        images=before.images if keep else dict(pinned.images),
        packages=before.packages if keep else dict(pinned.packages),
    )


def _entry(statistics: DatasetStatistics) -> dict[str, object]:
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
