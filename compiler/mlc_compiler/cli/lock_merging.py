"""`mlc lock --merge`: the lock of a merge that git could not finish, from the versions that its index holds."""

from __future__ import annotations

import argparse

from mlc_compiler.cli.console import Console
from mlc_compiler.cli.git_state import repository_or_finding
from mlc_compiler.cli.project import find_root
from mlc_compiler.conventions import LOCK_FILE
from mlc_compiler.diagnostics import Sink, Span
from mlc_compiler.frontend.lock import LockFile, lock_text
from mlc_compiler.frontend.lock_merging import merge_locks
from mlc_compiler.frontend.lock_reading import parse_lock

BASE, OURS, THEIRS = ":1", ":2", ":3"  # git's names for the versions of a file that it could not merge


def merge(options: argparse.Namespace, console: Console) -> int:
    """Write the lock with the entries of both sides; nothing is measured."""
    from mlc_compiler.backend.text_file import replace_file

    root = find_root(options.directory, console)
    git = repository_or_finding(root, console) if root else None
    if root is None or git is None:
        return 1
    texts = git.read([(stage, LOCK_FILE) for stage in (BASE, OURS, THEIRS)])
    if None in texts[1:]:
        console.say(f"mlc lock: git has no merge under way in which both sides changed {LOCK_FILE}")
        return 1
    sink = Sink()
    base, ours, theirs = (LockFile() if t is None else parse_lock(t.decode("utf-8", "replace"), sink) for t in texts)
    lock, met = merge_locks(base, ours, theirs)
    for entry in met:
        _both_changed(entry, sink)
    if console.findings(sink, root):
        return 1
    replace_file(root / LOCK_FILE, lock_text(lock).encode())
    console.out(f"merged {LOCK_FILE}; `git add {LOCK_FILE}` tells git")
    return 0


def _both_changed(entry: str, sink: Sink) -> None:
    section, _, name = entry.partition("/")
    selector = f" -s {section[:-1]}:{name}" if section in ("datasets", "models") else ""
    mend = f"take either side: `git checkout --ours {LOCK_FILE}`, then run `mlc lock{selector}`"
    sink.error("MLC902", Span(LOCK_FILE, 1, 1, 1, 1), f"both sides of the merge changed `{entry}`", help=mend)
