"""What git tells of pins: which version ran where since when, as the branch had it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mlc_compiler.conventions import ENVIRONMENTS_FOLDER, EVIDENCE_FOLDER, SNAPSHOTS_FOLDER, pin_path, short
from mlc_compiler.diagnostics import Sink
from mlc_compiler.gitops.git import Commit, Repository
from mlc_compiler.gitops.pins import parse_pin
from mlc_compiler.ir import Pin
from mlc_compiler.records import dataclass

NO_ENVIRONMENTS = (EVIDENCE_FOLDER, SNAPSHOTS_FOLDER, f"{ENVIRONMENTS_FOLDER}/keys")
"""Folders that lie beside those of environments."""


@dataclass(frozen=True, slots=True)
class PinChange:
    """A commit that changed a pin, and the pin as it left it: None where it removed or damaged it.

    `parent_time` is the commit time of what the branch had before; `cut` says that the history ends here because the
    clone is shallow, so that the pin may be older.
    """

    commit: Commit
    pin: Pin | None
    parent_time: int
    cut: bool

    @property
    def since(self) -> int:
        """Return when the pin was in force: no earlier than what was committed before it."""
        return max(self.commit.time, self.parent_time)


Histories = Mapping[tuple[str, str], tuple[PinChange, ...]]


def pin_history(repository: Repository, environment: str, model: str, revision: str = "HEAD") -> tuple[PinChange, ...]:
    """Return the changes of a pin on the way of first parents, newest first; what changed nothing in it is left out."""
    found = pin_histories(repository, revision, pin_path(environment, model))
    return found.get((environment, model), ())


def pin_histories(repository: Repository, revision: str = "HEAD", paths: str = f"{ENVIRONMENTS_FOLDER}/") -> Histories:
    """Return the changes of all pins by (environment, model): a handful of git's commands, however many there are."""
    logged = [(c, path, pair) for c, path in repository.log_of_files(paths, revision) if (pair := _pair(path))]
    commits = {c.id: c for c in repository.commits(list(dict.fromkeys(c for c, _, _ in logged)))}
    firsts = list(dict.fromkeys(c.parents[0] for c in commits.values() if c.parents))
    times = {p.id: p.time for p in repository.commits(firsts)}
    texts = repository.read([(c, path) for c, path, _ in logged])
    found: dict[tuple[str, str], list[PinChange]] = {}
    for (id, path, pair), text in zip(logged, texts, strict=True):
        commit = commits[id]
        pin = parse_pin(path, text, Sink()) if text is not None else None
        before = times.get(commit.parents[0], 0) if commit.parents else 0
        found.setdefault(pair, []).append(PinChange(commit, pin, before, id in repository.shallow))
    return {pair: tuple(_without_repeats(changes)) for pair, changes in sorted(found.items())}


def _pair(path: str) -> tuple[str, str] | None:
    """Return the environment and model of a pin's path; None for other files."""
    parts = path.split("/")
    is_pin = len(parts) == 3 and path.endswith(".yaml") and f"{parts[0]}/{parts[1]}" not in NO_ENVIRONMENTS
    return (parts[1], parts[2].removesuffix(".yaml")) if is_pin else None


def _without_repeats(changes: Sequence[PinChange]) -> list[PinChange]:
    """Leave out commits that only laid out the file anew: the version has run since the older one."""
    older = (*(c.pin for c in changes[1:]), None)
    return [c for c, before in zip(changes, older, strict=False) if c.pin != before]


def same_version(one: Pin | None, other: Pin | None) -> bool:
    """Tell whether two pins, of whichever environments, let the same run."""
    return one is not None and other is not None and replace(one, path="") == replace(other, path="")


def label(pin: Pin, other: Pin | None) -> str:
    """Return a pin's version in words; with its snapshot where the other one is of the same version."""
    return short(pin.version) + (f" ({short(pin.snapshot)})" if other and other.version == pin.version else "")


def change_of(history: Sequence[PinChange], pin: Pin) -> PinChange | None:
    """Return the newest change that brought this pin, be it in another environment's words."""
    return next((c for c in history if same_version(c.pin, pin)), None)


def until(history: Sequence[PinChange], change: PinChange, now: int) -> int:
    """Return when the pin of a change was replaced; now while it is in force."""
    position = list(history).index(change)
    return history[position - 1].since if position else now
