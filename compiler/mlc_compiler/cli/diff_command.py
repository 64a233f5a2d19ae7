"""Show the text that build would change, as a unified diff."""

from __future__ import annotations

import argparse

from mlc_compiler.cli.console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", nargs="*", help="only files whose path starts with one of these")


def run(options: argparse.Namespace, console: Console) -> int:
    import difflib

    from mlc_compiler.backend.difference import diff
    from mlc_compiler.backend.digests import Digests
    from mlc_compiler.cli.console import reader
    from mlc_compiler.cli.project import LockUse, open_project

    opened = open_project(options.directory, console, lock=LockUse.REQUIRED)
    if opened is None:
        return 1
    changes = diff(opened.root, opened.artifacts, Digests.load(opened.root))
    console.findings(changes.findings, opened.root)
    read = reader(opened.root)
    for change in changes.files:
        if options.paths and not change.path.startswith(tuple(options.paths)):
            continue
        before = (read(change.path) or "").splitlines(keepends=True) if change.before else []
        after = (change.text or "").splitlines(keepends=True)
        old = f"a/{change.path}" if change.before else "/dev/null"
        new = f"b/{change.path}" if change.after else "/dev/null"
        console.out("".join(difflib.unified_diff(before, after, old, new)))
    return 0
