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
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256

from mlc_compiler import __version__
from mlc_compiler.conventions import BUILD_JOURNAL, CACHE_FOLDER, DEPLOY_FOLDER, PROJECT_FILE

ANSWERED = ("validate", "plan", "build")
STDOUT, STDERR = 1, 2

Stamp = str
"""What changes whenever a file is written or replaced: mtime and ctime in nanoseconds, size, inode."""
Answer = tuple[int, bool, list[tuple[int, str]]]
"""Exit code, whether it rests on the outputs too, and what was said to which stream."""
Known = tuple[list[str], str]
"""Paths, and the digest of their stamps."""

_FILE = f"{CACHE_FOLDER}/unchanged"
_MADE_BY = f"1 {__version__} {sys.version}"
_MISSING = (0, 0, 0, 0)
# Files are stamped with the clock of the last tick: one that changed just after the start may look this much older.
TICK = 20_000_000


class Record:
    """What one run says, and what its answer rests on. Only what is told to `keep` is remembered."""

    def __init__(self) -> None:
        self.started = time.time_ns()
        self.said: list[tuple[int, str]] = []
        self.root = ""
        self.code: Sequence[str] = ()
        self.inputs: Sequence[str] = ()
        self.dated = False
        self.kept = False
        self.outputs: Mapping[str, Stamp] | None = None

    def rests_on(self, root: str, inputs: Sequence[str], code: Sequence[str], dated: bool) -> None:
        """Tell what was read or looked for below the root, by which files of code, and whether the date mattered."""
        self.root, self.inputs, self.code, self.dated = root, inputs, code, dated

    def keep(self, outputs: Mapping[str, Stamp] | None = None) -> None:
        """Tell that an unchanged run says the same; `outputs` are the files that must then be as they were found."""
        self.kept, self.outputs = True, outputs


def colored(wanted: str) -> bool:
    """Tell whether standard error gets colours, by the value of --color."""
    return wanted == "always" or (wanted == "auto" and "NO_COLOR" not in os.environ and sys.stderr.isatty())


# --- answering -------------------------------------------------------------------------------------------------------
def answer(arguments: list[str]) -> int | None:
    """Say what the same command said last and return its exit code, or None when it has to run."""
    call = _call(arguments)
    root = _root(call[0]) if call else None
    memory = _load(root) if root else None
    found = memory.answers.get(call[1]) if call and memory else None
    if memory is None or found is None or not memory.holds(found[1]):
        return None
    for stream, text in found[2]:
        (sys.stdout if stream == STDOUT else sys.stderr).write(text)
    sys.stdout.flush()
    return found[0]


def _call(arguments: list[str]) -> tuple[str, str] | None:
    """Return the folder of a command line and all else that its answer depends on; None if that can't be told."""
    if os.environ.get("GITHUB_ACTIONS") == "true" or not set(ANSWERED) & set(arguments):
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
    try:
        folder = os.path.realpath(directory)
    except OSError:
        return None  # the working directory is gone; `main` says so
    while not os.path.isfile(f"{folder}/{PROJECT_FILE}"):  # noqa: PTH113
        folder, below = os.path.dirname(folder), folder  # noqa: PTH120
        if folder == below:
            return None
    return folder


# --- remembering -----------------------------------------------------------------------------------------------------
def remember(arguments: list[str], record: Record, code: int) -> None:
    """Keep what a run said, unless an input changed while it ran. A folder that can't be written costs only time."""
    call = _call(arguments)
    if call is None or not record.kept or not record.inputs:
        return
    try:
        read = {"code": _Files.now("", record.code), "inputs": _Files.now(f"{record.root}/", record.inputs)}
        if max(files.newest for files in read.values()) >= record.started - TICK:
            return
        old = _load(record.root)
        known = {name: files.known for name, files in {**read, **_outputs(record, old)}.items()}
        memory = _Memory(record.root, _today() if record.dated else "", known, {}, 0)
        memory.take_over(old)
        memory.answers[call[1]] = code, record.outputs is not None, record.said
        memory.save()
    except (OSError, OverflowError, ValueError):
        return


def _outputs(record: Record, old: _Memory | None) -> dict[str, _Files]:
    """Return the outputs with all folders where a file of mlc's may turn up or go."""
    if record.outputs is None:
        return {}
    stamps = array("q", map(int, " ".join(record.outputs.values()).split()))
    paths, digest = old.known.get("outputs", ([], "")) if old else ([], "")
    same = _Files(paths, stamps + _around(record, paths[len(record.outputs) :]).stamps)
    if same.known == ([*record.outputs, *paths[len(record.outputs) :]], digest):
        return {"outputs": same}  # nearly always: no folder has to be looked for anew
    folders = {path.rpartition("/")[0] for path in record.outputs} - {""}
    folders |= {folder[:end] for folder in folders for end in range(len(folder)) if folder[end] == "/"}
    folders.update(_folders(record.root, DEPLOY_FOLDER))
    around = _around(record, sorted({BUILD_JOURNAL, DEPLOY_FOLDER, *folders}))
    return {"outputs": _Files([*record.outputs, *around.paths], stamps + around.stamps)}


