"""A project as it stood at a git ref: read from git into memory and compiled there; nothing is checked out."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mlc_compiler.backend.changes import Change
from mlc_compiler.backend.registry import Registry
from mlc_compiler.backend.target import Artifact
from mlc_compiler.conventions import LOCK_FILE, PROJECT_FILE, pin_path, snapshot_path
from mlc_compiler.diagnostics import Finding, Severity, Sink, Span, nearest
from mlc_compiler.frontend.lock import LockFile
from mlc_compiler.frontend.lock_reading import parse_lock
from mlc_compiler.frontend.project import Project
from mlc_compiler.frontend.workspace import SUFFIXES, SpecFile, spec_folders
from mlc_compiler.gitops.git import GitError, NoRepository, Repository, open_repository
from mlc_compiler.gitops.pins import parse_pin
from mlc_compiler.ir import Pin
from mlc_compiler.middle.models import resolve_models
from mlc_compiler.middle.pins import Pins
from mlc_compiler.pipeline import Inputs, emit, load_project, lower_project
from mlc_compiler.plan.compare import Side

TOP = Span(PROJECT_FILE, 1, 1, 1, 1)


class CannotCompare(Exception):
    """A ref that nothing can be compared with; the finding says why."""

    def __init__(self, message: str, help: str, note: str = "") -> None:
        super().__init__(message)
        self.finding = Finding("MLC969", message, TOP, note, (), help)


@dataclass(frozen=True, slots=True)
class Before:
    """The project at a ref: as it compiled there, its artifacts, and the texts of its files."""

    reference: str
    side: Side
    artifacts: tuple[Artifact, ...]
    texts: Mapping[str, str]


def at_reference(root: Path, reference: str, registry: Registry) -> Before:
    """Return the project as it stood at a ref; raises CannotCompare."""
    tree = _Tree.of(root, reference)
    sink = Sink()
    first = tree.read([PROJECT_FILE]).get(PROJECT_FILE)
    if first is None:
        said = f"`{reference}` holds no {PROJECT_FILE}{f' in {tree.prefix}' if tree.prefix else ''}"
        raise CannotCompare(said, "compare with a ref that already has the project")
    head = SpecFile(PROJECT_FILE, first)
    paths = [p for p in _spec_paths(tree.names, spec_folders(head)) if p != PROJECT_FILE]
    contents = tree.read(paths)
    project = load_project((head, *(SpecFile(path, contents[path]) for path in paths)), sink)
    if project is None:
        raise _broken(reference, sink)
    texts = {p: c.decode("utf-8", "replace") for p, c in {PROJECT_FILE: first, **contents}.items()}
    return _compiled(project, tree, texts, registry)


def _compiled(project: Project, tree: _Tree, texts: Mapping[str, str], registry: Registry) -> Before:
    """Compile as far as comparing needs: findings of today's analyses on yesterday's specs do not matter."""
    sink = Sink()
    lock = _lock(tree)
    code = {m.name: _code(tree, m.document.spec.code) for m in project.models if m.document.spec.code}
    models = resolve_models(project, lock, code, sink)
    if len(models) < len(project.models):
        raise _broken(tree.reference, sink)
    pins = _pins(project, tree)
    targets = registry.chosen(project.spec.targets)
    compilation = lower_project(project, models, Inputs(lock, pins, code, targets), Sink())
    side = Side(project, models, pins.pins, compilation.promoted, lock, code)
    return Before(tree.reference, side, emit(compilation, targets, Sink()), texts)


def _broken(reference: str, findings: Iterable[Finding]) -> CannotCompare:
    first = next((f for f in findings if f.severity is Severity.ERROR), None)
    where = f"{first.at.file}: {first.message} ({first.code})" if first else "an unknown reason"
    return CannotCompare(
        f"the specs of `{reference}` do not compile: {where}",
        "compare with a ref whose specs compile; `git log -- specs` tells of others",
    )


def _lock(tree: _Tree) -> LockFile:
    content = tree.read([LOCK_FILE]).get(LOCK_FILE)
    return LockFile() if content is None else parse_lock(content.decode("utf-8", "replace"), Sink())


def _pins(project: Project, tree: _Tree) -> Pins:
    """Return the pins that can be read, with their snapshots; a damaged one is as if there were none."""
    where = {pin_path(e.name, m.name): (e.name, m.name) for e in project.environments for m in project.models}
    found: dict[tuple[str, str], Pin] = {}
    for path, content in tree.read([p for p in where if p in tree.names]).items():
        pin = parse_pin(path, content, Sink())
        if pin is not None:
            found[where[path]] = pin
    paths = {snapshot_path(model, pin.snapshot): pin.snapshot for (_, model), pin in found.items()}
    read = tree.read([p for p in paths if p in tree.names])
    snapshots = {paths[path]: content.decode("utf-8", "replace") for path, content in read.items() if _is_json(content)}
    return Pins({key: pin for key, pin in found.items() if pin.snapshot in snapshots}, snapshots)


def _is_json(content: bytes) -> bool:
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return False
    return True


# --- files -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Tree:
    """The files below the project's folder at a commit."""

    repository: Repository
    reference: str
    commit: str
    names: frozenset[str]

    @property
    def prefix(self) -> str:
        return self.repository.prefix

    @staticmethod
    def of(root: Path, reference: str) -> _Tree:
        """Return the tree of a ref; raises CannotCompare."""
        try:
            repository = open_repository(root, dict(os.environ))
        except NoRepository as error:
            help = "run this in a git repository that holds the project; without --against, git is not needed"
            raise CannotCompare(f"there is no history to compare with: {error}", help) from None
        commit = repository.commit(reference)
        if commit is None:
            raise _missing(repository, reference)
        try:
            below = (repository.prefix,) if repository.prefix else ()
            listed = repository.run("ls-tree", "-r", "-z", "--name-only", "--full-tree", commit, "--", *below)
        except GitError as error:
            help = f"fetch it: `git fetch --depth=1 origin {reference}`"
            raise CannotCompare(f"`{reference}` can't be read: {error}", help) from None
        names = (name.removeprefix(repository.prefix) for name in listed.decode("utf-8", "replace").split("\0") if name)
        return _Tree(repository, reference, commit, frozenset(names))

    def read(self, paths: Sequence[str]) -> dict[str, bytes]:
        """Return the bytes of those paths that are files."""
        wanted = [path for path in paths if path in self.names]
        found = self.repository.read([(self.commit, path) for path in wanted])
        return {path: content for path, content in zip(wanted, found, strict=True) if content is not None}


