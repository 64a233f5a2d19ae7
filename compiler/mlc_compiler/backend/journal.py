"""One build at a time, and what a build was about to write, so that the next one can mend what a killed one left."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import field
from pathlib import Path

from mlc_compiler.backend.manifest import PREPARED, is_inside, join, split
from mlc_compiler.backend.target import ExecutionError
from mlc_compiler.conventions import BUILD_JOURNAL, BUILD_LOCK, STATE_FOLDER
from mlc_compiler.diagnostics import Finding, Span
from mlc_compiler.records import dataclass

_POLL_SECONDS = 0.05


def temporary(path: str) -> str:
    """Return the name under which a file or folder is prepared, beside its place so that a rename is atomic.

    >>> temporary("deploy/prod/service.yaml")
    'deploy/prod/.service.yaml.mlc-new'
    """
    folder, name = split(path)
    return join(folder, f".{name}{PREPARED}")


def final(path: str) -> str:
    """Return the path at which something prepared is to appear.

    >>> final("deploy/.prod.mlc-new/service.yaml")
    'deploy/prod/service.yaml'
    """
    names = path.split("/")
    return "/".join(n[1 : -len(PREPARED)] if n.startswith(".") and n.endswith(PREPARED) else n for n in names)


@dataclass(frozen=True, slots=True)
class Journal:
    """What unfinished builds were about to write: digests by path, and folders that appear or may go.

    Bytes with such a digest are mlc's, though no manifest says so yet.
    """

    digests: Mapping[str, frozenset[str]] = field(default_factory=dict)
    folders: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.digests or self.folders)

    def wrote(self, path: str, digest: str) -> bool:
        """Tell whether a broken-off build wrote these bytes there."""
        return digest in self.digests.get(path, ())

    def joined(self, files: Iterable[tuple[str, str]], folders: Iterable[str]) -> Journal:
        """Return the journal with more to write; what stands in it stays, since it was never finished."""
        digests = dict(self.digests)
        for path, digest in files:
            digests[path] = digests.get(path, frozenset()) | {digest}
        return Journal(digests, self.folders | set(folders))


def read_journal(root: Path) -> Journal:
    """Return what unfinished builds left; a damaged journal is ignored, its files then count as yours."""
    try:
        data = json.loads((root / BUILD_JOURNAL).read_bytes())
        digests = {path: frozenset(map(str, found)) for path, found in data["digests"].items() if is_inside(path)}
        return Journal(digests, frozenset(name for name in data["folders"] if is_inside(name)))
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return Journal()


def write_journal(root: Path, journal: Journal) -> None:
    """Keep the journal on disk, whole or not at all."""
    data = {
        "digests": {path: sorted(found) for path, found in journal.digests.items()},
        "folders": sorted(journal.folders),
    }
    path = root / BUILD_JOURNAL
    new = root / temporary(BUILD_JOURNAL)
    try:
        new.write_text(json.dumps(data, separators=(",", ":")), encoding="utf-8")
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise


def remove_journal(root: Path) -> None:
    """Tell the next build that this one is finished."""
    (root / BUILD_JOURNAL).unlink(missing_ok=True)


def sweep(root: Path, journal: Journal) -> None:
    """Remove what unfinished builds prepared and never moved into place."""
    for path in journal.digests:
        with suppress(FileNotFoundError, NotADirectoryError):
            os.unlink(root / temporary(path))  # noqa: PTH108  a link is removed, never followed
    for folder in journal.folders:
        with suppress(FileNotFoundError, NotADirectoryError):
            shutil.rmtree(root / temporary(folder))


@contextmanager
def exclusive(root: Path, wait_seconds: float = 2.0) -> Iterator[None]:
    """Hold the project's build lock; raises ExecutionError (MLC954) when another build keeps it longer than that.

    The kernel lets go of it when the process ends, however it ends.
    """
    import fcntl  # here, since the rest of the compiler also runs where there is none

    (root / STATE_FOLDER).mkdir(exist_ok=True)
    lock = os.open(root / BUILD_LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise ExecutionError(_busy(os.pread(lock, 32, 0).decode(errors="replace"))) from None
                time.sleep(_POLL_SECONDS)
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(lock)


def _busy(owner: str) -> Finding:
    process = f" (process {owner})" if owner.isdigit() else ""
    message = f"another build of this project is running{process}"
    mend = "wait until it has ended, or stop it; its lock goes with it"
    return Finding("MLC954", message, Span(BUILD_LOCK, 1, 1, 1, 1), "only one may write at a time", (), mend)