def _around(record: Record, folders: Sequence[str]) -> _Files:
    return _Files.now(f"{record.root}/", folders, os.lstat)


def _folders(root: str, folder: str) -> Iterator[str]:
    """Yield a folder and all below it, without following links; half of what os.walk takes for thousands of files."""
    yield folder
    try:
        with os.scandir(f"{root}/{folder}") as entries:
            below = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return
    for name in below:
        yield from _folders(root, f"{folder}/{name}")


def fingerprint(paths: Sequence[str]) -> str:
    """Return the digest of the stamps of files and folders."""
    return _Files.now("", paths).known[1]


class _Files:
    """Some paths and the numbers of their stamps, one path's after the other's."""

    def __init__(self, paths: Sequence[str], stamps: array[int]) -> None:
        self.paths = paths
        self.stamps = stamps

    @classmethod
    def now(cls, prefix: str, paths: Sequence[str], stat: Callable[[str], os.stat_result] = os.stat) -> _Files:
        """Return the files as they are; raises OverflowError for a stamp beyond 64 bits."""
        stamps = array("q")
        for path in paths:  # thousands, hence in one loop
            try:
                status = stat(prefix + path)
            except OSError:
                stamps.extend(_MISSING)
            else:
                stamps.extend((status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino))
        return cls(paths, stamps)

    @property
    def newest(self) -> int:
        """The last time at which one of them changed, in nanoseconds."""
        return max(max(self.stamps[::4], default=0), max(self.stamps[1::4], default=0))

    @property
    def known(self) -> Known:
        return list(self.paths), sha256(self.stamps.tobytes()).hexdigest()


class _Memory:
    """The last answers of a project, and what they rest on: `code`, `inputs` and, for some, `outputs`."""

    def __init__(
        self, root: str, date: str, known: dict[str, Known], answers: dict[str, Answer], saved_at: int
    ) -> None:
        self.root = root
        self.date = date
        self.known = known
        self.answers = answers
        self.saved_at = saved_at

    def holds(self, with_outputs: bool) -> bool:
        """Tell whether all that an answer rests on is as it was."""
        return (
            self.date in ("", _today())
            and self._is_same("inputs", os.stat)
            and self._is_same("code", os.stat)
            and (not with_outputs or self._is_same("outputs", os.lstat))
        )

    def _is_same(self, name: str, stat: Callable[[str], os.stat_result]) -> bool:
        """Tell whether the stamps are those remembered, and all from before the tick in which they were."""
        paths, digest = self.known[name]
        try:
            files = _Files.now("" if name == "code" else f"{self.root}/", paths, stat)
        except OverflowError:
            return False
        return files.known[1] == digest and files.newest < self.saved_at

    def take_over(self, old: _Memory | None) -> None:
        """Keep the answers of other commands that rest on the same."""
        if old is None or old.date != self.date or any(old.known[n] != self.known[n] for n in ("code", "inputs")):
            return
        outputs = old.known.get("outputs")
        same = "outputs" not in self.known or outputs == self.known["outputs"]
        self.answers = {call: found for call, found in old.answers.items() if same or not found[1]}
        if outputs:
            self.known.setdefault("outputs", outputs)

    def save(self) -> None:
        """Write the memory: a line of JSON, then the paths, one a line. Raises OSError, or ValueError for odd paths."""
        paths = [path for paths, _ in self.known.values() for path in paths]
        if any("\n" in path for path in paths):
            raise ValueError("a path of several lines")
        known = {name: (len(paths), digest) for name, (paths, digest) in self.known.items()}
        head = json.dumps({"by": _MADE_BY, "date": self.date, "known": known, "answers": self.answers})
        path = f"{self.root}/{_FILE}"
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        with open(f"{path}.{os.getpid()}", "wb") as file:  # noqa: PTH123
            file.write("\n".join([head, *paths]).encode("utf-8", "surrogateescape"))
        os.replace(file.name, path)  # noqa: PTH105


def _load(root: str) -> _Memory | None:
    """Return the memory of a project; None where there is none, or one that another mlc wrote or that is damaged."""
    try:
        with open(f"{root}/{_FILE}", "rb") as file:  # noqa: PTH123
            saved_at = os.fstat(file.fileno()).st_mtime_ns
            head, *paths = file.read().decode("utf-8", "surrogateescape").split("\n")
        data = json.loads(head)
        if data["by"] != _MADE_BY:
            return None
        known = {}
        for name, (count, digest) in data["known"].items():
            known[name] = paths[:count], str(digest)
            del paths[:count]
        answers = {call: _answer(*found) for call, found in data["answers"].items()}
        return _Memory(root, str(data["date"]), known, answers, saved_at)
    except (OSError, ValueError, TypeError, LookupError, AttributeError, RecursionError):
        return None


def _answer(code: int, with_outputs: bool, said: list[tuple[int, str]]) -> Answer:
    return int(code), bool(with_outputs), [(int(stream), str(text)) for stream, text in said]


def _today() -> str:
    return time.strftime("%Y-%m-%d", time.gmtime())
