"""One promotion from question to proposal: what is committed about the version, what must hold, what would change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from mlc_compiler import __version__, ir
from mlc_compiler.cli.git_state import repository as find_repository
from mlc_compiler.cli.git_state import trusted_keys
from mlc_compiler.cli.project import Workspace
from mlc_compiler.cli.rendering import unbuilt
from mlc_compiler.conventions import evidence_path, provenance_path, rollout_path, summary_path
from mlc_compiler.diagnostics import Finding, Place, Severity, Sink
from mlc_compiler.gitops.git import Repository
from mlc_compiler.gitops.history import PinChange, pin_history
from mlc_compiler.gitops.promotion import check_interface, check_promotion, check_way, make_promotion
from mlc_compiler.gitops.requirements import Candidate, moment
from mlc_compiler.gitops.signing import Statement, sign
from mlc_compiler.gitops.statements import Verifier, verification_summary
from mlc_compiler.gitops.worktree import check_branch, check_committed
from mlc_compiler.middle.resolved import parse_snapshot
from mlc_compiler.records import dataclass

Read = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Asked:
    """A promotion that is asked for: the project, where to, which model, and where git stands (None: no git).

    `committed` says that the files on disk are those of HEAD; where they are not, that has been found.
    """

    opened: Workspace
    release: ir.Release
    model: str
    repository: Repository | None
    now: int
    committed: bool = True

    @property
    def to(self) -> ir.Environment:
        return self.release.environment

    @property
    def at(self) -> Place:
        return self.opened.project.place(ir.Origin(f"Environment/{self.to.name}", "metadata.name"))

    def pin(self, environment: str | None) -> ir.Pin | None:
        return self.opened.inputs.pins.pins.get((environment or "", self.model))


def check(asked: Asked, key: str | None, sink: Sink) -> Candidate | None:
    """Return the candidate with all that speaks against it in the sink; None where there is none."""
    before = asked.pin(asked.to.promoted_from)
    sink.extend(check_way(asked.to, asked.model, before, asked.at))
    if asked.to.promoted_from is None or before is None:
        return None
    candidate = _candidate(asked, before, sink)
    history = _history(asked)
    sink.extend(check_promotion(candidate, history, asked.now))
    if asked.to.signed and key is None:
        said = f"{asked.to.name} requires signed promotions, and there is no key here to sign with"
        sink.error("MLC941", asked.at, said, help="let the promote workflow do it, or name the key: --key FILE")
    if asked.repository is None and asked.to.soak > 0:
        sink.extend(f for f in (find_repository(asked.opened.root),) if isinstance(f, Finding))
    check_interface(asked.opened.project, asked.release, candidate.model, sink)
    return candidate


def _history(asked: Asked) -> tuple[PinChange, ...] | None:
    if asked.repository is None or asked.to.soak <= 0:
        return None
    return pin_history(asked.repository, asked.to.promoted_from or "", asked.model)


def _candidate(asked: Asked, pin: ir.Pin, sink: Sink) -> Candidate:
    read = committed(asked)
    last = asked.opened.releases.releases[-1].environment.name
    rollout = read(rollout_path(asked.to.promoted_from or "", asked.model))
    return Candidate(
        to=asked.to,
        pin=pin,
        model=parse_snapshot(asked.opened.inputs.pins.snapshots[pin.snapshot]),
        champion=asked.pin(last),
        evidence=read(evidence_path(asked.model, pin.version)),
        provenance=read(provenance_path(asked.model, pin.version)),
        rollouts=() if rollout is None else (rollout,),
        keys=trusted_keys(asked.opened, sink),
        at=asked.at,
    )


def committed(asked: Asked) -> Read:
    """Return what reads files as HEAD has them; from the disk where there is no git, or HEAD has other ones."""
    repository, root = asked.repository if asked.committed else None, asked.opened.root

    def read(path: str) -> str | None:
        if repository is None:
            return _on_disk(root / path)
        content = repository.read([(repository.head, path)])[0]
        return None if content is None else content.decode("utf-8", "replace")

    return read


def _on_disk(path: Path) -> str | None:
    return path.read_bytes().decode("utf-8", "replace") if path.is_file() else None


def check_tree(opened: Workspace, repository: Repository) -> Iterator[Finding]:
    """Yield why no branch can be made on top of HEAD."""
    code = [pattern for m in opened.project.models for pattern in m.document.spec.code]
    found = [*check_committed(repository, opened.releases.project, code)]
    found += check_branch(repository, opened.releases.project.default_branch)
    yield from found
    if not any(f.severity is Severity.ERROR for f in found):
        yield from unbuilt(opened)


def files(asked: Asked, candidate: Candidate, key: str | None) -> tuple[ir.Pin, dict[str, str | None]]:
    """Return the pin that the promotion writes, and the files that it consists of: the pin, the signed summary."""
    made = make_promotion(asked.to, asked.model, candidate.pin)
    found: dict[str, str | None] = dict(made.files)
    path = summary_path(asked.to.name, asked.model)
    if key is not None:
        found[path] = sign(_summary(asked, candidate, made.pin), key)
    elif committed(asked)(path) is not None:
        found[path] = None  # it speaks of the version before
    return made.pin, found


def _summary(asked: Asked, candidate: Candidate, pin: ir.Pin) -> Statement:
    by = Verifier(asked.opened.releases.project.name, moment(asked.now), __version__)
    attested = {} if candidate.provenance is None else {provenance_path(asked.model, pin.version): candidate.provenance}
    if asked.to.soak > 0:
        attested |= {rollout_path(asked.to.promoted_from or "", asked.model): text for text in candidate.rollouts}
    return verification_summary(by, asked.to, asked.model, pin, attested)


def pinned_so(asked: Asked, candidate: Candidate) -> bool:
    """Tell whether the environment runs the candidate already."""
    running = asked.pin(asked.to.name)
    return running is not None and replace(running, path="") == replace(candidate.pin, path="")
