"""The only place that writes artifacts: what changed and nothing else, each file whole or not at all.

A file is prepared beside its place and renamed; a folder that does not exist yet is prepared whole and renamed once. A
journal says what is under way, so that after a kill at any point the next build finds old or new files, and mends.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from mlc_compiler.backend.changes import Change, Changes, Conflict
from mlc_compiler.backend.difference import diff
from mlc_compiler.backend.digests import Digests
from mlc_compiler.backend.journal import (
    exclusive,
    final,
    read_journal,
    remove_journal,
    sweep,
    temporary,
    write_journal,
)
from mlc_compiler.backend.manifest import home, split
from mlc_compiler.backend.target import Artifact, ExecutionError
from mlc_compiler.conventions import MANIFEST_FILE
from mlc_compiler.diagnostics import Finding, Span

__all__ = ["Change", "Changes", "Conflict", "check", "diff", "write"]

_FILE_MODE = 0o644
_FULL = (errno.ENOSPC, errno.EDQUOT)


def check(
    root: Path, artifacts: Iterable[Artifact], digests: Digests | None = None, scope: Sequence[str] | None = None
) -> tuple[str, ...]:
    """Return the paths that a build would create, change or delete, or may not touch; empty when all is as built."""
    return diff(root, artifacts, digests, scope).paths()


def write(root: Path, changes: Changes, digests: Digests | None = None, wait_seconds: float = 2.0) -> None:
    """Make the changes. `digests` learns what was written; saving it is the caller's.

    Raises ExecutionError when a folder can't be written (MLC953), another build is running (MLC954), the disk is full
    (MLC955) or a file changed since `diff` (MLC958); each file is then old or new, never in between, and the next build
    goes on. Raises ValueError for changes with conflicts, of which `changes.forced()` resolves some.
    """
    if changes.conflicts:
        raise ValueError("changes with conflicts are not written")
    if not changes and not read_journal(root):
        return
    with _os_errors_as_findings(root), exclusive(root, wait_seconds):
        _Build(root, digests or Digests(root)).make(tuple(changes.writes))


class _Build:
    """One run of the writer, under the lock."""

    def __init__(self, root: Path, digests: Digests) -> None:
        self._root = root
        self._prefix = f"{root}/"
        self._digests = digests
        self._absent: dict[str, str | None] = {"": None}

    def make(self, changes: tuple[Change, ...]) -> None:
        broken_off = read_journal(self._root)
        sweep(self._root, broken_off)
        staged, single = self._split(self._pending(changes))
        files = [(change.path, change.after) for change in (*single, *_unclaimed(staged)) if change.after]
        emptied = {split(change.path)[0] for change in single if not change.after}
        journal = broken_off.joined(files, {*staged, *emptied} - {""})
        if journal:
            write_journal(self._root, journal)
        try:
            # Manifests last: they may only claim what is there.
            self._replace(change for change in single if not _is_manifest(change))
            self._move_in(staged)
            self._replace(change for change in single if _is_manifest(change))
            self._remove_empty(journal.folders)
        except BaseException:
            with suppress(OSError):  # what led here is what to report; the next build sweeps again
                sweep(self._root, journal)
            raise
        if journal:
            remove_journal(self._root)

    def _pending(self, changes: tuple[Change, ...]) -> Iterator[Change]:
        """Yield what is still to do; refuse to touch a file that is no longer what `diff` saw."""
        for change in changes:
            if self._absent_folder(split(change.path)[0]) and change.before is None:
                yield change
                continue
            now = self._digests.find(change.path)
            if now == change.before or (change.before is None and change.kind != "created"):
                yield change
            elif now != change.after:
                raise ExecutionError(_moved(change.path))

    def _absent_folder(self, folder: str) -> str | None:
        """Return the topmost folder on the way to this one that does not exist yet, or None."""
        if folder not in self._absent:
            above = self._absent_folder(split(folder)[0])
            self._absent[folder] = above or (None if os.path.lexists(self._prefix + folder) else folder)
        return self._absent[folder]

    def _split(self, changes: Iterable[Change]) -> tuple[Mapping[str, list[Change]], list[Change]]:
        """Part the changes into those of absent folders, by topmost, and the others in the order to make them."""
        staged: dict[str, list[Change]] = defaultdict(list)
        single = []
        for change in changes:
            top = self._absent_folder(split(change.path)[0])
            if top:
                staged[top].append(change)
            else:
                single.append(change)
        return staged, sorted(single, key=_root_first)

    def _move_in(self, staged: Mapping[str, list[Change]]) -> None:
        """Write each absent folder beside its place, then let it appear whole."""
        for top, changes in sorted(staged.items()):
            stage = temporary(top)
            if os.path.lexists(self._prefix + stage):
                shutil.rmtree(self._prefix + stage)
            for folder in sorted({split(change.path)[0] for change in changes}):
                os.makedirs(self._prefix + stage + folder.removeprefix(top), exist_ok=True)  # noqa: PTH103
            for change in changes:
                _put(self._prefix + stage + change.path.removeprefix(top), change.text or "")
            os.rename(self._prefix + stage, self._prefix + top)  # noqa: PTH104  strings: there may be thousands
            for change in changes:
                self._digests.wrote(change.path, change.after or "")

    def _replace(self, changes: Iterable[Change]) -> None:
        for change in changes:
            if change.text is None:
                self._delete(change)
                continue
            prepared = self._prefix + temporary(change.path)
            _put(prepared, change.text)
            os.replace(prepared, self._prefix + change.path)  # noqa: PTH105
            self._digests.wrote(change.path, change.after or "")

    def _delete(self, change: Change) -> None:
        (self._root / change.path).unlink(missing_ok=True)
        self._digests.forget(change.path)

    def _remove_empty(self, folders: Iterable[str]) -> None:
        """Remove the folders that are empty now, and those above that become so."""
        pieces = [folder.split("/") for folder in folders]
        below_first = sorted(
            {"/".join(names[:end]) for names in pieces for end in range(1, len(names) + 1)}, reverse=True
        )
        for folder in below_first:
            with suppress(OSError):
                (self._root / folder).rmdir()


def _is_manifest(change: Change) -> bool:
    folder, name = split(change.path)
    return bool(folder) and name == MANIFEST_FILE


def _unclaimed(staged: Mapping[str, Iterable[Change]]) -> Iterator[Change]:
    """Yield the files that appear with a folder, but without the manifest that is to claim them."""
    for top, changes in staged.items():
        for change in changes:
            if not f"{home(change.path, change.environment, change.model)}/".startswith(f"{top}/"):
                yield change


def _root_first(change: Change) -> tuple[str, bool, str]:
    """Order by folder, the root's manifest after its files: it may only claim what is there.

    It lists folders, and a listed folder without a manifest does no harm.
    """
    folder, name = split(change.path)
    return folder, name == MANIFEST_FILE, name


def _put(path: str, text: str) -> None:
    """Write a new file; what a killed build left under its name goes."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    try:
        file = os.open(path, flags, _FILE_MODE)
    except FileExistsError:
        os.unlink(path)  # noqa: PTH108
        file = os.open(path, flags, _FILE_MODE)
    try:
        os.fchmod(file, _FILE_MODE)  # whatever the umask: the same tree everywhere
        content = memoryview(text.encode())
        while content:
            content = content[os.write(file, content) :]
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error  # a full disk does not say whose bytes they were
    finally:
        os.close(file)


@contextmanager
def _os_errors_as_findings(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ExecutionError(_failed(root, error)) from error


def _failed(root: Path, error: OSError) -> Finding:
    name = str(error.filename2 or error.filename or root)
    path = final(os.path.relpath(name, root)) if name.startswith(str(root)) else name
    reason = error.strerror or str(error)
    at = Span(path, 1, 1, 1, 1)
    note = "files written so far are complete; the next build goes on from here"
    if error.errno in _FULL:
        return Finding("MLC955", f"the disk is full: `{path}` could not be written", at, note, (), "free some space")
    message = f"`{path}` can't be written: {reason}"
    return Finding(
        "MLC953", message, at, note, (), "give yourself the right to write there, or build elsewhere with -C"
    )


def _moved(path: str) -> Finding:
    message = f"`{path}` changed while mlc was building"
    note = "another build or an editor wrote it meanwhile"
    return Finding("MLC958", message, Span(path, 1, 1, 1, 1), note, (), "run the build again")
