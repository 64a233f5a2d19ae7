"""Show what changes mean and what build would change: against what is built and runs, or against a git ref."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mlc_compiler.cli.console import Console
from mlc_compiler.incremental.memory import Summary

if TYPE_CHECKING:
    from mlc_compiler.backend.changes import Change
    from mlc_compiler.cli.against import Before
    from mlc_compiler.cli.against_part import Since
    from mlc_compiler.cli.outputs import Outputs
    from mlc_compiler.cli.project import Workspace
    from mlc_compiler.plan.compare import Side
    from mlc_compiler.plan.impact import Impact
    from mlc_compiler.plan.meaning import Meaning
    from mlc_compiler.plan.summary import Plan

FORMATS = ("text", "json", "markdown", "html")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-e", dest="environment", metavar="ENV", help="one environment only")
    parser.add_argument("--against", metavar="REF", help="compare with a git ref instead of what is built and runs")
    parser.add_argument("--detail", action="store_true", help="show every change and the fields of files that differ")
    parser.add_argument("--preview", action="store_true", help="as if every model had a pin")
    parser.add_argument("--detailed-exitcode", action="store_true", help="0 no changes, 1 error, 2 changes")
    parser.add_argument("-o", dest="out", type=Path, metavar="FILE", help="save the plan; `mlc build --plan` checks it")
    parser.add_argument("--format", choices=FORMATS, default="text")


def run(options: argparse.Namespace, console: Console) -> int:
    if options.against is None:
        opened = _opened(options, console)
        return opened if isinstance(opened, int) else _built(opened, options, console)
    from mlc_compiler.cli.project import find_root
    from mlc_compiler.cli.tree import CannotCompare

    root = find_root(options.directory, console)
    if root is None:
        return 1
    try:
        return _against(root, options, console)
    except CannotCompare as error:
        console.findings([error.finding], root)
        return 1


def _opened(options: argparse.Namespace, console: Console, since: Since | None = None) -> Outputs | int:
    """Return what is planned: the models that differ from what runs or from the other time; else the exit code."""
    from mlc_compiler.cli import selection
    from mlc_compiler.cli.outputs import Reach, open_outputs
    from mlc_compiler.cli.project import LockUse

    opened = open_outputs(
        options.directory, console, preview=options.preview, lock=LockUse.REQUIRED, reach=Reach.AHEAD, since=since
    )
    if opened is None:
        return 1
    names = [name for name, _, _ in opened.summary.unpinned]
    known = not options.environment or selection.is_environment(options.environment, names, console)
    return opened if known else 2


# --- against what is built and runs ----------------------------------------------------------------------------------
def _built(opened: Outputs, options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.backend.difference import diff
    from mlc_compiler.cli.console import reader
    from mlc_compiler.plan.files import make_plan

    changes = diff(opened.root, opened.artifacts, opened.digests, opened.scope)
    if console.findings(changes.findings, opened.root):
        return 1
    files = [c for c in changes.files if options.environment in (None, c.environment)]
    read = reader(opened.root)
    before = {c.path: read(c.path) or "" for c in files if c.kind == "changed"}
    plan = make_plan(files, before, detail=True, bearing=_bearing())
    meaning = _ahead(opened, options)
    plan = replace(plan, meaning=meaning, environment=options.environment or "", preview=options.preview)
    code = _shown(plan, opened, options, console, changes.files)
    if options.format == "text":
        _unpinned(opened.summary, console)
    if not changes and not options.preview:
        opened.digests.save(as_built=True)
        opened.remember(console, on_disk=True)
    if options.out is not None:
        console.record.kept = False  # an answer from memory would save nothing
    return code


def _ahead(opened: Outputs, options: argparse.Namespace) -> Meaning:
    """Return what the specs mean otherwise than what runs."""
    from mlc_compiler.plan.meaning import Meaning

    made = opened.made
    if made is None or not made.compilation.promoted:
        return Meaning()  # off the fast path: nothing else is imported
    from mlc_compiler.cli.console import reader
    from mlc_compiler.plan.blast import with_drags
    from mlc_compiler.plan.compare import against_pins
    from mlc_compiler.plan.places import Finder, located

    now = _side(made)
    found = with_drags(against_pins(now, options.environment), now.project, now.models)
    return located(found, Finder(now.project, reader(opened.root)))


def _side(made: Workspace | Before) -> Side:
    from mlc_compiler.plan.compare import Side

    compiled, inputs = made.compilation, made.inputs
    return Side(compiled.project, compiled.models, inputs.pins.pins, compiled.promoted, inputs.lock, inputs.code)


def _unpinned(summary: Summary, console: Console) -> None:
    """Say which models render no workload yet, and how they come to."""
    for name, source, names in summary.unpinned:
        if names:
            way = f"mlc promote MODEL --to {name}" if source else f"mlc run && mlc release MODEL -e {name}"
            listed = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            console.say(f"{name}: no version of {listed} is pinned, so no workload is rendered; {way}")


# --- against a git ref -----------------------------------------------------------------------------------------------
def _against(root: Path, options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.cli.against import at_reference, file_changes
    from mlc_compiler.cli.against_part import Since
    from mlc_compiler.cli.tree import Tree
    from mlc_compiler.plan.files import make_plan
    from mlc_compiler.plan.meaning import Meaning

    since = Since(root, Tree.of(root, options.against))
    opened = _opened(options, console, since)
    if isinstance(opened, int):
        return opened
    before, wanted = since.before, options.environment
    if before is None and opened.made is not None:
        before = at_reference(since.tree, opened.made)
    then = before.artifacts if before else opened.artifacts
    files = [c for c in file_changes(then, opened.artifacts) if wanted in (None, c.environment)]
    plan = make_plan(files, {a.path: a.text for a in then}, detail=True, bearing=_bearing())
    meaning = _since(before, opened.made, wanted) if before and opened.made else Meaning()
    plan = replace(plan, meaning=meaning, against=options.against, environment=wanted or "")
    return _shown(plan, opened, options, console, files)


def _since(before: Before, made: Workspace, environment: str | None) -> Meaning:
    """Return what the specs mean otherwise than at the ref."""
    from mlc_compiler.cli.console import reader
    from mlc_compiler.plan.blast import with_drags
    from mlc_compiler.plan.compare import against_project
    from mlc_compiler.plan.places import Finder, located

    now = _side(made)
    found = against_project(_side(before), now, _bearing(), environment)
    read, texts = reader(made.root), before.texts
    then = Finder(before.compilation.project, lambda p: texts.get(p) or read(p), suffix=f" at {before.reference}")
    return located(with_drags(found, now.project, now.models), Finder(now.project, read, then))


# --- what both do ----------------------------------------------------------------------------------------------------
def _bearing() -> Callable[[str], Impact]:
    from mlc_compiler.backend.registry import installed
    from mlc_compiler.plan.bearing import bearing_of

    return bearing_of(installed().find)


def _shown(
    plan: Plan, opened: Outputs, options: argparse.Namespace, console: Console, changes: Iterable[Change]
) -> int:
    """Print the plan, save it where that is asked, and return the exit code."""
    console.out(rendered(plan, options.format, options.detail))
    if options.out is not None:
        from mlc_compiler.cli.saved_plan import save

        try:
            save(options.out, plan, opened, changes)
        except OSError as error:
            console.refuse(f"mlc plan: {options.out} can't be written: {error.strerror}")
            return 1
        console.say(f"saved to {options.out}; `mlc build --plan {options.out}` builds it while nothing else changes")
    return 2 if plan and options.detailed_exitcode else 0


def rendered(plan: Plan, format: str, detail: bool) -> str:
    """Return a plan in one of the formats."""
    if format == "json":
        from mlc_compiler.plan.as_json import plan_json

        return plan_json(plan)
    if format == "markdown":
        from mlc_compiler.plan.as_markdown import plan_markdown

        return plan_markdown(plan)
    if format == "html":
        from mlc_compiler.plan.as_html import plan_html

        return plan_html(plan)
    from mlc_compiler.plan.render import plan_text

    return plan_text(plan, detail)
