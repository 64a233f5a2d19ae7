"""`mlc promote --verify`: the required check of pull requests that refuses pins which no command would write."""

from __future__ import annotations

from mlc_compiler import ir
from mlc_compiler.cli.console import Console
from mlc_compiler.cli.git_state import now, repository, trusted_keys
from mlc_compiler.cli.project import Workspace
from mlc_compiler.conventions import ENVIRONMENTS_FOLDER, PROJECT_FILE, snapshot_path
from mlc_compiler.diagnostics import Finding, Place, Sink
from mlc_compiler.gitops.git import Repository
from mlc_compiler.gitops.integrity import Committed
from mlc_compiler.gitops.loosening import check_measures
from mlc_compiler.gitops.requirements import at_top
from mlc_compiler.gitops.verification import Comparison, changed_pins
from mlc_compiler.gitops.verification import verify_changes as judge
from mlc_compiler.gitops.worktree import check_committed, unknown_revision
from mlc_compiler.middle.resolved import ResolvedModel, parse_snapshot


def verify_changes(opened: Workspace, base: str | None, console: Console) -> int:
    """Judge the pins that changed since a revision; return the exit code."""
    git, sink = repository(opened.root), Sink()
    since = git if isinstance(git, Finding) else _base(git, opened, base)
    if isinstance(git, Finding) or isinstance(since, Finding):
        console.findings([since] if isinstance(since, Finding) else [], opened.root)
        return 1
    code = [pattern for m in opened.project.models for pattern in m.document.spec.code]
    sink.extend(check_committed(git, opened.releases.project, code))
    comparison = _comparison(opened, git, since, sink)
    paths = git.changed(since, git.head, (ENVIRONMENTS_FOLDER,))
    changes = [*changed_pins(comparison, paths)]
    places = {e.name: e.place for e in opened.project.environments}
    sink.extend(judge(comparison))
    pinned = {c.environment for c in changes}
    keys = opened.releases.project.signing_keys
    sink.extend(check_measures(comparison.before, comparison.after, places, pinned, keys))
    if console.findings(sink, opened.root):
        return 1
    console.out(f"{len(changes)} changed pins since {since[:12]}: each is what a command writes")
    return 0


def _base(git: Repository, opened: Workspace, name: str | None) -> str | Finding:
    """Return where HEAD parted from the revision that it is compared with: the default branch, if none is named."""
    remote, default = git.remote(), opened.releases.project.default_branch
    names = (name,) if name else (*((f"{remote[0]}/{default}",) if remote else ()), default)
    found = next((commit for n in names if (commit := git.commit(n)) is not None), None)
    if found is None:
        # A name on the command line stands in no file.
        at = at_top(PROJECT_FILE) if name else opened.project.document.at("ci", "default_branch")
        return unknown_revision(git, names[-1], at)
    parted = git.merge_base(found, git.head)
    if parted is None:
        said = f"{names[-1]} and HEAD have no common commit in this clone"
        return Finding("MLC938", said, at_top(PROJECT_FILE), help="fetch the rest: `git fetch --unshallow`")
    return parted


def _comparison(opened: Workspace, git: Repository, since: str, sink: Sink) -> Comparison:
    keys = trusted_keys(opened, sink)
    before, after = Committed(git, since, keys), Committed(git, git.head, keys)
    places = {e.name: e.place.at("metadata", "name") for e in opened.project.environments}

    def model(name: str, pin: ir.Pin) -> ResolvedModel | None:
        text = after.read(snapshot_path(name, pin.snapshot))
        return None if text is None else parse_snapshot(text)

    return Comparison(
        before,
        after,
        {r.environment.name: r.environment for r in opened.releases.releases},
        frozenset(m.name for m in opened.releases.models),
        model,
        lambda name: places.get(name, Place(PROJECT_FILE)),
        now(),
    )
