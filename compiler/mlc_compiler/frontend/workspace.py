"""The files of a project: where its root is and which of its files are specs. The only reader of spec files."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from mlc_compiler.conventions import PROJECT_FILE
from mlc_compiler.diagnostics import Sink, Span
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.yaml_source import load
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


def spec_paths(root: Path, folders: tuple[str, ...]) -> tuple[str, ...]:
    """Return the spec files below the given folders, sorted, so that no finding depends on the file system's order."""
    found: set[str] = set()
    for folder in folders:
        base = root / folder
        if base.is_file():
            found.add(folder)
        for suffix in SUFFIXES:
            found.update(p.relative_to(root).as_posix() for p in base.rglob(f"*{suffix}") if p.is_file())
    return tuple(sorted(p for p in found if not any(part.startswith(".") for part in p.split("/"))))


def read(root: Path, path: str, sink: Sink) -> SpecFile | None:
    """Return the file, or None with a finding when it can't be read."""
    try:
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
