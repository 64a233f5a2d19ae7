"""What a proof reads: the project, its models as compiled, and what the lock measured of the data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlc_compiler.frontend.lock import LockFile
from mlc_compiler.frontend.project import BoundModel, Project
from mlc_compiler.middle.resolved import ResolvedModel
from mlc_compiler.records import dataclass


@dataclass(frozen=True, slots=True)
class Subject:
    """A project whose `models` compiled; a model with an error of its own is not among them."""

    project: Project
    lock: LockFile
    models: Mapping[str, ResolvedModel]

    def pairs(self) -> Iterator[tuple[BoundModel, ResolvedModel]]:
        """Yield each model that compiled, as bound and as resolved."""
        for bound in self.project.models:
            if bound.name in self.models:
                yield bound, self.models[bound.name]
