"""The one door to git: reads commits and files of any revision, writes commits without touching index or work tree.

Every step is one plumbing command, so that a kill between two of them leaves objects that nothing names, and no more.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mlc_compiler.records import dataclass

_SETTINGS = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
_PERSON = re.compile(r"(.*) <(.*)> (-?\d+) [+-]\d{4}")
_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_TRAILER = re.compile(r"([A-Za-z][A-Za-z0-9-]*): +(\S.*)")
_NOTHING = "0" * 40


class GitError(Exception):
    """A git command that failed; the text is what git said, in one line."""


class NoRepository(Exception):
    """There is no repository around the project, none with a commit, or no git at all; the text says which."""


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit: its id, its parents, when (seconds since 1970) and by whom it was made, and its message."""

    id: str
    parents: tuple[str, ...]
    time: int
    author: str
    committer: str
    message: str

    @property
    def subject(self) -> str:
        return self.message.partition("\n")[0]

    def trailers(self, key: str) -> tuple[str, ...]:
        """Return the values of a trailer, such as Approved-by, in the message's last paragraph."""
        last = self.message.rstrip().rpartition("\n\n")[2].splitlines()
        found = (_TRAILER.fullmatch(line.strip()) for line in last)
        return tuple(m[2].strip() for m in found if m and m[1].lower() == key.lower())


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository as seen from the project's folder; `prefix` leads from its top to there and ends with a slash."""

    root: Path
    prefix: str
    head: str
    branch: str | None
    shallow: frozenset[str]  # commits whose parents were not fetched
    variables: Mapping[str, str]

    def run(self, *arguments: str, input: bytes | None = None, index: Path | None = None) -> bytes:
        """Return what git prints; raises GitError."""
        variables = {**self.variables, **_SETTINGS}
        if index is not None:
            variables["GIT_INDEX_FILE"] = str(index)
        return _git(self.root, arguments, variables, input)

    def text(self, *arguments: str) -> str:
        return self.run(*arguments).decode("utf-8", "replace").strip()

    # --- reading -----------------------------------------------------------------------------------------------------
    def commit(self, revision: str) -> str | None:
        """Return the id of the commit that a revision names, or None."""
        try:
            return self.text("rev-parse", "--quiet", "--verify", "--end-of-options", f"{revision}^{{commit}}")
        except GitError:
            return None

    def read(self, files: Sequence[tuple[str, str]]) -> list[bytes | None]:
        """Return the bytes of files, given as (commit, path below the project); None where there is no such file."""
        return self._objects([f"{commit}:{self.prefix}{path}" for commit, path in files], "blob")

    def commits(self, ids: Sequence[str]) -> list[Commit]:
        """Return the commits of these ids, in order; one whose parents were not fetched has none."""
        found = zip(ids, self._objects(ids, "commit"), strict=True)
        commits = (_parsed(id, raw) for id, raw in found if raw is not None)
        return [replace(c, parents=()) if c.id in self.shallow else c for c in commits]

    def _objects(self, names: Sequence[str], kind: str) -> list[bytes | None]:
        if not names:
            return []
        if any("\n" in name for name in names):
            raise GitError("a path with a line break is not looked for")
        printed = self.run("cat-file", "--batch", input="".join(f"{name}\n" for name in names).encode())
        return list(_batch(printed, len(names), kind.encode()))

    def log(self, paths: Sequence[str], revision: str = "HEAD", limit: int | None = None) -> tuple[str, ...]:
        """Return the ids of the commits that changed a path on the way of first parents, newest first.

        What a merge brought counts from the merge: that is when the branch had it.
        """
        some = () if limit is None else (f"--max-count={limit}",)
        way = ("--first-parent", "-m", "--format=%H", "--no-patch", *some)
        return tuple(self.text("log", *way, revision, "--", *paths).split())

    def log_of_files(self, path: str, revision: str = "HEAD") -> list[tuple[str, str]]:
        """Return (commit, file) for each file at or below a path that a commit changed, as `log` orders commits."""
        way = ("--first-parent", "-m", "--format=%H", "--name-only", "--no-renames", "--relative", "-z")
        printed = self.run("log", *way, revision, "--", path).decode("utf-8", "replace")
        found, commit = [], ""
        for token in (t.strip("\n") for t in printed.split("\0")):
            if _ID.fullmatch(token):
                commit = token
            elif token:
                found.append((commit, token))
        return found

    def heads(self, below: str) -> dict[str, str]:
        """Return the branches below a name, with their commits."""
        printed = self.text("for-each-ref", "--format=%(refname:lstrip=2) %(objectname)", f"refs/heads/{below}")
        return dict(line.split(" ") for line in printed.splitlines())

    def changed(self, before: str, after: str, paths: Sequence[str]) -> tuple[str, ...]:
        """Return the paths below the project that differ between two commits, sorted."""
        wanted = ("diff", "--name-only", "--no-renames", "--relative", "-z", before, after, "--", *paths)
        return tuple(sorted(p for p in self.run(*wanted).decode("utf-8", "replace").split("\0") if p))

    def uncommitted(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Return the files below the given paths that differ from HEAD, new ones included, sorted."""
        wanted = ("status", "--porcelain=v1", "--no-renames", "--untracked-files=all", "-z", "--", *paths)
        printed = self.run(*wanted).decode("utf-8", "replace")
        return tuple(sorted(line[3:].removeprefix(self.prefix) for line in printed.split("\0") if line))

    def is_ancestor(self, older: str, newer: str) -> bool:
        try:
            self.run("merge-base", "--is-ancestor", older, newer)
        except GitError:
            return False
        return True

    def merge_base(self, one: str, other: str) -> str | None:
        try:
            return self.text("merge-base", one, other) or None
        except GitError:
            return None

    def branches(self) -> tuple[str, ...]:
        """Return the names of all branches and tags, for a name that is misspelt."""
        return tuple(self.text("for-each-ref", "--format=%(refname:short)").split())

    def remote(self) -> tuple[str, str] | None:
        """Return name and URL of the remote that branches go to: origin, or the only one."""
        names = self.text("remote").split()
        name = "origin" if "origin" in names else names[0] if len(names) == 1 else None
        return None if name is None else (name, self.text("remote", "get-url", name))

    # --- writing -----------------------------------------------------------------------------------------------------
    def make_commit(self, base: str, files: Mapping[str, str | None], message: str) -> str:
        """Return a new commit on top of a base, with files (below the project) replaced, or removed where None."""
        with tempfile.TemporaryDirectory(prefix="mlc-commit-") as folder:
            index = Path(folder) / "index"
            entries = self._entries(Path(folder), files)
            self.run("read-tree", base, index=index)
            self.run("update-index", "-z", "--index-info", input=entries, index=index)
            tree = self.run("write-tree", index=index).decode().strip()
        return self.run("commit-tree", tree, "-p", base, "-F", "-", input=message.encode()).decode().strip()

    def _entries(self, folder: Path, files: Mapping[str, str | None]) -> bytes:
        """Store the texts; return the lines that `update-index` takes."""
        written = [path for path, text in files.items() if text is not None]
        for number, path in enumerate(written):
            (folder / str(number)).write_bytes((files[path] or "").encode())
        names = "".join(f"{folder / str(number)}\n" for number in range(len(written)))
        # --no-filters: what was compiled is committed as it is, whatever line ends the work tree likes.
        stored = self.run("hash-object", "-w", "--no-filters", "--stdin-paths", input=names.encode()).decode().split()
        lines = [f"100644 {id}\t{self.prefix}{path}" for id, path in zip(stored, written, strict=True)]
        lines += [f"0 {_NOTHING}\t{self.prefix}{path}" for path, text in files.items() if text is None]
        return "".join(f"{line}\0" for line in lines).encode()

    def move_branch(self, branch: str, new: str, old: str | None) -> bool:
        """Let a branch name a commit if it still names the old one (None: does not exist); return whether it does."""
        try:
            self.run("update-ref", "--create-reflog", f"refs/heads/{branch}", new, old or _NOTHING)
        except GitError:
            if self.commit(f"refs/heads/{branch}") in (old, None):
                raise  # not lost to another: git could not write
            return False
        return True


def open_repository(root: Path, variables: Mapping[str, str]) -> Repository:
    """Return the repository that the project's folder lies in; raises NoRepository."""
    variables = {**variables, **_SETTINGS}
    asked = ("rev-parse", "--is-inside-work-tree", "--show-prefix", "--git-path", "shallow")
    try:
        inside, prefix, shallow = (*_git(root, asked, variables).decode().split("\n"), "", "")[:3]
    except FileNotFoundError:
        raise NoRepository("there is no program `git` here") from None
    except GitError as error:
        around = any((folder / ".git").exists() for folder in (root, *root.parents))
        raise NoRepository(str(error) if around else "the project lies in no repository") from None
    if inside != "true":
        raise NoRepository("the folder lies in a repository without a work tree")
    try:
        head = _git(root, ("rev-parse", "--quiet", "--verify", "HEAD^{commit}"), variables).decode().strip()
    except GitError:
        raise NoRepository("the repository has no commit yet") from None
    try:
        branch = _git(root, ("symbolic-ref", "--quiet", "--short", "HEAD"), variables).decode().strip()
    except GitError:
        branch = None
    cut = root / shallow
    ends = frozenset(cut.read_text("ascii").split()) if shallow and cut.is_file() else frozenset()
    return Repository(root, prefix, head, branch, ends, variables)


def _git(root: Path, arguments: Sequence[str], variables: Mapping[str, str], input: bytes | None = None) -> bytes:
    done = subprocess.run(
        ["git", *arguments], cwd=root, env=dict(variables), input=input or b"", capture_output=True, check=False
    )
    if done.returncode != 0:
        said = " ".join(done.stderr.decode("utf-8", "replace").split())
        raise GitError(said.removeprefix("fatal: ") or f"`git {arguments[0]}` ended with {done.returncode}")
    return done.stdout


def _batch(printed: bytes, count: int, kind: bytes) -> Iterable[bytes | None]:
    """Yield the objects that `cat-file --batch` printed: a line `id type size`, the bytes, a line break."""
    at = 0
    for _ in range(count):
        end = printed.index(b"\n", at)
        header = printed[at:end].rsplit(b" ", 2)
        at = end + 1
        if len(header) < 3 or not header[2].isdigit():  # `NAME missing`, `NAME ambiguous`
            yield None
            continue
        size = int(header[2])
        yield printed[at : at + size] if header[1] == kind else None
        at += size + 1


def _parsed(id: str, raw: bytes) -> Commit:
    head, _, message = raw.decode("utf-8", "replace").partition("\n\n")
    fields: dict[str, list[str]] = {}
    for line in head.splitlines():
        key, _, value = line.partition(" ")
        fields.setdefault(key, []).append(value)
    author, committer = (_PERSON.fullmatch(fields.get(key, [""])[0]) for key in ("author", "committer"))
    return Commit(
        id,
        tuple(fields.get("parent", ())),
        int(committer[3]) if committer else 0,
        f"{author[1]} <{author[2]}>" if author else "",
        f"{committer[1]} <{committer[2]}>" if committer else "",
        message,
    )
