"""The files of a project: where its root is and which of its files are specs. The only reader of spec files."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path, PurePosixPath

from mlc_compiler.conventions import PROJECT_FILE
from mlc_compiler.diagnostics import Sink, Span
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.yaml_source import load
from mlc_compiler.records import dataclass
from mlc_compiler.spec.model import Model

SUFFIXES = (".yaml", ".yml")
DEFAULT_FOLDERS = ("specs",)


@dataclass(frozen=True, slots=True)
class SpecFile:
    """A spec file in memory; `path` is relative to the root, with `/`."""

    path: str
    content: bytes


def find_root(start: Path) -> Path | None:
    """Return the nearest folder at or above `start` that holds mlc.yaml."""
    start = start.resolve()
    return next((f for f in (start, *start.parents) if (f / PROJECT_FILE).is_file()), None)


@dataclass(frozen=True, slots=True)
class SpecTree:
    """The spec files of a project, sorted, and the folders where more may turn up; relative to the root, with `/`."""

    files: tuple[str, ...]
    folders: tuple[str, ...]


def spec_tree(root: Path, folders: tuple[str, ...]) -> SpecTree:
    """Return the spec files at or below the given folders; hidden ones are none. Links to folders are not followed."""
    pending = [path for path in (PurePosixPath(f).as_posix() for f in folders) if not _is_hidden(path)]
    files: set[str] = set()
    seen: set[str] = set()
    while pending:
        folder = pending.pop()
        seen.add(folder)
        if (root / folder).is_file():
            files.add(folder)
            continue
        for item in _entries(root / folder):
            path = item.name if folder == "." else f"{folder}/{item.name}"
            if item.name.startswith("."):
                continue
            named_as_spec = item.name.endswith(SUFFIXES)
            if item.is_dir(follow_symlinks=False) and not named_as_spec:
                pending.append(path)
            elif named_as_spec:
                files.add(path)  # also what is no file, e.g. a broken link: reading it says so
    return SpecTree(tuple(sorted(files)), tuple(sorted(seen)))


def _is_hidden(path: str) -> bool:
    return path != "." and any(part.startswith(".") for part in path.split("/"))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError:
        return []  # missing folders hold no specs


def spec_paths(root: Path, folders: tuple[str, ...]) -> tuple[str, ...]:
    """Return the spec files below the given folders, sorted, so that no finding depends on the file system's order."""
    return spec_tree(root, folders).files


def read(root: Path, path: str, sink: Sink) -> SpecFile | None:
    """Return the file, or None with a finding when it can't be read."""
    try:
        if stat.S_ISFIFO((root / path).stat().st_mode):
            raise OSError(errno.ESPIPE, "it is a pipe")  # reading it would wait for ever
        return SpecFile(path, (root / path).read_bytes())
    except OSError as error:
        sink.error(
            "MLC212",
            Span(path, 1, 1, 1, 1),
            f"the file can't be read: {error.strerror or type(error).__name__}",
            help="check that it exists and that you may read it",
        )
        return None


def spec_folders(project: SpecFile) -> tuple[str, ...]:
    """Return the folders that mlc.yaml names for specs; the default where it can't be told yet."""
    documents = load(project.path, project.content, Sink())
    spec = documents[0].value.get("spec") if documents and isinstance(documents[0].value, dict) else None
    folders = spec.get("specs") if isinstance(spec, dict) else None
    named = [f for f in folders if isinstance(f, str) and is_inside(f)] if isinstance(folders, list) else []
    return tuple(named) or DEFAULT_FOLDERS


def is_inside(path: str) -> bool:
    """Tell whether a relative path stays below the root."""
    return not path.startswith(("/", "~")) and ".." not in path.split("/")


def code_digests(root: Path, model: Document[Model], sink: Sink) -> dict[str, str]:
    """Return the model's own files with their digests; a glob that matches nothing is a finding."""
    found: dict[str, str] = {}
    for index, pattern in enumerate(model.spec.code):
        paths = sorted(p for p in root.glob(pattern) if p.is_file())
        if not paths:
            sink.error(
                "MLC409",
                model.at("code", index),
                f"`{pattern}` matches no file",
                help="mend the glob; it is relative to the project's root",
            )
        for path in paths:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            found[path.relative_to(root).as_posix()] = f"sha256:{digest}"
    return found
