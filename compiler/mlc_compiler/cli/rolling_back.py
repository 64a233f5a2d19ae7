"""One rollback from history to proposal."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from mlc_compiler import ir
from mlc_compiler.backend.changes import Change
from mlc_compiler.cli.console import Console
from mlc_compiler.cli.project import Workspace
from mlc_compiler.cli.promoting import read_evidence
from mlc_compiler.cli.proposed_plan import Move, proposed_plan
from mlc_compiler.cli.proposing import Publishing, publish
from mlc_compiler.cli.rendering import opened_quietly, rendered, texts, unbuilt
from mlc_compiler.cli.salvage import Salvaged, rendered_from_snapshots, salvage
from mlc_compiler.conventions import (
    DEPLOY_FOLDER,
    ENVIRONMENTS_FOLDER,
    LOCK_FILE,
    PROJECT_FILE,
    counted,
    pin_path,
    snapshot_path,
)
from mlc_compiler.diagnostics import Finding, Severity, Sink
from mlc_compiler.gitops.body import Account, body
from mlc_compiler.gitops.git import Repository
from mlc_compiler.gitops.history import PinChange, label, pin_history
from mlc_compiler.gitops.integrity import Committed
from mlc_compiler.gitops.proposal import Proposal
from mlc_compiler.gitops.requirements import at_top, moment
from mlc_compiler.gitops.rollback import files, find_former
from mlc_compiler.gitops.worktree import check_branch, check_committed, check_paths
from mlc_compiler.records import dataclass


@dataclass(frozen=True, slots=True)
class _Asked:
    """A rollback that is asked for: where, with which flags, and the project as far as it can be read.

    `specs` is the compiled project, None where it has errors.
    """

    git: Repository
    salvaged: Salvaged
    options: argparse.Namespace
    specs: Workspace | None

    @property
    def where(self) -> tuple[str, str]:
        return self.options.environment, self.options.model


def roll_back(root: Path, git: Repository, options: argparse.Namespace, console: Console) -> int:
    """Propose the former pin with the manifests that its snapshot makes; return the exit code."""
    salvaged, sink = salvage(root), Sink()
    base = salvaged.project.spec.ci.default_branch if salvaged.project else "main"
    sources = {d.place.file for d in salvaged.environments.values()}
    watched = (PROJECT_FILE, LOCK_FILE, ENVIRONMENTS_FOLDER, f"{DEPLOY_FOLDER}/{options.environment}", *sorted(sources))
    sink.extend(check_paths(git, watched))
    sink.extend(check_branch(git, base))
    history = pin_history(git, options.environment, options.model)
    former = find_former(git, history, options.environment, options.model, options.version)
    if isinstance(former, Finding):
        sink.add(former)
    if console.findings(sink, root) or isinstance(former, Finding) or former.pin is None:
        return 1
    pin = replace(former.pin, path=pin_path(options.environment, options.model))
    asked = _Asked(git, salvaged, options, opened_quietly(root))
    changes = _changes(asked, former, pin, console)
    if changes is None:
        return 1
    proposal = _proposal(asked, history[0].pin, former, pin, changes)
    if options.dry_run:
        console.out(proposal.body)
        return 0
    how = Publishing(base, (), options.refresh, options.push, options.no_push)
    return publish(git, proposal, how, console)


def _snapshot(asked: _Asked, former: PinChange, pin: ir.Pin) -> str:
    return Committed(asked.git, former.commit.id, ()).read(snapshot_path(asked.options.model, pin.snapshot)) or ""


def _changes(asked: _Asked, former: PinChange, pin: ir.Pin, console: Console) -> tuple[Change, ...] | None:
    """Return how generated files change; none where the manifests can't be rendered."""
    sink, salvaged, (environment, model) = Sink(), asked.salvaged, asked.where
    snapshot = _snapshot(asked, former, pin)
    manifests = rendered_from_snapshots(salvaged, environment, pin, model, snapshot, sink)
    if sink.failed() and salvaged.project is not None and environment in salvaged.environments:
        console.findings(sink, salvaged.root)
        return None
    if manifests is None:
        what = "mlc.yaml or the environment's spec is damaged"
        console.findings([_not_rendered(what, environment)], salvaged.root)
        return ()
    others = _of_the_project(asked, pin, snapshot)
    if others is None:
        console.say("mlc rollback: the specs do not compile, or are not built and committed, so that files of no")
        console.say("  environment, such as the model's card, may differ: `mlc build` writes them once they are")
    return (*(others or ()), *manifests)


def _of_the_project(asked: _Asked, pin: ir.Pin, snapshot: str) -> tuple[Change, ...] | None:
    """Return how generated files outside of the environment change; None where the specs don't tell."""
    opened, sink, (environment, model) = asked.specs, Sink(), asked.where
    if opened is None or model not in opened.compilation.models:
        return None
    code = [pattern for m in opened.project.models for pattern in m.document.spec.code]
    if any(check_committed(asked.git, opened.releases.project, code)) or any(unbuilt(opened)):
        return None
    found = rendered(opened, pin, environment, model, snapshot, sink)
    return None if found is None else tuple(c for c in found if not c.path.startswith(f"{DEPLOY_FOLDER}/"))


def _not_rendered(what: str, environment: str) -> Finding:
    said = f"{what}: the pin goes back, but the manifests of {environment} are not rendered"
    help = "mend it, then run `mlc build` on the branch and commit what it writes"
    return Finding("MLC945", said, at_top(PROJECT_FILE), help=help, severity=Severity.WARNING)


def _proposal(
    asked: _Asked, running: ir.Pin | None, former: PinChange, pin: ir.Pin, changes: tuple[Change, ...]
) -> Proposal:
    git, options, (environment, model) = asked.git, asked.options, asked.where
    title = f"Roll {model} in {environment} back to {label(pin, running)}"
    replaced = f"It replaces {label(running, pin)}. " if running else ""
    then = f"{replaced}It ran there from {moment(former.since)} on, by commit {former.commit.id[:12]}."
    reason = f"{options.reason}\n\n{then}" if options.reason else then
    held = Committed(git, git.head, ())
    document = asked.salvaged.environments.get(environment)
    approvals = document.spec.requires.approvals if document else []
    before = held.read(snapshot_path(model, running.snapshot)) if running else None
    after = _snapshot(asked, former, pin)
    account = Account(
        model,
        environment,
        pin,
        running,
        read_evidence(Committed(git, former.commit.id, ()).evidence(model, pin)),
        read_evidence(held.evidence(model, running)) if running else None,
        proposed_plan(Move(model, environment, before, after, changes, git.root, asked.specs)),
        (f"{environment} ran this version before: {then}", *((f"reason: {options.reason}",) if options.reason else ())),
        tuple(f"{counted(a.count, 'approval')} of {a.team}" for a in approvals),
    )
    changed = {**files(git, model, environment, former, pin), **texts(changes)}
    return Proposal("rollback", environment, model, pin, changed, title, reason, body(title, account))
