"""Check offline that pins, snapshots, evidence and their signatures are whole: each byte as it was released."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mlc_compiler.cli.console import Console

if TYPE_CHECKING:
    from mlc_compiler import ir
    from mlc_compiler.cli.project import Workspace
    from mlc_compiler.diagnostics import Sink
    from mlc_compiler.gitops.integrity import Committed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", help="a model, pattern or selector; all of them by default")
    parser.add_argument("-e", dest="environment", metavar="ENV", help="one environment only")


def run(options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.cli import selection
    from mlc_compiler.cli.git_state import git_failed, repository_or_finding, trusted_keys
    from mlc_compiler.cli.project import Emission, open_project
    from mlc_compiler.diagnostics import Sink
    from mlc_compiler.gitops.git import GitError
    from mlc_compiler.gitops.integrity import Committed

    opened = open_project(options.directory, console, emission=Emission.NOTHING)
    if opened is None:
        return 1
    scope = selection.scope(opened.releases, options.model, options.environment, console)
    if scope is None:
        return 2
    git, sink = repository_or_finding(opened.root, console), Sink()
    if git is None:
        return 1
    held = Committed(git, git.head, trusted_keys(opened, sink), opened.root)
    try:
        count = sum(_verify(opened, release, held, scope.models, sink) for release in scope.releases)
    except GitError as error:
        sink.add(git_failed(error))
        count = 0
    if console.findings(sink, opened.root):
        return 1
    whole = "1 pin and what it names is whole" if count == 1 else f"{count} pins and what they name are whole"
    console.out(f"{whole}{'' if held.keys else '; the project names no signing keys'}")
    return 0


def _verify(opened: Workspace, release: ir.Release, held: Committed, wanted: frozenset[str], sink: Sink) -> int:
    """Check the pins of one environment; return how many there are."""
    from mlc_compiler.gitops.integrity import check_files, check_pin
    from mlc_compiler.ir import Origin
    from mlc_compiler.middle.resolved import parse_snapshot

    name = release.environment.name
    at = opened.project.place(Origin(f"Environment/{name}", "metadata.name"))
    pins = {k: p for k, p in opened.inputs.pins.pins.items() if k[1] in wanted}
    for (environment, _), pin in pins.items():
        if environment == name:
            model = parse_snapshot(opened.inputs.pins.snapshots[pin.snapshot])
            sink.extend(check_pin(held, release.environment, pin, model, at))
    sink.extend(check_files(held, pins))
    return sum(environment == name for environment, _ in pins)
