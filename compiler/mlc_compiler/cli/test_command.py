"""Run the feature tests of the specs, and golden vectors through what training and serving make of them."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from mlc_compiler.cli.console import Console

if TYPE_CHECKING:
    from mlc_compiler.backend.target import ParityResult
    from mlc_compiler.ir import FeatureTest

Outcomes: TypeAlias = "tuple[tuple[FeatureTest, str | None], ...]"
Results: TypeAlias = "tuple[ParityResult, ...]"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("view", nargs="?", help="one feature view; all of them by default")
    parser.add_argument("--vectors", metavar="DIR", type=Path, help="write the golden vectors there, a file a view")
    parser.add_argument("--format", choices=("text", "junit"), default="text")


def run(options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.backend.target import ExecutionError, ParityExecutor
    from mlc_compiler.cli.project import open_project
    from mlc_compiler.middle.feature_tests import feature_tests, parity_tests

    opened = open_project(options.directory, console, artifacts=False)
    if opened is None:
        return 1
    executor = opened.registry.executor()
    if executor is None:
        console.say("mlc test: no installed target computes features here; install mlc-compiler[run]")
        return 1
    if options.view is not None and options.view not in opened.project.views:
        console.refuse(f"mlc test: there is no feature view `{options.view}`")
        return 2
    tests = [t for t in feature_tests(opened.project, opened.lock) if options.view in (None, t.view)]
    parity = [t for t in parity_tests(opened.project, opened.lock) if options.view in (None, t.view)]
    try:
        outcomes = executor.test(tests, opened.project.spec.timezone)
        results = executor.compare(parity) if isinstance(executor, ParityExecutor) else ()
    except ExecutionError as error:
        console.findings(opened.project.placed(error.findings), opened.root)
        return 1
    if options.vectors is not None:
        _write_vectors(options.vectors, results)
    console.out(_junit(outcomes, results) if options.format == "junit" else _text(outcomes, results))
    differences = [finding for result in results for finding in result.findings]
    console.findings(opened.project.placed(differences), opened.root)
    return 1 if differences or any(failure for _, failure in outcomes) else 0


def _write_vectors(folder: Path, results: Results) -> None:
    """Write each view's golden vectors, with the features that training makes of them, as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    for result in results:
        text = json.dumps({"view": result.view, "vectors": result.vectors}, indent=1, ensure_ascii=False)
        (folder / f"{result.view}.json").write_text(text + "\n", "utf-8", newline="\n")


def _text(outcomes: Outcomes, results: Results) -> str:
    lines = []
    for test, failure in outcomes:
        lines.append(f"{'FAIL' if failure else 'ok  '} {test.view}: {test.name}")
        lines += [f"       {line}" for line in (failure or "").splitlines()]
    lines += [f"{'FAIL' if r.findings else 'ok  '} {r.view}: {r.summary}" for r in results]
    failed = _failed(outcomes, results)
    return "\n".join([*lines, f"{len(outcomes) + len(results) - failed} passed, {failed} failed"])


def _failed(outcomes: Outcomes, results: Results) -> int:
    return sum(1 for _, failure in outcomes if failure) + sum(1 for result in results if result.findings)


def _junit(outcomes: Outcomes, results: Results) -> str:
    from xml.sax.saxutils import escape, quoteattr

    found = [(test.view, test.name, failure) for test, failure in outcomes]
    found += [(r.view, "golden vectors", "; ".join(f.message for f in r.findings) or None) for r in results]
    cases = []
    for view, name, failure in found:
        inner = f"<failure>{escape(failure)}</failure>" if failure else ""
        cases.append(f"  <testcase classname={quoteattr(view)} name={quoteattr(name)}>{inner}</testcase>")
    head = f'<testsuite name="mlc" tests="{len(found)}" failures="{_failed(outcomes, results)}">'
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *cases, "</testsuite>"])
