"""Lay out spec files canonically, keeping comments and values."""

from __future__ import annotations

import argparse

from mlc_compiler.cli.console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="change nothing; exit 3 when a file would change")


def run(options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.backend.text_file import replace_file
    from mlc_compiler.cli.project import find_root
    from mlc_compiler.conventions import PROJECT_FILE
    from mlc_compiler.diagnostics import Sink
    from mlc_compiler.fmt import format_text
    from mlc_compiler.frontend import workspace

    root = find_root(options.directory, console)
    if root is None:
        return 1
    sink, changed = Sink(), []
    first = workspace.read(root, PROJECT_FILE, sink)
    folders = workspace.spec_folders(first) if first else ()
    for path in dict.fromkeys((PROJECT_FILE, *workspace.spec_paths(root, folders))):
        file = workspace.read(root, path, sink)
        if file is None:
            continue
        text = file.content.decode("utf-8", "surrogateescape")
        formatted = format_text(text)
        if formatted != text:
            changed.append(path)
            if not options.check:
                replace_file(root / path, formatted.encode("utf-8", "surrogateescape"))
    failed = console.findings(sink, root)
    for path in changed:
        console.out(f"{'would format' if options.check else 'formatted'} {path}")
    return 1 if failed else 3 if changed and options.check else 0
