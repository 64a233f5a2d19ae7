"""Start a project here; with --from, draft Dataset, FeatureView and Model from a table."""

from __future__ import annotations

import argparse
from pathlib import Path

from mlc_compiler.cli.console import Console


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", help="the project's name; the folder's by default")
    parser.add_argument("--from", dest="table", type=Path, metavar="FILE", help="a Parquet, CSV or JSON-lines table")
    parser.add_argument("--label", metavar="COLUMN", help="the column to predict, with --from")
    parser.add_argument("--time", metavar="COLUMN", help="the column with the rows' time, with --from")


def run(options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.backend.text_file import replace_file
    from mlc_compiler.cli.drafts import draft_files, project_files, safe_name
    from mlc_compiler.conventions import PROJECT_FILE

    root = options.directory.resolve()
    name = safe_name(options.name or root.name)
    files = {} if (root / PROJECT_FILE).exists() else project_files(name)
    if not files and options.table is None:
        console.say(f"mlc init: there already is a {PROJECT_FILE} in {options.directory}")
        return 1
    if options.table is not None:
        drafted = draft_files(root, options.table, options.label, options.time, console)
        if drafted is None:
            return 1
        files.update(drafted)
    taken = [p for p in files if (root / p).exists() and p != ".gitignore"]
    if taken:
        console.say(f"mlc init: {taken[0]} exists already; nothing was written")
        return 1
    for path, text in sorted(files.items()):
        if not (root / path).exists():
            replace_file(root / path, text.encode())
            console.out(f"wrote {path}")
    console.say("next: edit the specs, then `mlc lock`, `mlc validate`, `mlc run`")
    return 0
