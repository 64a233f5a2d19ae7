"""A project as it stood at a git ref: read from git into memory and compiled there; nothing is checked out.

What is the same as on disk, byte for byte, is not parsed, compiled or emitted a second time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlc_compiler.backend.changes import Change
from mlc_compiler.backend.target import Artifact
from mlc_compiler.cli.project import Workspace
from mlc_compiler.cli.sharing import emitter_like, resolved_like
from mlc_compiler.cli.tree import CannotCompare, Tree
from mlc_compiler.conventions import LOCK_FILE, PROJECT_FILE, pin_path, snapshot_path
from mlc_compiler.diagnostics import Finding, Severity, Sink, Span
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.locate import locate
from mlc_compiler.frontend.lock import LockFile
from mlc_compiler.frontend.lock_reading import parse_lock
from mlc_compiler.frontend.project import Project
from mlc_compiler.frontend.workspace import SpecFile, spec_folders
from mlc_compiler.gitops.pins import parse_pin
from mlc_compiler.ir import Pin
from mlc_compiler.middle.pins import Pins
from mlc_compiler.pipeline import Compilation, Inputs, emit, load_project, lower_project
from mlc_compiler.records import dataclass


@dataclass(frozen=True, slots=True)
class Before:
    """The project at a ref: as it compiled there, its artifacts, and the texts of its files."""

    reference: str
    inputs: Inputs
    compilation: Compilation
    artifacts: tuple[Artifact, ...]
    texts: Mapping[str, str]


def at_reference(tree: Tree, now: Workspace) -> Before:
    """Return the project as it stood at a ref; raises CannotCompare."""
    sink = Sink()
    first = tree.read([PROJECT_FILE]).get(PROJECT_FILE)
    if first is None:
        said = f"`{tree.reference}` holds no {PROJECT_FILE}{f' in {tree.prefix}' if tree.prefix else ''}"
        raise CannotCompare(said, "compare with a ref that already has the project")
    head = SpecFile(PROJECT_FILE, first)
    paths = [p for p in tree.specs(spec_folders(head)) if p != PROJECT_FILE]
    documents = _documents_of(now.project)
    same = tree.same(now.root, [p for p in paths if p in documents])
    contents = tree.read([p for p in paths if p not in same])
    files = (head, *(SpecFile(path, contents.get(path, b"")) for path in paths))
    project = load_project(files, sink, {path: documents[path] for path in same})
    if project is None:
        raise _broken(tree, sink, contents)
    texts = {p: c.decode("utf-8", "replace") for p, c in {PROJECT_FILE: first, **contents}.items()}
    return compiled(project, tree, texts, now)


def _documents_of(project: Project) -> dict[str, tuple[Document[Any], ...]]:
    """Return the documents of each file, in its order."""
    found: dict[str, list[Document[Any]]] = {}
    for document in sorted(project.documents(), key=lambda d: d.place.document):
        found.setdefault(document.place.file, []).append(document)
    return {file: tuple(documents) for file, documents in found.items()}


def compiled(project: Project, tree: Tree, texts: Mapping[str, str], now: Workspace) -> Before:
    """Compile as far as comparing needs: findings of today's analyses on yesterday's specs do not matter."""
    sink = Sink()
    lock = now.lock if tree.same(now.root, [LOCK_FILE]) else lock_at(tree)
    code = {m.name: tree.code(m.document.spec.code) for m in project.models if m.document.spec.code}
    models = resolved_like(now, project, lock, code, sink)
    if len(models) < len(project.models):
        raise _broken(tree, sink, {path: text.encode() for path, text in texts.items()})
    targets = now.registry.chosen(project.spec.targets)
    inputs = Inputs(lock, _pins(project, tree), code, targets)
    compilation = lower_project(project, models, inputs, Sink())
    artifacts = emit(compilation, emitter_like(now, compilation, targets), Sink())
    return Before(tree.reference, inputs, compilation, artifacts, texts)


def _broken(tree: Tree, findings: Iterable[Finding], contents: Mapping[str, bytes]) -> CannotCompare:
    """Return that the specs of a ref have errors, with the first of them; its line is of the file as it was there."""

    def read(path: str) -> str | None:
        content = contents.get(path) or tree.read([path]).get(path)
        return None if content is None else content.decode("utf-8", "replace")

    help = "compare with a ref whose specs compile; `git log -- specs` tells of others"
    located = locate([f for f in findings if f.severity is Severity.ERROR], read)
    if not located:
        return CannotCompare(f"the specs of `{tree.reference}` do not compile", help)
    first = located[0]
    at = first.span()
    said = f"the specs of `{tree.reference}` do not compile: {at.file}:{at.line}: {first.message} ({first.code})"
    return CannotCompare(said, help, Span(at.file, 1, 1, 1, 1))


def lock_at(tree: Tree) -> LockFile:
    """Return the lock of a tree."""
    content = tree.read([LOCK_FILE]).get(LOCK_FILE)
    return LockFile() if content is None else parse_lock(content.decode("utf-8", "replace"), Sink())


def _pins(project: Project, tree: Tree) -> Pins:
    """Return the pins that can be read, with their snapshots; a damaged one is as if there were none."""
    where = {pin_path(e.name, m.name): (e.name, m.name) for e in project.environments for m in project.models}
    found: dict[tuple[str, str], Pin] = {}
    for path, content in tree.read([p for p in where if p in tree.files]).items():
        pin = parse_pin(path, content, Sink())
        if pin is not None:
            found[where[path]] = pin
    paths = {snapshot_path(model, pin.snapshot): pin.snapshot for (_, model), pin in found.items()}
    read = tree.read([p for p in paths if p in tree.files])
    snapshots = {paths[path]: content.decode("utf-8", "replace") for path, content in read.items() if _is_json(content)}
    return Pins({key: pin for key, pin in found.items() if pin.snapshot in snapshots}, snapshots)


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return False
    return True


# --- artifacts -------------------------------------------------------------------------------------------------------
def file_changes(before: Iterable[Artifact], after: Iterable[Artifact]) -> Iterator[Change]:
    """Yield how generated files differ between two compilations, sorted by path."""
    old, new = ({a.path: a for a in artifacts} for artifacts in (before, after))
    for path in sorted({*old, *new}):
        was, now = old.get(path), new.get(path)
        known = now or was
        if known is not None and (was is None or now is None or was.text != now.text):
            kind = "created" if was is None else "deleted" if now is None else "changed"
            yield Change(
                kind,  # type: ignore[arg-type]  # one of three
                path,
                None if was is None else "",
                None if now is None else "",
                now.text if now else None,
                known.target,
                known.origin.document,
                known.environment,
                known.model,
            )
