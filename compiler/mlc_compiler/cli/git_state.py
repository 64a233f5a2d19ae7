"""What commands on pins start with besides the project: its repository, the clock, the keys."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from mlc_compiler.cli.console import Console, reader
from mlc_compiler.cli.project import Workspace, find_root
from mlc_compiler.diagnostics import Finding, Sink
from mlc_compiler.gitops.git import GitError, NoRepository, Repository, open_repository
from mlc_compiler.gitops.keys import read_keys
from mlc_compiler.gitops.requirements import at_top
from mlc_compiler.gitops.signing import PublicKey, SigningUnavailable

KEY, KEY_FILE = "MLC_SIGNING_KEY", "MLC_SIGNING_KEY_FILE"


def add_key_argument(parser: argparse.ArgumentParser) -> None:
    """Add the flag that names the private key."""
    help = f"file with the private key to sign with; {KEY} and {KEY_FILE} do as well"
    parser.add_argument("--key", type=Path, metavar="FILE", help=help)


def now() -> int:
    """Return the time in seconds since 1970."""
    return int(time.time())


def repository(root: Path) -> Repository | Finding:
    """Return the repository that the project lies in, or the finding that there is none."""
    try:
        return open_repository(root, dict(os.environ))
    except NoRepository as error:
        help = "put the project under git: `git init`, then commit it; what runs where is read from its history"
        return Finding("MLC935", f"no git history here: {error}", at_top("mlc.yaml"), help=help)


def repository_or_finding(root: Path, console: Console) -> Repository | None:
    """Return the repository that the project lies in, or None after saying that there is none."""
    found = repository(root)
    if isinstance(found, Finding):
        console.findings([found], root)
        return None
    return found


def in_repository(options: argparse.Namespace, console: Console, command: Callable[[Path, Repository], int]) -> int:
    """Run a command on git history where project and repository are found, and report what git refuses to do."""
    root = find_root(options.directory, console)
    git = repository_or_finding(root, console) if root is not None else None
    if root is None or git is None:
        return 1
    try:
        return command(root, git)
    except GitError as error:
        console.findings([git_failed(error)], root)
        return 1


def git_failed(error: GitError) -> Finding:
    """Return the finding that git refused to do a step."""
    help = "mend that, and run this again: it goes on from where it stopped"
    return Finding("MLC935", f"git refused: {error}", at_top("mlc.yaml"), help=help)


def trusted_keys(opened: Workspace, sink: Sink) -> tuple[PublicKey, ...]:
    """Return the public keys that mlc.yaml names."""
    return read_keys(opened.releases.project.signing_keys, reader(opened.root), sink)


def private_key(options: argparse.Namespace) -> str | None:
    """Return the private key that flag or environment give, or None; raises SigningUnavailable. It is never printed."""
    if options.key is None and os.environ.get(KEY):
        return os.environ[KEY]
    path = options.key or (Path(os.environ[KEY_FILE]) if os.environ.get(KEY_FILE) else None)
    if path is None:
        return None
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise SigningUnavailable(f"the private key in {path} can't be read") from error


def unsigned(error: SigningUnavailable) -> Finding:
    """Return the finding that nothing can be signed here."""
    return Finding("MLC948", "nothing can be signed here", at_top("mlc.yaml"), help=str(error))


def first(findings: Iterable[Finding | None]) -> Finding | None:
    """Return the first finding there is."""
    return next((f for f in findings if f is not None), None)
