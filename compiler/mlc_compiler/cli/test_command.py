"""Run the feature tests that stand in the specs: rows given, features expected."""

from __future__ import annotations

import argparse

from mlc_compiler.cli.console import Console
from mlc_compiler.ir import FeatureTest

Outcomes = tuple[tuple[FeatureTest, str | None], ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("view", nargs="?", help="one feature view; all of them by default")
    parser.add_argument("--format", choices=("text", "junit"), default="text")


def run(options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.backend.target import ExecutionError
    from mlc_compiler.cli.project import open_project
    from mlc_compiler.middle.feature_tests import feature_tests

    opened = open_project(options.directory, console, artifacts=False)
    if opened is None:
        return 1
    executor = opened.registry.executor()
    if executor is None:
        console.say("mlc test: no installed target computes features here; install mlc-compiler[run]")
        return 1
    tests = [t for t in feature_tests(opened.project, opened.lock) if options.view in (None, t.view)]
    if not tests:
        console.say(
            "mlc test: no feature view has `tests`" if options.view is None else f"mlc test: `{options.view}` has none"
        )
        return 0 if options.view is None else 2
    try:
        outcomes = executor.test(tests, opened.project.spec.timezone)
    except ExecutionError as error:
        console.findings(opened.project.placed(error.findings), opened.root)
        return 1
    console.out(_junit(outcomes) if options.format == "junit" else _text(outcomes))
    return 1 if any(failure for _, failure in outcomes) else 0


def _text(outcomes: Outcomes) -> str:
    lines = []
    for test, failure in outcomes:
        lines.append(f"{'FAIL' if failure else 'ok  '} {test.view}: {test.name}")
        lines += [f"       {line}" for line in (failure or "").splitlines()]
    failed = sum(1 for _, failure in outcomes if failure)
    return "\n".join([*lines, f"{len(outcomes) - failed} passed, {failed} failed"])


def _junit(outcomes: Outcomes) -> str:
    from xml.sax.saxutils import escape, quoteattr

    failed = sum(1 for _, failure in outcomes if failure)
    cases = []
    for test, failure in outcomes:
        inner = f"<failure>{escape(failure)}</failure>" if failure else ""
        cases.append(f"  <testcase classname={quoteattr(test.view)} name={quoteattr(test.name)}>{inner}</testcase>")
    head = f'<testsuite name="mlc" tests="{len(outcomes)}" failures="{failed}">'
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *cases, "</testsuite>"])
