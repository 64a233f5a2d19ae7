"""Run a model's pipeline here: read and check data, compute features, train, evaluate, gate, package, report."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from mlc_compiler.backend.target import RunResult
from mlc_compiler.cli.console import Console, StepProgress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", help="a model, pattern or selector; all of them by default")
    parser.add_argument(
        "-j", dest="jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="steps side by side"
    )
    parser.add_argument("--until", metavar="STEP", help="stop after this step")
    parser.add_argument("--force", action="store_true", help="run steps that are unchanged, too")
    parser.add_argument("--locked", action="store_true", help="refuse data that differs from the lock")
    parser.add_argument("--format", choices=("text", "json"), default="text")


def run(options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.backend.target import ExecutionError, RunOptions
    from mlc_compiler.cli import selection
    from mlc_compiler.cli.project import Emission, LockUse, open_project

    opened = open_project(options.directory, console, lock=LockUse.REQUIRED, emission=Emission.NOTHING)
    if opened is None:
        return 1
    executor = opened.registry.executor()
    if executor is None:
        console.say("mlc run: no installed target executes releases here; install mlc-compiler[run]")
        return 1
    models = selection.models(opened.releases, options.model, console)
    failed = not models
    for model in models:
        console.say(f"{model.name} {model.version[7:19]}")
        wanted = RunOptions(opened.root, max(1, options.jobs), options.until, options.force)
        try:
            result = executor.run(opened.releases, model, wanted, StepProgress(console))
        except ExecutionError as error:
            console.findings(opened.project.placed(error.findings), opened.root)
            failed = True
            continue
        console.findings(opened.project.placed(result.findings), opened.root)
        _show(result, console)
        failed = failed or not result.passed
    return 1 if failed else 0


def _show(result: RunResult, console: Console) -> None:
    if console.format == "json":
        import json

        value = {
            "format_version": 1,
            "model": result.model,
            "version": result.version,
            "passed": result.passed,
            "artifact": result.artifact,
            "evidence": str(result.evidence),
            "report": str(result.report),
            "steps": [{"name": n, "state": s, "reason": r} for n, s, r in result.steps],
            "gates": list(result.gates),
        }
        console.out(json.dumps(value, indent=2, sort_keys=True))
        return
    for verdict in result.gates:
        console.out(f"  {_MARKS[str(verdict['status'])]} {verdict['gate']}: {verdict['reason']}")
    console.out(f"{'passed' if result.passed else 'not passed'}: {result.model} {result.version[7:19]}")
    if result.gates:  # a run that never came to the gates has no report of its own
        console.out(f"report: {_relative(result.report)}")


_MARKS = {"passed": "ok  ", "failed": "FAIL", "undecided": "????", "not_applicable": "n/a ", "reported": "info"}


def _relative(path: Path) -> Path:
    """Return the path as seen from here where it lies below, for reading."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_absolute() and path.is_relative_to(here) else path
