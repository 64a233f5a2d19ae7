"""Who owns a file: one manifest a model and environment, so that changes of different models touch different manifests.

A manifest holds each owned file's digest, target, spec document and the origins of its lines, each file on lines of its
own. What belongs to no model stands in the manifest of its folder. The root's also lists the folders outside `deploy/`
that hold one, since nothing else leads there once a target is gone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from json.encoder import encode_basestring
from pathlib import Path

from mlc_compiler.backend.digests import digest
from mlc_compiler.backend.target import Artifact, Part
from mlc_compiler.conventions import DEPLOY_FOLDER, MANIFEST_FILE, STATE_FOLDER, image_folder, model_folder
from mlc_compiler.diagnostics import Finding, Span
from mlc_compiler.ir import Origin
from mlc_compiler.records import dataclass

FORMAT_VERSION = 1
PREPARED = ".mlc-new"  # ends the names of what the writer prepares beside its place
_OF_ALL = ("Project/", "Environment/")  # documents that no model has to itself


@dataclass(frozen=True, slots=True)
class Entry:
    """An owned file: the digest of the bytes that mlc wrote (sha256:...), and where they came from."""

    digest: str
    target: str
    document: str
    environment: str | None = None
    model: str | None = None
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """The owned files by path; `folders` only in the root's."""

    entries: Mapping[str, Entry] = field(default_factory=dict)
    folders: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.entries or self.folders)


class DamagedManifest(Exception):
    """A manifest that can't be read; `finding` says why and what to do."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.message)
        self.finding = finding


def entry_of(artifact: Artifact) -> Entry:
    """Return what a manifest says of an artifact once it is written."""
    return Entry(
        digest(artifact.text.encode()),
        artifact.target,
        artifact.origin.document,
        artifact.environment,
        artifact.model,
        artifact.parts if artifact.model else tuple(_of_no_model(artifact)),
    )


def _of_no_model(artifact: Artifact) -> Iterator[Part]:
    """Yield the origins of a file that models share, without which model happened to bring a line.

    Two pull requests that both bring the same line would differ in nothing else.
    """
    for part in artifact.parts:
        of_all = part.origin.document.startswith(_OF_ALL)
        yield part if of_all else Part(part.line, artifact.origin)


def home(path: str, environment: str | None, model: str | None) -> str:
    """Return the folder whose manifest owns a file: the model's, wherever the file stands; without a model, the file's.

    >>> home("docs/models/late-arrival.md", None, "late-arrival")
    'deploy/images/late-arrival'
    """
    if model is None:
        return split(path)[0]
    return image_folder(model) if environment is None else model_folder(environment, model)


def split(path: str) -> tuple[str, str]:
    """Return a path's folder, "" for the root, and its name."""
    folder, _, name = path.rpartition("/")
    return folder, name


def join(folder: str, name: str) -> str:
    """Return the path of a name in a folder; the root is ""."""
    return f"{folder}/{name}" if folder else name


def manifest_path(folder: str) -> str:
    """Return the path of a folder's manifest."""
    return join(folder, MANIFEST_FILE)


def is_inside(path: str) -> bool:
    """Tell whether a path names a place below the root that mlc may write, whatever the file system holds."""
    pieces = path.split("/")
    if "\0" in path or "\\" in path or path.endswith(PREPARED) or pieces[0] in (".git", STATE_FOLDER):
        return False
    return not {"", ".", ".."} & set(pieces)


def render(folder: str, manifest: Manifest) -> str:
    """Return the text of a folder's manifest: JSON, sorted by name, one file a line.

    Files of the folder stand there by name, others by `/` and the path from the root. Names and commas stand on lines
    of their own: git merges changes of neighbours only where a line between them is the same on both sides.
    """
    entries = sorted((_name(folder, path), entry) for path, entry in manifest.entries.items())
    index = f'"folders":{_compact(list(manifest.folders))},\n' if manifest.folders else ""
    lines = "\n,\n".join(f"{encode_basestring(name)}:\n{_entry_text(entry)}" for name, entry in entries)
    return f'{{"format_version":{FORMAT_VERSION},\n{index}"files":{{\n{lines}\n}}}}\n'


def _name(folder: str, path: str) -> str:
    above, name = split(path)
    return name if above == folder else f"/{path}"


