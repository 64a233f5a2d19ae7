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
Row: TypeAlias = "dict[str, object]"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("view", nargs="?", help="one feature view; all of them by default")
    parser.add_argument("--vectors", metavar="DIR", type=Path, help="write the golden vectors there, a file a view")
    parser.add_argument("--check", action="store_true", help="with --vectors: compare with the files instead")
    parser.add_argument("--format", choices=("text", "junit"), default="text")


def run(options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.backend.target import ExecutionError, ParityExecutor
    from mlc_compiler.cli.project import Emission, open_project
    from mlc_compiler.middle.feature_tests import feature_tests, parity_tests

    if options.check and options.vectors is None:
        console.refuse("mlc test: --check compares with the files of --vectors DIR")
        return 2
    opened = open_project(options.directory, console, emission=Emission.NOTHING)
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
    changed = _changed(options.vectors, results) if options.check else []
    if options.vectors is not None and not options.check:
        _write_vectors(options.vectors, results)
    console.out(_junit(outcomes, results) if options.format == "junit" else _text(outcomes, results))
    differences = [finding for result in results for finding in result.findings]
    console.findings(opened.project.placed(differences), opened.root)
    for line in changed:
        console.say(line)
    failed = differences or any(failure for _, failure in outcomes)
    return 1 if failed else 3 if changed else 0


def _write_vectors(folder: Path, results: Results) -> None:
    """Write each view's golden vectors, with the features that training makes of them, as JSON."""
    folder.mkdir(parents=True, exist_ok=True)
    for result in results:
        (folder / f"{result.view}.json").write_text(_vectors_text(result), "utf-8", newline="\n")


def _vectors_text(result: ParityResult) -> str:
    return json.dumps({"view": result.view, "vectors": result.vectors}, indent=1, ensure_ascii=False) + "\n"


def _changed(folder: Path, results: Results) -> list[str]:
    """Return what of the vectors is otherwise in the files, in words: a line a view, the first difference in it."""
    return [line for result in results if (line := _difference(folder / f"{result.view}.json", result))]


def _difference(path: Path, result: ParityResult) -> str:
    try:
        kept = json.loads(path.read_text("utf-8"))["vectors"]
        before = {each["vector"]: (each["request"], each["features"]) for each in kept}
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{result.view}: {path} can't be read as golden vectors: {error}"
    now = {each["vector"]: (each["request"], each["features"]) for each in json.loads(_vectors_text(result))["vectors"]}
    names = [name for name in dict.fromkeys((*before, *now)) if before.get(name) != now.get(name)]
    if not names:
        return ""
    first, then, here = names[0], before.get(names[0]), now.get(names[0])
    shown = "is new" if then is None else "is gone" if here is None else _parts(then, here)
    return f"{result.view}: {len(names)} of {len(now)} golden vectors differ from {path}: `{first}` {shown}"


def _parts(then: tuple[Row, Row], now: tuple[Row, Row]) -> str:
    """Return the first value of a request, or else of its features, that differs."""
    word, before, after = ("sends", then[0], now[0]) if then[0] != now[0] else ("has", then[1], now[1])
    name = next(n for n in (*before, *after) if before.get(n) != after.get(n))
    shown = (json.dumps(row.get(name), ensure_ascii=False) for row in (after, before))
    return f"{word} {name} {next(shown)}, where it was {next(shown)}"


def _text(outcomes: Outcomes, results: Results) -> str:
    lines = []
    for test, failure in outcomes:
        lines.append(f"{'FAIL' if failure else 'ok  '} {test.view}: {test.name}")
        lines += [f"       {line}" for line in (failure or "").splitlines()]
    lines += [f"{_outcome(r)} {r.view}: {r.summary}" for r in results]
    failed, nothing = _failed(outcomes, results), sum(1 for r in results if _outcome(r) == "none")
    said = f"{len(outcomes) + len(results) - failed - nothing} passed, {failed} failed"
    return "\n".join([*lines, said + (f", {nothing} compared nothing" if nothing else "")])


def _outcome(result: ParityResult) -> str:
    return "FAIL" if result.findings else "ok  " if result.vectors else "none"


def _failed(outcomes: Outcomes, results: Results) -> int:
    return sum(1 for _, failure in outcomes if failure) + sum(1 for result in results if result.findings)


def _junit(outcomes: Outcomes, results: Results) -> str:
    from xml.sax.saxutils import escape, quoteattr

    found = [(test.view, test.name, failure or "", "") for test, failure in outcomes]
    for result in results:
        nothing, told = _outcome(result) == "none", "; ".join(f.message for f in result.findings)
        found.append((result.view, "golden vectors", told, result.summary if nothing else ""))
    cases = []
    for view, name, failure, skipped in found:
        inner = f"<failure>{escape(failure)}</failure>" if failure else ""
        inner += f"<skipped>{escape(skipped)}</skipped>" if skipped else ""
        cases.append(f"  <testcase classname={quoteattr(view)} name={quoteattr(name)}>{inner}</testcase>")
    skips = sum(1 for *_, skipped in found if skipped)
    counts = f'tests="{len(found)}" failures="{_failed(outcomes, results)}" skipped="{skips}"'
    head = f'<testsuite name="mlc" {counts}>'
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *cases, "</testsuite>"])
