"""A proposal becomes a branch, a file with the pull request's text, and where a token allows it a pull request.

Each step finds out what the steps before have done already, so that a run that was killed goes on where it stopped.
"""

from __future__ import annotations

import os
import shlex

from mlc_compiler.backend.text_file import replace_file
from mlc_compiler.cli.console import Console
from mlc_compiler.cli.forge import Forge, ForgeError, PullRequest, find_forge, open_pull_request
from mlc_compiler.cli.git_state import git_failed
from mlc_compiler.conventions import PROPOSALS_FOLDER
from mlc_compiler.diagnostics import Finding
from mlc_compiler.gitops.git import GitError, Repository
from mlc_compiler.gitops.proposal import Proposal, Proposed, propose, push
from mlc_compiler.records import dataclass


@dataclass(frozen=True, slots=True)
class Publishing:
    """How far a proposal goes from here: pushed or not, made anew or not, to which branch, for whom to review."""

    base: str
    reviewers: tuple[str, ...] = ()
    refresh: bool = False
    push: bool = False
    local: bool = False


def publish(repository: Repository, proposal: Proposal, how: Publishing, console: Console) -> int:
    """Make the branch, write the text, push and open the pull request as far as that goes; return the exit code."""
    try:
        made = propose(repository, proposal, how.refresh)
        if isinstance(made, Finding):
            return _refused(repository, made, console)
        _tell(proposal, made, console)
        path = f"{PROPOSALS_FOLDER}/{proposal.kind}-{proposal.environment}-{proposal.model}.md"
        replace_file(repository.root / path, proposal.body.encode())
        return _send(repository, proposal, made, how, path, console)
    except GitError as error:
        return _refused(repository, git_failed(error), console)


def _send(
    repository: Repository, proposal: Proposal, made: Proposed, how: Publishing, path: str, console: Console
) -> int:
    remote = None if how.local else repository.remote()
    forge = find_forge(remote[1], os.environ) if remote else None
    if remote is None or (forge is None and not how.push):
        _by_hand(proposal, how, path, remote[0] if remote else None, console)
        return 0
    sent = push(repository, proposal, made, remote[0])
    if isinstance(sent, Finding):
        return _refused(repository, sent, console)
    console.out(f"  {'pushed to' if sent == made else 'stands already in'} {remote[0]} as {proposal.branch}")
    if forge is None:
        console.out(f"  the pull request's text is in {path}")
        return 0
    return _open(forge, proposal, how, console)


def _open(forge: Forge, proposal: Proposal, how: Publishing, console: Console) -> int:
    request = PullRequest(proposal.branch, how.base, proposal.title, proposal.body, how.reviewers)
    try:
        url, made = open_pull_request(forge, request)
    except ForgeError as error:
        console.say(f"mlc {proposal.kind}: the branch is pushed, but no pull request could be opened: {error}")
        return 1
    console.out(f"  {'opened' if made else 'brought up to date:'} {url}")
    return 0


def _by_hand(proposal: Proposal, how: Publishing, path: str, remote: str | None, console: Console) -> None:
    branch = shlex.quote(proposal.branch)
    console.out(f"  push it: git push {remote or 'REMOTE'} {branch}")
    title = shlex.quote(proposal.title)
    console.out(f"  then: gh pr create --base {how.base} --head {branch} --title {title} --body-file {path}")
    for team in how.reviewers:
        console.out(f"  ask for review: {team}")


def _tell(proposal: Proposal, made: Proposed, console: Console) -> None:
    state = "one commit on" if made.made else "proposed already on"
    console.out(f"{proposal.title}: {state} {proposal.branch} ({made.commit[:12]})")
    if made.made:
        console.out(f"  {len(proposal.files)} files; nothing in your work tree has changed")


def _refused(repository: Repository, finding: Finding, console: Console) -> int:
    console.findings([finding], repository.root)
    return 1
