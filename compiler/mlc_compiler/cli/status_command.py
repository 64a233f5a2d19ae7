"""Show what runs where, since when, how far behind it is, and what a promotion still waits for."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlc_compiler.cli.console import Console

if TYPE_CHECKING:
    from mlc_compiler import ir
    from mlc_compiler.cli.project import Workspace
    from mlc_compiler.gitops.git import Repository
    from mlc_compiler.gitops.history import Histories
    from mlc_compiler.gitops.status import Standing

FORMAT_VERSION = 1
_HEAD = ("environment", "model", "version", "since", "rollout", "behind", "awaiting")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", nargs="?", help="a model, pattern or selector; all of them by default")
    parser.add_argument("-e", dest="environment", metavar="ENV", help="one environment only")
    parser.add_argument("--format", choices=("table", "json"), default="table")


def run(options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.cli import selection
    from mlc_compiler.cli.git_state import git_failed, repository_or_finding
    from mlc_compiler.cli.project import open_project
    from mlc_compiler.gitops.git import GitError

    opened = open_project(options.directory, console, artifacts=False)
    if opened is None:
        return 1
    names = [r.environment.name for r in opened.releases.releases]
    models = selection.models(opened.releases, options.model, console)
    if not models or (options.environment and not selection.is_environment(options.environment, names, console)):
        return 2
    git = repository_or_finding(opened.root, console)
    if git is None:
        return 1
    try:
        return _status(opened, git, {m.name: m for m in models}, options.environment, console)
    except GitError as error:
        console.findings([git_failed(error)], opened.root)
        return 1


def _status(
    opened: Workspace, git: Repository, models: dict[str, ir.Model], environment: str | None, console: Console
) -> int:
    from mlc_compiler.cli.show_command import table
    from mlc_compiler.gitops.status import row, words

    seen = _look(git, opened)
    rows = [
        row(_standing(seen, release.environment, models[m.name]))
        for release in opened.releases.releases
        if environment in (None, release.environment.name)
        for m in release.models
        if m.name in models
    ]
    if console.format == "json":
        console.out(json.dumps({"format_version": FORMAT_VERSION, "rows": rows}, indent=2, ensure_ascii=False))
        return 0
    console.out(table(_HEAD, [words(r) for r in rows]))
    if any(r["cut"] for r in rows):
        console.say("* or earlier: the clone is shallow; `git fetch --unshallow` fetches the rest")
    return 0


@dataclass(frozen=True, slots=True)
class _Seen:
    """What git tells of the whole project at once."""

    histories: Histories
    rollouts: dict[tuple[str, str], bytes | None]
    open: dict[str, str]
    now: int


def _look(git: Repository, opened: Workspace) -> _Seen:
    from mlc_compiler.cli.git_state import now
    from mlc_compiler.conventions import rollout_path
    from mlc_compiler.gitops.history import pin_histories

    pairs = [(r.environment.name, m.name) for r in opened.releases.releases for m in r.models]
    records = git.read([(git.head, rollout_path(*pair)) for pair in pairs])
    heads = {b: c for b, c in git.heads("mlc").items() if not git.is_ancestor(c, git.head)}
    return _Seen(pin_histories(git), dict(zip(pairs, records, strict=True)), heads, now())


def _standing(seen: _Seen, environment: ir.Environment, model: ir.Model) -> Standing:
    from mlc_compiler.gitops.signing import unverified_statement
    from mlc_compiler.gitops.statements import read_rollout
    from mlc_compiler.gitops.status import Standing, branches

    history = seen.histories.get((environment.name, model.name), ())
    source = seen.histories.get((environment.promoted_from or "", model.name), ())
    record = seen.rollouts[environment.name, model.name]
    statement = unverified_statement(record.decode("utf-8", "replace")) if record else None
    rolled = read_rollout(statement) if statement else None
    pin = history[0].pin if history else None
    if rolled and (pin is None or rolled.of.get("package") != pin.artifact):
        rolled = None  # of a version before
    open_ = tuple(b for b in branches(environment.name, model.name) if b in seen.open)
    return Standing(environment, model.name, history, source, model.version, rolled, open_, seen.now)
