"""One rollback from history to proposal."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from mlc_compiler import ir
from mlc_compiler.cli.console import Console
from mlc_compiler.cli.promoting import read_evidence, sides
from mlc_compiler.cli.proposing import Publishing, publish
from mlc_compiler.cli.rendering import Files, opened_quietly, rendered, unbuilt
from mlc_compiler.cli.salvage import Salvaged, rendered_from_snapshots, salvage
from mlc_compiler.conventions import (
    DEPLOY_FOLDER,
    ENVIRONMENTS_FOLDER,
    LOCK_FILE,
    PROJECT_FILE,
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


def roll_back(root: Path, git: Repository, options: argparse.Namespace, console: Console) -> int:
    """Propose the former pin with the manifests that its snapshot makes; return the exit code."""
    salvaged, sink = salvage(root), Sink()
    base = salvaged.project.spec.ci.default_branch if salvaged.project else "main"
    sources = {d.place.file for d in salvaged.environments.values()}
    watched = (PROJECT_FILE, LOCK_FILE, ENVIRONMENTS_FOLDER, f"{DEPLOY_FOLDER}/{options.environment}", *sorted(sources))
    sink.extend(check_paths(git, watched))
    sink.extend(check_branch(git, base))
    history = pin_history(git, options.environment, options.model)
    former = find_former(history, options.environment, options.model, options.version)
    if isinstance(former, Finding):
        sink.add(former)
    if console.findings(sink, root) or isinstance(former, Finding) or former.pin is None:
        return 1
    pin = replace(former.pin, path=pin_path(options.environment, options.model))
    changed = _changed(git, salvaged, former, pin, options, console)
    if changed is None:
        return 1
    proposal = _proposal(git, salvaged, history, former, pin, changed, options)
    if options.dry_run:
        console.out(proposal.body)
        return 0
    how = Publishing(base, (), options.refresh, options.push, options.no_push)
    return publish(git, proposal, how, console)


def _changed(
    git: Repository, salvaged: Salvaged, former: PinChange, pin: ir.Pin, options: argparse.Namespace, console: Console
) -> Files | None:
    """Return the files that change; the manifests as they were then, where they can't be rendered."""
    sink = Sink()
    made = files(git, options.model, options.environment, former, pin)
    held = Committed(git, former.commit.id, ())
    snapshot = held.read(snapshot_path(options.model, pin.snapshot)) or ""
    manifests = rendered_from_snapshots(salvaged, options.environment, pin, options.model, snapshot, sink)
    if sink.failed() and salvaged.project is not None and options.environment in salvaged.environments:
        console.findings(sink, salvaged.root)
        return None
    if manifests is None:
        what = "mlc.yaml or the environment's spec is damaged"
        console.findings([_not_rendered(what, options.environment)], salvaged.root)
        return made
    others = _of_the_project(git, pin, options, snapshot)
    if others is None:
        console.say("mlc rollback: the specs do not compile, or are not built and committed, so that files of no")
        console.say("  environment, such as the model's card, may differ: `mlc build` writes them once they are")
    return {**made, **(others or {}), **manifests}


def _of_the_project(git: Repository, pin: ir.Pin, options: argparse.Namespace, snapshot: str) -> Files | None:
    """Return the generated files outside of the environment that change; None where the specs don't tell."""
    opened, sink = opened_quietly(git.root), Sink()
    if opened is None or options.model not in opened.compilation.models:
        return None
    code = [pattern for m in opened.project.models for pattern in m.document.spec.code]
    if any(check_committed(git, opened.releases.project, code)) or any(unbuilt(opened)):
        return None
    found = rendered(opened, pin, options.environment, options.model, snapshot, sink)
    return None if found is None else {p: t for p, t in found.items() if not p.startswith(f"{DEPLOY_FOLDER}/")}


def _not_rendered(what: str, environment: str) -> Finding:
    said = f"{what}: the pin goes back, but the manifests of {environment} are not rendered"
    help = "mend it, then run `mlc build` on the branch and commit what it writes"
    return Finding("MLC945", said, at_top(PROJECT_FILE), help=help, severity=Severity.WARNING)


def _proposal(  # noqa: PLR0913, PLR0917  what a rollback consists of
    git: Repository,
    salvaged: Salvaged,
    history: tuple[PinChange, ...],
    former: PinChange,
    pin: ir.Pin,
    changed: Files,
    options: argparse.Namespace,
) -> Proposal:
    model, environment, running = options.model, options.environment, history[0].pin
    title = f"Roll {model} in {environment} back to {label(pin, running)}"
    replaced = f"It replaces {label(running, pin)}. " if running else ""
    then = f"{replaced}It ran there from {moment(former.since)} on, by commit {former.commit.id[:12]}."
    reason = f"{options.reason}\n\n{then}" if options.reason else then
    held = Committed(git, git.head, ())
    document = salvaged.environments.get(environment)
    approvals = document.spec.requires.approvals if document else []
    account = Account(
        model,
        environment,
        pin,
        running,
        read_evidence(Committed(git, former.commit.id, ()).evidence(model, pin)),
        read_evidence(held.evidence(model, running)) if running else None,
        sides(git, changed),
        (f"{environment} ran this version before: {then}", *((f"reason: {options.reason}",) if options.reason else ())),
        tuple(f"{a.count} approval{'' if a.count == 1 else 's'} of {a.team}" for a in approvals),
    )
    return Proposal("rollback", environment, model, pin, changed, title, reason, body(title, account))
