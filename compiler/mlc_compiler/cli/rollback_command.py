"""Propose the version that an environment ran before: from git history and snapshots, whatever the specs say now."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mlc_compiler.cli.console import Console

if TYPE_CHECKING:
    from mlc_compiler.gitops.git import Repository


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="the model's name")
    parser.add_argument("-e", dest="environment", required=True, metavar="ENV", help="where to roll back")
    parser.add_argument("--to", dest="version", metavar="VERSION", help="a version that ran there; the one before else")
    parser.add_argument("--reason", default="", metavar="TEXT", help="why, for the pull request")
    parser.add_argument("--dry-run", action="store_true", help="check and print the pull request's text; make nothing")
    parser.add_argument("--refresh", action="store_true", help="make an open proposal anew on top of HEAD")
    parser.add_argument("--push", action="store_true", help="push the branch even without a token for a pull request")
    parser.add_argument("--no-push", action="store_true", help="push nothing, even with a token")


def run(options: argparse.Namespace, console: Console) -> int:
    from mlc_compiler.cli.git_state import in_repository

    return in_repository(options, console, lambda root, git: _roll_back(root, git, options, console))


def _roll_back(root: Path, git: Repository, options: argparse.Namespace, console: Console) -> int:
    if not _known(root, options, console):
        return 2
    from mlc_compiler.cli.rolling_back import roll_back

    return roll_back(root, git, options, console)


def _known(root: Path, options: argparse.Namespace, console: Console) -> bool:
    """Tell whether there are such an environment and such a model, by pins and specs; if not, name the nearest."""
    from mlc_compiler.cli.selection import is_environment
    from mlc_compiler.conventions import ENVIRONMENTS_FOLDER
    from mlc_compiler.diagnostics import nearest

    kept = ("evidence", "snapshots", "keys")
    folders = sorted(p.name for p in (root / ENVIRONMENTS_FOLDER).glob("*") if p.is_dir() and p.name not in kept)
    if not is_environment(options.environment, folders, console, "environment with pins"):
        return False
    names = sorted(p.stem for p in (root / ENVIRONMENTS_FOLDER / options.environment).glob("*.yaml"))
    if options.model in names:
        return True
    near = nearest(options.model, names)
    hint = f"did you mean `{near}`?" if near else f"pinned there are {', '.join(names) or 'none'}"
    console.refuse(f"mlc: {options.environment} has no pin of `{options.model}`; {hint}")
    return False
