"""What a build would do to the disk: files created, changed, deleted, and those that are not mlc's to touch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

from mlc_compiler.diagnostics import Finding
from mlc_compiler.records import dataclass

Kind = Literal["created", "changed", "deleted"]


@dataclass(frozen=True, slots=True)
class Change:
    """One file. `before` is the digest of what is on disk and `after` of what will be; None where there is no file.

    `text` is the new content. `target` and `document` are empty for manifests and for what a broken-off build left.
    """

    kind: Kind
    path: str
    before: str | None
    after: str | None
    text: str | None = None
    target: str = ""
    document: str = ""
    environment: str | None = None
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Conflict:
    """A change that would lose what mlc did not write; `--force` may make it where `forceable`."""

    change: Change
    finding: Finding
    forceable: bool = True


@dataclass(frozen=True, slots=True)
class Changes:
    """The difference between artifacts and a folder, each part sorted by path; nothing has been written yet."""

    created: tuple[Change, ...] = ()
    changed: tuple[Change, ...] = ()
    deleted: tuple[Change, ...] = ()
    unchanged: tuple[str, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    manifests: tuple[Change, ...] = ()
    kept: tuple[Finding, ...] = ()  # warnings: files that mlc wrote once, edited since, and leaves to you

    @property
    def files(self) -> Iterator[Change]:
        """The changes of files, manifests excluded."""
        yield from self.created
        yield from self.changed
        yield from self.deleted

    @property
    def writes(self) -> Iterator[Change]:
        """Everything that writing these changes touches."""
        yield from self.files
        yield from self.manifests

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The conflicts, which forbid writing, and the warnings; each once."""
        return tuple(dict.fromkeys((*(conflict.finding for conflict in self.conflicts), *self.kept)))

    def __bool__(self) -> bool:
        """Tell whether disk and artifacts differ."""
        return bool(self.created or self.changed or self.deleted or self.conflicts or self.manifests)

    def paths(self) -> tuple[str, ...]:
        """Return the paths that differ, sorted."""
        conflicting = (conflict.change.path for conflict in self.conflicts)
        return tuple(sorted({*(change.path for change in self.writes), *conflicting}))

    def forced(self) -> Changes:
        """Return the changes with those conflicts resolved that `--force` may resolve: mlc's content wins."""
        won = [conflict.change for conflict in self.conflicts if conflict.forceable]
        return replace(
            self,
            created=_with(self.created, (change for change in won if change.kind == "created")),
            changed=_with(self.changed, (change for change in won if change.kind == "changed")),
            deleted=_with(self.deleted, (change for change in won if change.kind == "deleted")),
            conflicts=tuple(conflict for conflict in self.conflicts if not conflict.forceable),
        )


def _with(changes: tuple[Change, ...], more: Iterator[Change]) -> tuple[Change, ...]:
    return tuple(sorted((*changes, *more), key=lambda change: change.path))
