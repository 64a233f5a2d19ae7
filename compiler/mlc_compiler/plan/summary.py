"""A plan as data: what changes mean, and which generated files change, those of alike models together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from mlc_compiler.plan.impact import IMPACTS, Impact
from mlc_compiler.plan.meaning import Meaning
from mlc_compiler.records import dataclass

Kind = Literal["created", "changed", "deleted"]
SIGNS: Mapping[str, str] = {"created": "+", "changed": "~", "deleted": "-"}
PROJECT = "project"
"""Where files belong that are of no environment."""


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A field with its text before and after."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """One file that would change. `fields` is filled where it is asked for and the file has fields."""

    kind: Kind
    path: str
    name: str
    target: str
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Changes of one environment (or the project) that several models share to the letter."""

    environment: str
    models: tuple[str, ...]
    changes: tuple[ObjectChange, ...]
    impacts: tuple[Impact, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """All that changes: files in groups, and what the specs mean otherwise than what it is compared with.

    `against` names what that is: a git ref, or nothing for what is built and runs. `environment` is the only one shown.
    """

    groups: tuple[Group, ...]
    created: int
    changed: int
    deleted: int
    meaning: Meaning = field(default_factory=Meaning)
    against: str = ""
    environment: str = ""
    preview: bool = False

    def __bool__(self) -> bool:
        return bool(self.groups or self.meaning)

    def counts(self) -> dict[Impact, int]:
        """Return how many models each class is the highest of; of what concerns no model, one for each class."""
        alone = {change.impacts[0] for change in self.meaning.changes if not change.models}
        found = {impact: len(self.meaning.models(impact)) or int(impact in alone) for impact in IMPACTS}
        return {impact: count for impact, count in found.items() if count}


def file_name(path: str, environment: str, model: str) -> str:
    """Return a file's name in its group: paths of workloads start below the model's folder.

    >>> file_name("deploy/prod/late/service.yaml", "prod", "late"), file_name("docs/x.md", "project", "")
    ('service.yaml', 'docs/x.md')
    """
    parts = path.split("/")
    if environment and environment in parts:
        parts = parts[parts.index(environment) + 1 :]
        return "/".join(parts[1:] if model and parts[0] == model else parts)
    return path
