"""The promotions that one command asks for, one after the other: each stands or falls alone."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence

from mlc_compiler import ir
from mlc_compiler.backend.changes import Change
from mlc_compiler.cli.console import Console
from mlc_compiler.cli.git_state import now, repository
from mlc_compiler.cli.project import Workspace
from mlc_compiler.cli.promotion import Asked, check, check_tree, committed, files, pinned_so
from mlc_compiler.cli.proposed_plan import Move, proposed_plan
from mlc_compiler.cli.proposing import Publishing, publish
from mlc_compiler.cli.release_command import write_files
from mlc_compiler.cli.rendering import Files, rendered, texts
from mlc_compiler.conventions import evidence_path
from mlc_compiler.diagnostics import Finding, Sink
from mlc_compiler.gitops.body import Account, Evidence, body
from mlc_compiler.gitops.history import label
from mlc_compiler.gitops.promotion import held, still_to_hold
from mlc_compiler.gitops.proposal import Proposal
from mlc_compiler.gitops.requirements import Candidate


def promote(
    opened: Workspace,
    release: ir.Release,
    models: Sequence[str],
    options: argparse.Namespace,
    key: str | None,
    console: Console,
) -> int:
    """Promote each of the models, or say why not; return the exit code."""
    found, sink = repository(opened.root), Sink()
    git = None if isinstance(found, Finding) else found
    if git is not None and not options.no_commit:
        sink.extend(check_tree(opened, git))
    code = 0
    for model in models:
        asked = Asked(opened, release, model, git, now(), committed=not sink.failed())
        said = Sink()
        said.extend(sink)
        candidate = check(asked, key, said)
        if isinstance(found, Finding) and not options.no_commit and not said.failed():
            said.add(found)
        failed = console.findings(said, opened.root)
        if candidate is None or failed:
            code = 1
        elif pinned_so(asked, candidate):
            console.out(f"{candidate.title} is pinned in {asked.to.name} already")
        else:
            code = max(code, _make(asked, candidate, options, key, console))
    return code


def _make(asked: Asked, candidate: Candidate, options: argparse.Namespace, key: str | None, console: Console) -> int:
    pin, made = files(asked, candidate, key)
    if options.no_commit:
        said = f"{candidate.title} is pinned in {asked.to.name}"
        kept = {path: text for path, text in made.items() if text is not None}
        for wanted in still_to_hold(asked.to):
            console.say(f"  to hold before it is merged: {wanted}")
        return write_files(asked.opened.root, kept, said, console)
    sink = Sink()
    snapshot = asked.opened.inputs.pins.snapshots[pin.snapshot]
    written = rendered(asked.opened, pin, asked.to.name, asked.model, snapshot, sink)
    if console.findings(_errors(sink), asked.opened.root) or written is None or asked.repository is None:
        return 1
    proposal = _proposal(asked, candidate, pin, {**made, **texts(written)}, _plan(asked, snapshot, written))
    if options.dry_run:
        console.out(proposal.body)
        return 0
    how = Publishing(
        base=asked.opened.releases.project.default_branch,
        reviewers=tuple(a.team for a in asked.to.approvals),
        refresh=options.refresh,
        push=options.push,
        local=options.no_push,
    )
    return publish(asked.repository, proposal, how, console)


def _errors(sink: Sink) -> list[Finding]:
    """Return the findings if one of them stops the command: warnings were shown when the project was opened."""
    return list(sink) if sink.failed() else []


def _plan(asked: Asked, snapshot: str, written: tuple[Change, ...]) -> Callable[[int], str]:
    running = asked.pin(asked.to.name)
    before = asked.opened.inputs.pins.snapshots[running.snapshot] if running else None
    return proposed_plan(Move(asked.model, asked.to.name, before, snapshot, written, asked.opened.root, asked.opened))


def _proposal(asked: Asked, candidate: Candidate, pin: ir.Pin, changed: Files, plan: Callable[[int], str]) -> Proposal:
    before = asked.pin(asked.to.name)
    title = f"Promote {asked.model} {label(pin, before)} to {asked.to.name}"
    replaced = f"It replaces {label(before, pin)}." if before else "Nothing ran there before."
    reason = f"From {asked.to.promoted_from}. {replaced}\nEvidence: {candidate.evidence_path}"
    read = committed(asked)
    account = Account(
        asked.model,
        asked.to.name,
        pin,
        before,
        read_evidence(candidate.evidence),
        read_evidence(read(evidence_path(asked.model, before.version))) if before else None,
        plan,
        held(asked.to, candidate.provenance is not None and bool(candidate.keys)),
        still_to_hold(asked.to),
    )
    return Proposal("promote", asked.to.name, asked.model, pin, changed, title, reason, body(title, account))


def read_evidence(text: str | None) -> Evidence | None:
    """Return what evidence says; what a former version left behind may be damaged, which stops nothing."""
    try:
        value = json.loads(text) if text else None
        whole = isinstance(value, dict) and {"verdicts", "metrics", "inputs", "test_snapshot"} <= value.keys()
    except (ValueError, RecursionError):
        return None
    return value if whole else None
