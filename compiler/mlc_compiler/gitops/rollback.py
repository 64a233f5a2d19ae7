"""The way back: which version an environment ran before, from git's history alone."""

from __future__ import annotations

from collections.abc import Sequence

from mlc_compiler import ir
from mlc_compiler.conventions import evidence_path, pin_path, provenance_path, short, snapshot_path, summary_path
from mlc_compiler.diagnostics import Finding
from mlc_compiler.gitops.git import Repository
from mlc_compiler.gitops.history import PinChange, same_version
from mlc_compiler.gitops.pins import pin_text
from mlc_compiler.gitops.requirements import at_top

SHORTEST = 4
"""Hexadecimal digits that a version is named by, at least."""


def find_former(history: Sequence[PinChange], environment: str, model: str, wanted: str | None) -> PinChange | Finding:
    """Return the newest change to a version other than the one that runs; to the wanted one where that is named."""
    running = history[0].pin if history else None
    former = [c for c in history[1:] if c.pin is not None and not same_version(c.pin, running)]
    if wanted is not None:
        digits = wanted.removeprefix("sha256:").removeprefix("v-")
        former = [c for c in former if c.pin and _names(digits, c.pin.version)]
    if former:
        return former[0]
    return _nothing(history, environment, model, wanted)


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
    """Return what makes the former pin true again: itself, its signed summary, and what it names where that is gone."""
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
    gone = zip(named, then[1:], now[1:], strict=True)
    return found | {path: text for path, text, there in gone if there is None and text is not None}


def _text(content: bytes | None) -> str | None:
    return None if content is None else content.decode("utf-8", "replace")
