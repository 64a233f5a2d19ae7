"""What changes mean, as data: classes with their reasons for models that change alike, and the risks among them."""

from __future__ import annotations

from itertools import chain

from mlc_compiler.plan.impact import IMPACTS, Edit, Impact, ranked
from mlc_compiler.plan.risk import Risk
from mlc_compiler.records import dataclass

Drag = tuple[str, tuple[str, ...]]
"""A kind of thing, and the names of those that a change drags along."""


@dataclass(frozen=True, slots=True)
class Change:
    """What differs for some models alike. `models` is empty for what concerns none; `environments`, for all of them.

    `versions` are those before and after, where they are one model's; the places of the edits are the first one's.
    """

    models: tuple[str, ...]
    environments: tuple[str, ...]
    edits: tuple[Edit, ...]
    versions: tuple[str, str] | None = None
    drags: tuple[Drag, ...] = ()

    @property
    def impacts(self) -> tuple[Impact, ...]:
        return ranked(chain.from_iterable(edit.impacts for edit in self.edits))


@dataclass(frozen=True, slots=True)
class Hazard:
    """A risk with the models that share it."""

    risk: Risk
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Meaning:
    """All changes, highest class first, and all risks, gravest first."""

    changes: tuple[Change, ...] = ()
    risks: tuple[Hazard, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.changes)

    def models(self, impact: Impact) -> tuple[str, ...]:
        """Return the models whose highest class this is, sorted."""
        highest: dict[str, Impact] = {}
        for change in self.changes:
            for name in change.models:
                known = highest.get(name)
                if known is None or IMPACTS.index(change.impacts[0]) < IMPACTS.index(known):
                    highest[name] = change.impacts[0]
        return tuple(sorted(name for name, found in highest.items() if found == impact))