def _entry_text(entry: Entry) -> str:
    fields: dict[str, object] = {"digest": entry.digest, "target": entry.target, "document": entry.document}
    if entry.environment is not None:
        fields["environment"] = entry.environment
    if entry.model is not None:
        fields["model"] = entry.model
    fields["parts"] = [(part.line, part.origin.document, part.origin.field) for part in entry.parts]
    return _compact(fields)


_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def read(root: Path, folder: str) -> Manifest:
    """Return a folder's manifest, an empty one where there is none; raises DamagedManifest."""
    content = _content(root, folder)
    return parse(folder, content) if content is not None else Manifest()


def _content(root: Path, folder: str) -> bytes | None:
    try:
        return (root / manifest_path(folder)).read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _damaged(folder, error.strerror or str(error)) from error


def parse(folder: str, content: bytes) -> Manifest:
    """Return what a manifest's bytes say; raises DamagedManifest."""
    try:
        data = json.loads(content)
        if data["format_version"] != FORMAT_VERSION:
            raise _damaged(folder, f"its format is {data['format_version']!r}, this mlc reads {FORMAT_VERSION}")
        folders = tuple(_checked_folder(name) for name in data.get("folders", ()))
        return Manifest({_checked_path(folder, n): _entry(e) for n, e in data["files"].items()}, folders)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        if content.lstrip().startswith(b"<<<<<<<") or b"\n<<<<<<<" in content:
            raise _damaged(folder, "it holds conflict markers of a merge") from error
        raise _damaged(folder, "it is not what mlc writes") from error


def _damaged(folder: str, reason: str) -> DamagedManifest:
    path = manifest_path(folder)
    message = f"`{path}` can't be read: {reason}"
    note = "without it mlc can't tell its own files from yours"
    mend = "take the file from git, or let `mlc build --force` write the manifest and its generated files again"
    return DamagedManifest(Finding("MLC952", message, Span(path, 1, 1, 1, 1), note, (), mend))


def _entry(data: Mapping[str, object]) -> Entry:
    parts = tuple(Part(line, Origin(document, path)) for line, document, path in _rows(data["parts"]))
    return Entry(
        _text(data["digest"]),
        _text(data["target"]),
        _text(data["document"]),
        _optional_text(data.get("environment")),
        _optional_text(data.get("model")),
        parts,
    )


def _rows(value: object) -> Iterator[tuple[int, str, str]]:
    if not isinstance(value, list):
        raise TypeError(value)
    for line, document, path in value:
        if not isinstance(line, int):
            raise TypeError(line)
        yield line, _text(document), _text(path)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _optional_text(value: object) -> str | None:
    return None if value is None else _text(value)


def _checked_path(folder: str, name: str) -> str:
    """Return the path that a name stands for; refuse one that would let a manifest own, and so delete, what it may not.

    Files of other folders are owned by full path alone, and never outside of the project.
    """
    path = name[1:] if name.startswith("/") else join(folder, name)
    if not is_inside(path) or _name(folder, path) != name or split(path)[1] == MANIFEST_FILE:
        raise ValueError(name)
    return path


def _checked_folder(name: object) -> str:
    if not is_inside(_text(name)):
        raise ValueError(name)
    return _text(name)


def folders_below(root: Path, starts: Iterable[str]) -> Iterator[str]:
    """Yield the folders at and below `starts` that hold a manifest, without following symbolic links.

    Folders that a killed build prepared are left out: they never came to be.
    """
    pending = list(starts)
    while pending:
        folder = pending.pop()
        try:
            with os.scandir(root / folder) as found:
                for item in found:
                    if item.name == MANIFEST_FILE:
                        yield folder
                    elif item.is_dir(follow_symlinks=False) and not item.name.endswith(PREPARED):
                        pending.append(join(folder, item.name))
        except OSError:
            continue  # missing, or not a folder: what is to be written there will say so


def owner(root: Path, path: str) -> Entry | None:
    """Return what the manifest says that owns a file: its folder's or a model's; raises DamagedManifest."""
    own = split(path)[0]
    quoted = encode_basestring(f"/{path}").encode()
    for folder in (own, *folders_below(root, (DEPLOY_FOLDER,))):
        content = _content(root, folder)
        if content is not None and (folder == own or quoted in content):
            entry = parse(folder, content).entries.get(path)
            if entry is not None:
                return entry
    return None


def is_walked(folder: str) -> bool:
    """Tell whether a folder's manifest is found by walking `deploy/`; others stand in the root's manifest."""
    return folder == DEPLOY_FOLDER or folder.startswith(f"{DEPLOY_FOLDER}/")
