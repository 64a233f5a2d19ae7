"""The files of a project at a commit, by their git object ids: only those are read that differ from the disk."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mlc_compiler.conventions import PROJECT_FILE
from mlc_compiler.diagnostics import Finding, Span, nearest
from mlc_compiler.frontend.workspace import SUFFIXES
from mlc_compiler.gitops.git import GitError, NoRepository, Repository, open_repository
from mlc_compiler.records import dataclass

TOP = Span(PROJECT_FILE, 1, 1, 1, 1)


class CannotCompare(Exception):
    """A ref that nothing can be compared with; the finding says why."""

    def __init__(self, message: str, help: str, at: Span = TOP) -> None:
        super().__init__(message)
        self.finding = Finding("MLC969", message, at, help=help)


@dataclass(frozen=True, slots=True)
class Tree:
    """The files below the project's folder at a commit, with the ids of their contents."""

    repository: Repository
    reference: str
    commit: str
    files: Mapping[str, str]

    @property
    def prefix(self) -> str:
        return self.repository.prefix

    @staticmethod
    def of(root: Path, reference: str) -> Tree:
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
            listed = repository.run("ls-tree", "-r", "-z", "--full-tree", commit, "--", *below)
        except GitError as error:
            help = f"fetch it: `git fetch --depth=1 origin {reference}`"
            raise CannotCompare(f"`{reference}` can't be read: {error}", help) from None
        return Tree(repository, reference, commit, _files(listed, len(repository.prefix)))

    def read(self, paths: Sequence[str]) -> dict[str, bytes]:
        """Return the bytes of those paths that are files."""
        wanted = [path for path in paths if path in self.files]
        found = self.repository.read([(self.commit, path) for path in wanted])
        return {path: content for path, content in zip(wanted, found, strict=True) if content is not None}

    def same(self, root: Path, paths: Iterable[str]) -> frozenset[str]:
        """Return those of some paths whose files on disk are, byte for byte, those of the tree."""
        algorithm = "sha1" if len(self.commit) == 40 else "sha256"
        return frozenset(p for p in paths if p in self.files and _object_id(f"{root}/{p}", algorithm) == self.files[p])

    def specs(self, folders: Sequence[str]) -> list[str]:
        """Return the spec files below some folders, sorted, as `workspace.spec_paths` finds them on disk."""
        roots = tuple("" if f in (".", "./") else f"{f.removeprefix('./').rstrip('/')}/" for f in folders)
        return sorted(
            name
            for name in self.files
            if name.endswith(SUFFIXES)
            and any(name.startswith(root) or f"{name}/" == root for root in roots)
            and not any(part.startswith(".") for part in name.split("/"))
        )

    def code(self, patterns: Sequence[str]) -> dict[str, str]:
        """Return the files that globs pick with their digests."""
        matches = [re.compile(_regex(pattern)) for pattern in patterns]
        paths = sorted(name for name in self.files if any(m.fullmatch(name) for m in matches))
        return {p: f"sha256:{hashlib.sha256(content).hexdigest()}" for p, content in self.read(paths).items()}


def _files(listed: bytes, prefix: int) -> dict[str, str]:
    """Return path and object id of each line `mode type id TAB path` of `ls-tree`."""
    rows = (line.split("\t", 1) for line in listed.decode("utf-8", "replace").split("\0") if line)
    return {path[prefix:]: head.rpartition(" ")[2] for head, path in rows}


def _object_id(path: str, algorithm: str) -> str | None:
    """Return the id that git gives to a file's content, or None for what is no readable file."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123  thousands of them
            content = file.read()
    except OSError:
        return None
    return hashlib.new(algorithm, b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()


def _missing(repository: Repository, reference: str) -> CannotCompare:
    near = nearest(reference, repository.branches())
    if near:
        help = f"did you mean `{near}`?"
    elif set(reference) & set("~^@:"):
        fetch = "this clone is shallow: `git fetch --unshallow` brings the rest"
        help = fetch if repository.shallow else "history does not reach that far: `git log` lists what there is"
    elif repository.shallow:
        help = f"this clone is shallow: `git fetch --depth=1 origin {reference}` brings the ref"
    else:
        help = "name a branch, a tag or a commit; `git fetch` brings those of others"
    return CannotCompare(f"git knows no commit `{reference}`", help)


def _regex(pattern: str) -> str:
    """Return a glob as a regular expression.

    >>> bool(re.fullmatch(_regex("src/**/*.py"), "src/a/b.py")), bool(re.fullmatch(_regex("src/*.py"), "src/a/b.py"))
    (True, False)
    """
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]]+\])", pattern)
    known = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(known.get(part) or (part if part.startswith("[") else re.escape(part)) for part in parts)
