"""Says again what a command said, when nothing that it rests on has changed since: this costs one stat a file.

Only small parts of the standard library are imported, since 0.1 s for 20,000 files is the whole point. The memory in
`.mlc/cache` holds digests of the stats of inputs, outputs and of mlc's own code: that of another machine never matches.
"""

from __future__ import annotations

import json
import os
import sys
import time
from array import array
from collections.abc import Iterable, Mapping
from hashlib import sha256

from mlc_compiler import __version__
from mlc_compiler.conventions import BUILD_JOURNAL, CACHE_FOLDER, DEPLOY_FOLDER, PROJECT_FILE

COMMANDS = ("validate", "plan", "build")
STDOUT, STDERR = 1, 2

Stamp = tuple[int, int, int, int]
"""What changes whenever a file is written or replaced: mtime and ctime in nanoseconds, size, inode."""
Answer = tuple[int, bool, list[tuple[int, str]]]
"""Exit code, whether it rests on the outputs, and what was said to which stream."""

_FILE = f"{CACHE_FOLDER}/unchanged"
_MADE_BY = f"1 {__version__} {sys.version}"
_MISSING: Stamp = (0, 0, 0, 0)
# Files are stamped with the clock of the last tick: one that changed just after the start may look this much older.
_TICK = 20_000_000


class Record:
    """What one run says, and what its answer rests on; without inputs it is not to be remembered."""

    def __init__(self) -> None:
        self.started = time.time_ns()
        self.said: list[tuple[int, str]] = []
        self.root = ""
        self.inputs: tuple[str, ...] = ()
        self.dated = False
        self.outputs: Mapping[str, Stamp] | None = None

    def rests_on_inputs(self, root: str, paths: Iterable[str], dated: bool) -> None:
        """Tell which files and folders were read or looked for; `dated` when today's date mattered too."""
        self.root, self.inputs, self.dated = root, tuple(paths), dated

    def rests_on_outputs(self, stamps: Mapping[str, Stamp]) -> None:
        """Tell which files below the root are as they are to be, each with its stamp when that was found."""
        self.outputs = stamps


def stamp(status: os.stat_result) -> Stamp:
    """Return what changes whenever a file changes."""
    return status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino


def colored(wanted: str) -> bool:
    """Tell whether standard error gets colours, by the value of --color."""
    return wanted == "always" or (wanted == "auto" and "NO_COLOR" not in os.environ and sys.stderr.isatty())


# --- answering -------------------------------------------------------------------------------------------------------
def answer(arguments: list[str]) -> int | None:
    """Say what the same command said last and return its exit code, or None when it has to run."""
    call = _call(arguments)
    root = _root(call[0]) if call else None
    memory = _Memory.load(root) if root else None
    found = memory.answers.get(call[1]) if call and memory else None
    if memory is None or found is None or not memory.holds(with_outputs=found[1]):
        return None
    for stream, text in found[2]:
        (sys.stdout if stream == STDOUT else sys.stderr).write(text)
    sys.stdout.flush()
    return found[0]


def _call(arguments: list[str]) -> tuple[str, str] | None:
    """Return the folder of a command line and all else that its answer depends on; None if that can't be told."""
    if os.environ.get("GITHUB_ACTIONS") == "true" or not set(COMMANDS) & set(arguments):
        return None  # in a workflow, findings also become annotations and a summary
    rest, directory = list(arguments), "."
    if "-C" in rest[:-1]:
        at = rest.index("-C")
        directory = rest[at + 1]
        del rest[at : at + 2]
    if any(a.startswith(("-C", "--color=")) for a in rest):
        return None
    wanted = rest[rest.index("--color") + 1] if "--color" in rest[:-1] else "auto"
    return directory, json.dumps([*rest, colored(wanted)])


def _root(directory: str) -> str | None:
    """Return what `workspace.find_root` does, without pathlib, which alone takes 10 ms to import."""
    folder = os.path.realpath(directory)
    while not os.path.isfile(f"{folder}/{PROJECT_FILE}"):  # noqa: PTH113
        folder, below = os.path.dirname(folder), folder  # noqa: PTH120
        if folder == below:
            return None
    return folder


# --- remembering -----------------------------------------------------------------------------------------------------
def remember(arguments: list[str], record: Record, code: int) -> None:
    """Keep what a run said, unless an input changed while it ran. A folder that can't be written costs only time."""
    call = _call(arguments)
    if call is None or not record.inputs:
        return
    read = _Files.now("", record.code), _Files.now(f"{record.root}/", record.inputs)
    if max(files.newest for files in read) >= record.started - _TICK:
        return
    memory = _Memory(_today() if record.dated else "", *read, _outputs(record), {})
    memory.take_over(_Memory.load(record.root))
    memory.answers[call[1]] = code, record.outputs is not None, record.said
    with suppress(OSError, ValueError):
        memory.save(record.root)


def _outputs(record: Record) -> _Files:
    """Return the outputs, the folders that hold them or could hold more of mlc's, and that no build was broken off."""
    if record.outputs is None:
        return _Files((), "", 0)
    folders = {os.path.dirname(path) for path in record.outputs} - {""}  # noqa: PTH120
    above = {folder[:end] for folder in folders for end in range(len(folder)) if folder[end] == "/"}
    walked = (at[len(record.root) + 1 :] for at, _, _ in os.walk(f"{record.root}/{DEPLOY_FOLDER}"))
    around = sorted({BUILD_JOURNAL, DEPLOY_FOLDER, *folders, *above, *walked})
    paths = (*record.outputs, *around)
    stamps = [*record.outputs.values(), *(_stamp(f"{record.root}/{path}", os.lstat) for path in around)]
    return _Files(paths, *_digest(chain.from_iterable(stamps)))


class _Files:
    """Some paths with the digest of their stamps and the newest time among them."""

    def __init__(self, paths: Sequence[str], digest: str, newest: int) -> None:
        self.paths = paths
        self.digest = digest
        self.newest = newest

    @classmethod
    def now(cls, prefix: str, paths: Sequence[str], stat: Stat = os.stat) -> _Files:
        """Return the files as they are."""
        stamps = array("q")
        for path in paths:  # 20,000 of them: hence no call for each
            try:
                status = stat(prefix + path)
            except OSError:
                stamps.extend(_MISSING)
            else:
                stamps.extend((status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino))
        return cls(paths, *_digest(stamps))
