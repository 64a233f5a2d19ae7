"""Write the artifacts of every environment: only what changed, nothing that was edited by hand."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mlc_compiler.backend.changes import Changes
from mlc_compiler.backend.digests import Digests
from mlc_compiler.cli.console import Console

if TYPE_CHECKING:
    from mlc_compiler.cli.outputs import Outputs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="write nothing; exit 3 when a file would change")
    parser.add_argument("--preview", action="store_true", help="also what has no pin yet, below .mlc/preview")
    parser.add_argument("--plan", type=Path, metavar="FILE", help="build what this saved plan shows, or nothing")
    parser.add_argument("--force", action="store_true", help="overwrite files that were edited by hand")


def run(options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.backend.difference import diff
    from mlc_compiler.backend.target import ExecutionError
    from mlc_compiler.backend.writer import write
    from mlc_compiler.cli.outputs import open_outputs
    from mlc_compiler.cli.project import LockUse
    from mlc_compiler.conventions import STATE_FOLDER

    opened = open_outputs(options.directory, console, preview=options.preview, lock=LockUse.REQUIRED)
    if opened is None:
        return 1
    root, digests = opened.root, opened.digests
    if options.preview:
        root = opened.root / STATE_FOLDER / "preview"
        root.mkdir(parents=True, exist_ok=True)
        digests = Digests.load(root)
    try:
        changes = diff(root, opened.artifacts, digests, opened.scope)
        if options.force:
            changes = changes.forced()
        if options.plan is not None and _is_stale(options.plan, opened, changes, console):
            return 1
        if options.check:
            return _check(changes, console, opened)
        if console.findings(changes.findings, root):
            return 1
        write(root, changes, digests)
    except ExecutionError as error:
        console.findings([error.finding], root)
        return 1
    digests.save(as_built=True)
    if not changes.kept:  # those are told once: from now on they are the user's
        opened.remember(console, on_disk=True)
    if options.plan is not None:
        console.record.kept = False  # an answer from memory would not look at the plan
    total = opened.summary.files
    console.out(_summary(changes, total, options.preview), again=_summary(Changes(), total, options.preview))
    return 0


def _is_stale(path: Path, opened: Outputs, changes: Changes, console: Console) -> bool:
    """Tell whether a saved plan shows something else than what would be written now, and say why."""
    from mlc_compiler.cli.saved_plan import load, stale
    from mlc_compiler.diagnostics import Finding

    saved = load(path)
    found = saved if isinstance(saved, Finding) else stale(path, saved, opened, changes.files)
    if found is not None:
        console.findings([found], opened.root)
    return found is not None


def _check(changes: Changes, console: Console, opened: Outputs) -> int:
    console.findings(changes.findings, opened.root)
    paths = changes.paths()
    for path in paths:
        console.out(f"differs: {path}")
    if not paths:
        console.out("everything is as built")
        opened.remember(console, on_disk=True)
    return 3 if paths else 0


def _summary(changes: Changes, total: int, preview: bool) -> str:
    counts = ((len(changes.created), "created"), (len(changes.changed), "changed"), (len(changes.deleted), "deleted"))
    listed = ", ".join(f"{n} {word}" for n, word in counts if n) or "nothing changed"
    where = " below .mlc/preview" if preview else ""
    return f"{total} files{where}: {listed}"
