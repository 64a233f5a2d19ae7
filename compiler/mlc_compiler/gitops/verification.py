"""Every pin that changed between two commits, recomputed: what no command would have written is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from mlc_compiler import codec, ir
from mlc_compiler.conventions import (
    ENVIRONMENTS_FOLDER,
    EVIDENCE_FOLDER,
    SNAPSHOTS_FOLDER,
    pin_path,
    rollout_path,
    short,
)
from mlc_compiler.diagnostics import Finding, Place, Sink
from mlc_compiler.gitops.history import change_of, pin_history, same_version
from mlc_compiler.gitops.integrity import Committed, candidate, check_pin
from mlc_compiler.gitops.pins import parse_pin, pin_text
from mlc_compiler.gitops.promotion import check_promotion
from mlc_compiler.gitops.requirements import at_top
from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.records import dataclass

UNDO = "undo the change, and let `mlc release`, `mlc promote` or `mlc rollback` make it"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared: two revisions, the environments as the newer one has them, and the clock.

    `model` reads the snapshot of a pin; `place` finds where an environment is declared.
    """

    before: Committed
    after: Committed
    environments: Mapping[str, ir.Environment]
    models: frozenset[str]
    model: Callable[[str, ir.Pin], ResolvedModel | None]
    place: Callable[[str], Place]
    now: int

    @property
    def last(self) -> str:
        """Return the environment whose version is the champion."""
        return list(self.environments)[-1]


@dataclass(frozen=True, slots=True)
class Changed:
    """One pin that differs: its environment and model, and the pins before and after."""

    environment: str
    model: str
    path: str
    before: ir.Pin | None
    after: ir.Pin | None


def verify_changes(comparison: Comparison) -> Iterator[Finding]:
    """Yield everything about the changed pins, evidence and snapshots that no command would have written."""
    after = comparison.after
    paths = after.repository.changed(comparison.before.revision, after.revision, (ENVIRONMENTS_FOLDER,))
    changes = [*changed_pins(comparison, paths)]
    for change in changes:
        yield from _judge(comparison, change)
    yield from _kept_files(comparison, paths, changes)


def changed_pins(comparison: Comparison, paths: Sequence[str]) -> Iterator[Changed]:
    """Yield the pins among some changed paths."""
    for path in paths:
        parts = path.split("/")
        if len(parts) == 3 and path.endswith(".yaml") and f"{parts[0]}/{parts[1]}" not in _KEPT:
            pins = (_pin(held, path) for held in (comparison.before, comparison.after))
            yield Changed(parts[1], parts[2].removesuffix(".yaml"), path, *pins)


_KEPT = (EVIDENCE_FOLDER, SNAPSHOTS_FOLDER)


def _pin(held: Committed, path: str) -> ir.Pin | None:
    text = held.read(path)
    return None if text is None else parse_pin(path, text.encode(), Sink())


def _judge(comparison: Comparison, change: Changed) -> Iterator[Finding]:
    text = comparison.after.read(change.path)
    environment = comparison.environments.get(change.environment)
    known = environment is not None and change.model in comparison.models
    if text is None:
        if known:
            yield _refused(change, f"the pin of {change.model} in {change.environment} is gone, and its model is not")
        return
    if environment is None or not known:
        yield _refused(change, f"there is no model {change.model} in an environment {change.environment}")
        return
    if change.after is None or pin_text(change.after) != text:
        yield _refused(change, f"{change.path} is not as a command writes it")
        return
    if same_version(change.before, change.after):
        return
    model = comparison.model(change.model, change.after)
    if model is None:
        yield _refused(change, f"the snapshot of {change.model} {short(change.after.version)} is missing or damaged")
        return
    yield from check_pin(comparison.after, environment, change.after, model, comparison.place(environment.name))
    yield from _way(comparison, change, environment, change.after, model)


def _way(
    comparison: Comparison, change: Changed, environment: ir.Environment, pin: ir.Pin, model: ResolvedModel
) -> Iterator[Finding]:
    """Yield why a version came neither from the environment before, nor back, nor by a release of its own."""
    before = comparison.before
    if change_of(pin_history(before.repository, environment.name, change.model, before.revision), pin):
        return  # it ran here: a rollback
    if environment.promoted_from is None:
        return  # a release: its evidence has been judged
    after = comparison.after
    history = pin_history(after.repository, environment.promoted_from, change.model, after.revision)
    source = change_of(history, pin)
    if source is None or source.pin is None:
        said = f"{change.model} {short(pin.version)} never ran in {environment.promoted_from} as it is pinned here"
        yield _refused(change, said)
        return
    asked = replace(
        candidate(after, environment, source.pin, model, comparison.place(environment.name)),
        champion=_pin(before, f"{ENVIRONMENTS_FOLDER}/{comparison.last}/{change.model}.yaml"),
        rollouts=_versions(after, rollout_path(environment.promoted_from, change.model)),
    )
    yield from check_promotion(asked, history, comparison.now)


def _versions(held: Committed, path: str) -> tuple[str, ...]:
    """Return what a file holds and held, newest first."""
    commits = held.repository.log((path,), held.revision)
    texts = held.repository.read([(commit, path) for commit in commits])
    return tuple(t.decode("utf-8", "replace") for t in texts if t is not None)


def _kept_files(comparison: Comparison, paths: Sequence[str], changes: Sequence[Changed]) -> Iterator[Finding]:
    """Yield evidence and snapshots that are not what a pin names, or that changed though no changed pin asks for it."""
    asked = {short(d) for c in changes if c.after for d in (c.after.version, c.after.snapshot)}
    for path in (p for p in paths if p.startswith(tuple(f"{folder}/" for folder in _KEPT))):
        name, _, kind = path.rpartition("/")[2].partition(".")
        text = comparison.after.read(path)
        if kind == "json" and text is not None and codec.text_digest(text) not in _named(comparison, path):
            said = f"{path} is not what any pin names: it was changed after its release"
            yield Finding("MLC940", said, at_top(path), help="undo the change: what was released is never rewritten")
        elif comparison.before.read(path) is not None and name not in asked:
            said = f"{path} was {'changed' if text is not None else 'removed'}, and no changed pin names it"
            yield Finding("MLC944", said, at_top(path), help="undo the change: what was released is never rewritten")


def _named(comparison: Comparison, path: str) -> set[str | None]:
    """Return the digests that the pins of the model have for its evidence and snapshots."""
    model = path.split("/")[2]
    pins = (_pin(comparison.after, pin_path(environment, model)) for environment in comparison.environments)
    return {digest for pin in pins if pin for digest in (pin.evidence, pin.snapshot)}


def _refused(change: Changed, said: str) -> Finding:
    return Finding("MLC944", said, at_top(change.path), help=UNDO)
