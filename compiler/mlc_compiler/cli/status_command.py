"""Show what runs where, since when, how far behind it is, and what a promotion still waits for."""

from __future__ import annotations

import argparse
import json
import shutil
import textwrap
from typing import TYPE_CHECKING, Any

from mlc_compiler.cli.console import Console
from mlc_compiler.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mlc_compiler import ir
    from mlc_compiler.cli.project import Workspace
    from mlc_compiler.cli.selection import Scope
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
    from mlc_compiler.cli.project import Emission, open_project
    from mlc_compiler.gitops.git import GitError

    opened = open_project(options.directory, console, emission=Emission.NOTHING)
    if opened is None:
        return 1
    scope = selection.scope(opened.releases, options.model, options.environment, console)
    if scope is None:
        return 2
    git = repository_or_finding(opened.root, console)
    if git is None:
        return 1
    try:
        return _status(opened, git, scope, console)
    except GitError as error:
        console.findings([git_failed(error)], opened.root)
        return 1


def _status(opened: Workspace, git: Repository, scope: Scope, console: Console) -> int:
    from mlc_compiler.cli.lag import Lag
    from mlc_compiler.gitops.status import row

    seen, lag = _look(git, opened), Lag(opened, git)
    rows = [
        row(_standing(seen, release.environment, m.name, opened), lag.classes)
        for release in scope.releases
        for m in release.models
        if m.name in scope.models
    ]
    if console.format == "json":
        console.out(json.dumps({"format_version": FORMAT_VERSION, "rows": rows}, indent=2, ensure_ascii=False))
        return 0
    console.out(_text(rows, shutil.get_terminal_size((0, 0)).columns))
    if any(r["cut"] for r in rows):
        console.say("* or earlier: the clone is shallow; `git fetch --unshallow` fetches the rest")
    return 0


def _text(rows: Sequence[Mapping[str, Any]], width: int) -> str:
    """Return the rows as a table; as blocks of lines where that is wider than the terminal (0: there is none)."""
    from mlc_compiler.cli.show_command import table
    from mlc_compiler.gitops.status import words

    cells = [words(r) for r in rows]
    shown = table(_HEAD, cells)
    if not width or max(map(len, shown.splitlines())) <= width:
        return shown
    return "\n\n".join(_block(row, width) for row in cells)


def _block(cells: Sequence[str], width: int) -> str:
    """Return a row of the table as a heading and a line for each cell that says something."""
    head, rest = cells[:3], [(name, cell) for name, cell in zip(_HEAD[3:], cells[3:], strict=True) if cell != "-"]
    margin = max(len(name) for name in _HEAD[3:]) + 4
    lines = [
        textwrap.fill(
            cell, max(width, margin + 12), initial_indent=f"  {name}".ljust(margin), subsequent_indent=" " * margin
        )
        for name, cell in rest
    ]
    return "\n".join(["  ".join(head), *lines])


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


def _standing(seen: _Seen, environment: ir.Environment, model: str, opened: Workspace) -> Standing:
    from mlc_compiler.gitops.signing import unverified_statement
    from mlc_compiler.gitops.statements import read_rollout
    from mlc_compiler.gitops.status import Specified, Standing, branches

    where = environment.name, model
    history = seen.histories.get(where, ())
    source = seen.histories.get((environment.promoted_from or "", model), ())
    record = seen.rollouts[where]
    statement = unverified_statement(record.decode("utf-8", "replace")) if record else None
    rolled = read_rollout(statement) if statement else None
    pin = history[0].pin if history else None
    if rolled and (pin is None or rolled.of.get("package") != pin.artifact):
        rolled = None  # of a version before
    open_ = tuple(b for b in branches(*where) if b in seen.open)
    compiled = opened.compilation
    specified = Specified(compiled.models[model].version, where in compiled.promoted)
    return Standing(environment, model, history, source, specified, rolled, open_, seen.now)