def _missing(repository: Repository, reference: str) -> CannotCompare:
    near = nearest(reference, repository.branches())
    if near:
        help = f"did you mean `{near}`?"
    elif repository.shallow:
        help = f"this clone is shallow: `git fetch --depth=1 origin {reference}` brings the ref"
    else:
        help = "name a branch, a tag or a commit; `git fetch` brings those of others"
    return CannotCompare(f"git knows no commit `{reference}`", help)


def _spec_paths(names: Iterable[str], folders: Sequence[str]) -> list[str]:
    """Return the spec files below some folders, sorted, as `workspace.spec_paths` finds them on disk."""
    roots = tuple("" if f in (".", "./") else f"{f.removeprefix('./').rstrip('/')}/" for f in folders)
    return sorted(
        name
        for name in names
        if name.endswith(SUFFIXES)
        and any(name.startswith(root) or f"{name}/" == root for root in roots)
        and not any(part.startswith(".") for part in name.split("/"))
    )


def _code(tree: _Tree, patterns: Sequence[str]) -> dict[str, str]:
    """Return a model's own files with their digests."""
    matches = [re.compile(_regex(pattern)) for pattern in patterns]
    paths = sorted(name for name in tree.names if any(m.fullmatch(name) for m in matches))
    return {p: f"sha256:{hashlib.sha256(content).hexdigest()}" for p, content in tree.read(paths).items()}


def _regex(pattern: str) -> str:
    """Return a glob as a regular expression.

    >>> bool(re.fullmatch(_regex("src/**/*.py"), "src/a/b.py")), bool(re.fullmatch(_regex("src/*.py"), "src/a/b.py"))
    (True, False)
    """
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]]+\])", pattern)
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(known.get(part) or (part if part.startswith("[") else re.escape(part)) for part in parts)


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
