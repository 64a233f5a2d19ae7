"""The way back: which version an environment ran before, from git's history alone."""

from __future__ import annotations

from collections.abc import Sequence

from mlc_compiler import ir
from mlc_compiler.codec import text_digest
from mlc_compiler.conventions import evidence_path, pin_path, provenance_path, short, snapshot_path, summary_path
from mlc_compiler.diagnostics import Finding
from mlc_compiler.gitops.git import Repository
from mlc_compiler.gitops.history import PinChange, same_version
from mlc_compiler.gitops.pins import pin_text
from mlc_compiler.gitops.requirements import at_top
from mlc_compiler.middle.resolved import parse_snapshot

SHORTEST = 4
"""Hexadecimal digits that a version is named by, at least."""


def find_former(
    repository: Repository, history: Sequence[PinChange], environment: str, model: str, wanted: str | None
) -> PinChange | Finding:
    """Return the newest change to a version other than the one that runs; to the wanted one where that is named.

    A pin that no command can have written, of a version that never existed, is none to go back to.
    """
    running = history[0].pin if history else None
    former = [c for c in history[1:] if c.pin is not None and not same_version(c.pin, running)]
    if wanted is not None:
        digits = wanted.removeprefix("sha256:").removeprefix("v-")
        former = [c for c in former if c.pin and _names(digits, c.pin.version)]
    said = ""
    for change in former:
        damage = _damage(repository, model, change.commit.id, change.pin)
        if not damage:
            return change
        said = said or f"{environment} had a pin of {_version(change.pin)} once, but {damage}"
    if said:
        help = "name a version that was released and ran there: `mlc audit` lists them"
        return Finding("MLC945", said, at_top(pin_path(environment, model)), help=help)
    return _nothing(history, environment, model, wanted)


def _version(pin: ir.Pin | None) -> str:
    return "no version" if pin is None else short(pin.version)


def _damage(repository: Repository, model: str, commit: str, pin: ir.Pin | None) -> str:
    """Return why a pin, as a commit has it, is of no version that was released; "" where it is."""
    if pin is None:
        return "it can't be read"
    path = snapshot_path(model, pin.snapshot)
    content = repository.read([(commit, path)])[0]
    if content is None:
        return f"commit {commit[:12]} holds no {path}"
    text = content.decode("utf-8", "replace")
    if text_digest(text) != pin.snapshot:
        return f"{path} is not what was promoted: its digest differs"
    try:
        kept = parse_snapshot(text)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""  # whole, and of another mlc
    same = (kept.name, kept.version) == (model, pin.version)
    return "" if same else f"its snapshot is of {kept.name} {short(kept.version)}"


def _names(digits: str, version: str) -> bool:
    return len(digits) >= SHORTEST and version.removeprefix("sha256:").startswith(digits)


def _nothing(history: Sequence[PinChange], environment: str, model: str, wanted: str | None) -> Finding:
    at = at_top(pin_path(environment, model))
    if any(change.cut for change in history):
        said = f"what {environment} ran before can't be told: the clone is shallow"
        return Finding("MLC938", said, at, help="fetch the rest: `git fetch --unshallow`")
    versions = list(dict.fromkeys(short(c.pin.version) for c in history if c.pin))
    if wanted is not None and versions:
        said = f"{environment} never ran version {wanted} of {model}, or runs it now"
        return Finding("MLC945", said, at, help=f"name one that it ran before: {', '.join(versions[1:]) or 'none'}")
    ran = f"has only ever run {versions[0]}" if versions else "never ran any version"
    said = f"{environment} {ran} of {model}: there is nothing to go back to"
    return Finding("MLC945", said, at, help="release or promote a version that is fine")


def files(
    repository: Repository, model: str, environment: str, former: PinChange, pin: ir.Pin
) -> dict[str, str | None]:
    """Return what makes the former pin true again: itself, its signed summary, and what it names where that is lost."""
    summary = summary_path(environment, model)
    named = (
        snapshot_path(model, pin.snapshot),
        evidence_path(model, pin.version),
        provenance_path(model, pin.version),
    )
    then = [_text(t) for t in repository.read([(former.commit.id, path) for path in (summary, *named)])]
    now = [_text(t) for t in repository.read([(repository.head, path) for path in (summary, *named)])]
    found: dict[str, str | None] = {pin.path: pin_text(pin)}
    if then[0] != now[0]:
        found[summary] = then[0]
    lost = zip(named, then[1:], now[1:], strict=True)
    kept = snapshot_path(model, pin.snapshot)  # evidence may be judged anew, a snapshot is its digest
    return found | {p: text for p, text, there in lost if text and (there is None or (p == kept and there != text))}


def _text(content: bytes | None) -> str | None:
    return None if content is None else content.decode("utf-8", "replace")
