"""Whether what git has is what was compiled: a proposal on top of HEAD must not rest on files that HEAD has not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlc_compiler import ir
from mlc_compiler.conventions import (
    CARDS_FOLDER,
    DEPLOY_FOLDER,
    ENVIRONMENTS_FOLDER,
    LOCK_FILE,
    PROJECT_FILE,
    WORKFLOWS_FOLDER,
    counted,
    plural,
)
from mlc_compiler.diagnostics import Finding, Place, Severity, Span, nearest
from mlc_compiler.gitops.git import Repository
from mlc_compiler.gitops.requirements import at_top

SHOWN = 5
_OUTPUTS = (DEPLOY_FOLDER, ENVIRONMENTS_FOLDER, CARDS_FOLDER, WORKFLOWS_FOLDER)


def check_committed(repository: Repository, project: ir.Project, code: Sequence[str]) -> Iterator[Finding]:
    """Yield a finding when specs, lock, pins, models' code or generated files differ from HEAD; others may."""
    globs = tuple(f":(glob){pattern}" for pattern in code)
    yield from check_paths(repository, (PROJECT_FILE, LOCK_FILE, *project.specs, *_OUTPUTS, *globs))


def check_paths(repository: Repository, paths: Sequence[str]) -> Iterator[Finding]:
    """Yield a finding when files at or below some paths differ from HEAD."""
    dirty = repository.uncommitted(paths)
    if dirty:
        said = f"{counted(len(dirty), 'file')} that this rests on {plural(len(dirty), 'differs', 'differ')} from HEAD"
        help = "commit them, or put them aside: `git stash --include-untracked`"
        yield Finding("MLC936", f"{said}: {listed(dirty)}", at_top(dirty[0]), help=help)


def check_built(paths: Sequence[str]) -> Iterator[Finding]:
    """Yield a finding when the generated files are not what the specs make: they would come along."""
    if paths:
        are = plural(len(paths), "is", "are")
        said = f"{counted(len(paths), 'generated file')} {are} not as built: {listed(paths)}"
        yield Finding("MLC936", said, at_top(paths[0]), help="run `mlc build` and commit what it writes")


def check_branch(repository: Repository, default: str) -> Iterator[Finding]:
    """Yield a finding when HEAD is not what the default branch has: the pull request would carry more, or less."""
    remote = repository.remote()
    names = (f"refs/heads/{default}", *((f"refs/remotes/{remote[0]}/{default}",) if remote else ()))
    tips = [tip for name in names if (tip := repository.commit(name)) is not None]
    if repository.branch == default or repository.head in tips:
        return  # CI checks out the commit, not the branch
    where = f"branch {repository.branch}" if repository.branch else f"detached at {repository.head[:12]}"
    if not tips and repository.branch:
        return  # nothing is known of the default branch
    severity = Severity.WARNING if repository.branch else Severity.ERROR
    said = f"HEAD is {where}, not {default}: the pull request would start from there"
    help = f"check out {default}: `git switch {default}`"
    yield Finding("MLC937", said, at_top(PROJECT_FILE), help=help, severity=severity)


def unknown_revision(repository: Repository, name: str, at: Place | Span) -> Finding:
    """Return the finding that a revision does not exist, with the branch or tag most like it."""
    near = nearest(name, repository.branches())
    if near:
        help = f"did you mean `{near}`?"
    elif repository.shallow:
        help = "this clone is shallow: `git fetch --unshallow` brings the rest"
    elif set(name) & set("~^@:"):
        help = "history does not reach that far: `git log` lists what there is"
    else:
        help = f"fetch it: `git fetch origin {name}`"
    return Finding("MLC939", f"git knows no revision `{name}`", at, help=help)


def listed(paths: Sequence[str]) -> str:
    """Return the first few of some paths."""
    return ", ".join(paths[:SHOWN]) + (f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else "")
