"""Show what build would change, grouped by environment and model."""

from __future__ import annotations

import argparse

from mlc_compiler.cli.console import Console
from mlc_compiler.incremental.memory import Summary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-e", dest="environment", metavar="ENV", help="one environment only")
    parser.add_argument("--detail", action="store_true", help="show the fields that differ")
    parser.add_argument("--preview", action="store_true", help="as if every model had a pin")
    parser.add_argument("--detailed-exitcode", action="store_true", help="0 no changes, 1 error, 2 changes")
    parser.add_argument("--format", choices=("text", "json", "markdown"), default="text")


def run(options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.backend.difference import diff
    from mlc_compiler.cli import selection
    from mlc_compiler.cli.console import reader
    from mlc_compiler.cli.outputs import open_outputs
    from mlc_compiler.cli.project import LockUse
    from mlc_compiler.plan.render import plan_json, plan_markdown, plan_text
    from mlc_compiler.plan.summary import make_plan

    opened = open_outputs(options.directory, console, preview=options.preview, lock=LockUse.REQUIRED)
    if opened is None:
        return 1
    names = [name for name, _, _ in opened.summary.unpinned]
    if options.environment and not selection.is_environment(options.environment, names, console):
        return 2
    changes = diff(opened.root, opened.artifacts, opened.digests, opened.scope)
    if console.findings(changes.findings, opened.root):
        return 1
    files = [c for c in changes.files if options.environment in (None, c.environment)]
    read = reader(opened.root)
    before = {c.path: read(c.path) or "" for c in files if c.kind == "changed"}
    plan = make_plan(files, before, detail=True)
    shown = {"text": plan_text(plan, options.detail), "json": plan_json(plan), "markdown": plan_markdown(plan)}
    console.out(shown[options.format])
    if options.format == "text":
        _unpinned(opened.summary, console)
    if not changes and not options.preview:
        opened.digests.save(as_built=True)
        opened.remember(console, on_disk=True)
    return 2 if plan and options.detailed_exitcode else 0


def _unpinned(summary: Summary, console: Console) -> None:
    """Say which models render no workload yet, and how they come to."""
    for name, source, names in summary.unpinned:
        if names:
            way = f"mlc promote MODEL --to {name}" if source else f"mlc run && mlc release MODEL -e {name}"
            listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            console.say(f"{name}: no version of {listed} is pinned, so no workload is rendered; {way}")
