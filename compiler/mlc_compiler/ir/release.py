"""The release, one environment resolved; and all environments of a project side by side."""

from __future__ import annotations

from dataclasses import replace

from mlc_compiler.ir.environment import Environment
from mlc_compiler.ir.model import Model
from mlc_compiler.ir.project import Project
from mlc_compiler.records import dataclass


@dataclass(frozen=True, slots=True)
class Release:
    """One environment, resolved. `models` are sorted by name; those without a pin render no workload."""

    project: Project
    environment: Environment
    models: tuple[Model, ...]

    def with_models(self, models: tuple[Model, ...]) -> Release:
        return replace(self, models=models)


@dataclass(frozen=True, slots=True)
class ProjectRelease:
    """All environments of a project, in order of promotion: for artifacts that belong to none of them."""

    project: Project
    releases: tuple[Release, ...]
    models: tuple[Model, ...]  # as the specs have them now, without pins
