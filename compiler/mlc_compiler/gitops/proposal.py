"""A change of one pin as a branch with one commit: made once however often it is asked for, and by one of two at once.

The branch carries environment and model in its name, so that git itself lets only one proposal be open for a pin.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from mlc_compiler.conventions import pin_path, short
from mlc_compiler.diagnostics import Finding, Sink
from mlc_compiler.gitops.git import GitError, Repository
from mlc_compiler.gitops.pins import parse_pin
from mlc_compiler.gitops.requirements import at_top
from mlc_compiler.ir import Pin
from mlc_compiler.records import dataclass

Kind = Literal["promote", "rollback"]
PROPOSAL, VERSION = "Mlc-Proposal", "Mlc-Version"
"""Commit trailers that tell what a commit of mlc's does."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is proposed: the pin, all files with it (None removes one), and the words of commit and pull request."""

    kind: Kind
    environment: str
    model: str
    pin: Pin
    files: Mapping[str, str | None]
    title: str
    reason: str
    body: str

    @property
    def branch(self) -> str:
        return branch_of(self.kind, self.environment, self.model)

    @property
    def message(self) -> str:
        what = f"{PROPOSAL}: {self.kind} {self.environment}/{self.model}"
        return f"{self.title}\n\n{self.reason}\n\n{what}\n{VERSION}: {self.pin.version}\n"


@dataclass(frozen=True, slots=True)
class Proposed:
    """The commit that the branch names, and whether this run made it."""

    commit: str
    made: bool


def branch_of(kind: Kind, environment: str, model: str) -> str:
    """Return the branch of the one proposal that may be open for a pin."""
    return f"mlc/{kind}/{environment}/{model}"


def propose(repository: Repository, proposal: Proposal, refresh: bool = False) -> Proposed | Finding:
    """Let the branch hold the proposal on top of HEAD, or say why it does not. Raises GitError."""
    tip = repository.commit(f"refs/heads/{proposal.branch}")
    if tip is not None:
        standing = _standing(repository, proposal, tip)
        if isinstance(standing, Finding) or (standing == "same" and not refresh):
            return standing if isinstance(standing, Finding) else Proposed(tip, made=False)
    new = repository.make_commit(repository.head, proposal.files, proposal.message)
    if repository.move_branch(proposal.branch, new, tip):
        return Proposed(new, made=True)
    winner = repository.commit(f"refs/heads/{proposal.branch}")
    found = None if winner is None else _standing(repository, proposal, winner)
    if winner is not None and found == "same":
        return Proposed(winner, made=False)
    return found if isinstance(found, Finding) else _overtaken(proposal)


def push(repository: Repository, proposal: Proposal, made: Proposed, remote: str) -> Proposed | Finding:
    """Let the remote's branch hold the proposal too; one that stands there already is taken over. Raises GitError."""
    ref = f"refs/heads/{proposal.branch}"
    there = repository.text("ls-remote", remote, ref).partition("\t")[0] or None
    if there == made.commit:
        return made
    if there is not None:
        repository.run("fetch", "--quiet", "--no-tags", remote, ref)
        standing = _standing(repository, proposal, there)
        if isinstance(standing, Finding):
            return standing
        if standing == "same" and not _follows(repository, made.commit, there):
            repository.move_branch(proposal.branch, there, made.commit)
            return Proposed(there, made=False)
    try:
        lease = f"--force-with-lease={ref}:{there or ''}"
        repository.run("push", "--quiet", lease, remote, f"{made.commit}:{ref}")
    except GitError:
        now = repository.text("ls-remote", remote, ref).partition("\t")[0] or None
        if now == there:
            raise  # nobody was faster: the remote refuses
        return _overtaken(proposal)
    return made


def _follows(repository: Repository, commit: str, older: str) -> bool:
    """Tell whether a commit was made anew on top of what the other was made on: it takes its place."""
    bases = [c.parents[0] for c in repository.commits([commit, older]) if c.parents]
    return len(bases) == 2 and bases[0] != bases[1] and repository.is_ancestor(bases[1], bases[0])


def _standing(repository: Repository, proposal: Proposal, tip: str) -> Literal["same", "done"] | Finding:
    """Return whether a branch holds this very proposal, one that has been merged, or what else stands there."""
    path = pin_path(proposal.environment, proposal.model)
    there, here = repository.read([(tip, path), (repository.head, path)])
    pin = None if there is None else parse_pin(path, there, Sink())
    if pin == proposal.pin:
        return "same"
    if there == here or repository.is_ancestor(tip, repository.head):
        return "done"
    named = "no version" if pin is None else f"version {short(pin.version)}"
    said = f"another proposal for {proposal.model} in {proposal.environment} is open, of {named}"
    help = f"merge or close it, then delete its branch: `git branch -D {proposal.branch}`"
    note = f"branch {proposal.branch} at {tip[:12]}"
    return Finding("MLC947", said, at_top(path), note=note, help=help)


def _overtaken(proposal: Proposal) -> Finding:
    said = f"another run moved branch {proposal.branch} at the same time"
    return Finding("MLC947", said, at_top(proposal.pin.path), help="look at its pull request, then run this again")
