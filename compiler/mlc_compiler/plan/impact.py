"""What a change of the specs means: six classes, from training anew down to words that nothing running reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal, get_args

from mlc_compiler.records import dataclass

Impact = Literal["retrain", "re-evaluate", "redeploy", "rollout", "monitor", "docs"]
IMPACTS: tuple[Impact, ...] = get_args(Impact)
"""Highest first."""
MEANING: Mapping[Impact, str] = {
    "retrain": "another version: something that the model is trained from has changed",
    "re-evaluate": "the same version, judged by other gates or on other checks of the data",
    "redeploy": "the same version, run in another way: serving, resources, images, objects of the cluster",
    "rollout": "how a version reaches and takes over an environment",
    "monitor": "what is watched, and who is told",
    "docs": "words, owners and workflows: nothing that runs changes",
}
ABSENT = "(none)"


@dataclass(frozen=True, slots=True)
class Edit:
    """One field of the specs, the lock or a pin that differs, with its values as short texts.

    `document` is Kind/name or a file; `field` its dotted path, such as spec.split.gap. `also` are lower classes that
    hold as well. `at` is file:line once located.
    """

    impact: Impact
    document: str
    field: str
    before: str
    after: str
    also: tuple[Impact, ...] = ()
    at: str = ""

    @property
    def kind(self) -> str:
        """The kind of the document; what stands before the first slash of a file."""
        return self.document.partition("/")[0]

    @property
    def impacts(self) -> tuple[Impact, ...]:
        """All classes that hold, the highest first."""
        return (self.impact, *self.also)


def ranked(impacts: Iterable[Impact]) -> tuple[Impact, ...]:
    """Return the classes once each, the highest first.

    >>> ranked(["docs", "retrain", "docs"])
    ('retrain', 'docs')
    """
    found = set(impacts)
    return tuple(impact for impact in IMPACTS if impact in found)


def by_rank(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """Return the edits, each field once with all its classes, sorted by class, document and field."""
    found: dict[tuple[str, str], Edit] = {}
    for edit in edits:
        key = edit.document, edit.field
        highest, *also = ranked((*edit.impacts, *(found[key].impacts if key in found else ())))
        found[key] = replace(found.get(key, edit), impact=highest, also=tuple(also))
    return tuple(sorted(found.values(), key=lambda e: (IMPACTS.index(e.impact), e.document, e.field)))
