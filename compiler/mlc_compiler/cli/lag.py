"""By what an environment is behind: the classes of impact between its snapshot and the one that would follow."""

from __future__ import annotations

from contextlib import suppress

from mlc_compiler.cli.project import Workspace
from mlc_compiler.conventions import snapshot_path
from mlc_compiler.gitops.git import Repository
from mlc_compiler.ir import Pin
from mlc_compiler.middle.resolved import ResolvedModel, parse_snapshot
from mlc_compiler.plan.compare import against_pin
from mlc_compiler.plan.impact import Impact, ranked


class Lag:
    """Compares snapshots; parses each once, since several environments name the same."""

    def __init__(self, opened: Workspace, git: Repository) -> None:
        self._models, self._git = opened.compilation.models, git
        self._on_disk = opened.inputs.pins.snapshots
        self._parsed: dict[str, ResolvedModel | None] = {}

    def classes(self, model: str, before: Pin, after: Pin | None) -> tuple[Impact, ...]:
        """Return the classes of impact from a pin to another, or to the specs; none where a snapshot can't be read."""
        old = self._snapshot(model, before)
        new = self._models[model] if after is None else self._snapshot(model, after)
        if old is None or new is None:
            return ()
        return ranked(impact for change in against_pin(old, new, "").changes for impact in change.impacts)

    def _text(self, model: str, pin: Pin) -> str:
        """Return the text from the disk, which compiling has held against its digest; else as HEAD has it."""
        if pin.snapshot in self._on_disk:
            return self._on_disk[pin.snapshot]
        content = self._git.read([(self._git.head, snapshot_path(model, pin.snapshot))])[0]
        return (content or b"").decode("utf-8", "replace")

    def _snapshot(self, model: str, pin: Pin) -> ResolvedModel | None:
        if pin.snapshot not in self._parsed:
            self._parsed[pin.snapshot] = None
            with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
                self._parsed[pin.snapshot] = parse_snapshot(self._text(model, pin))
        return self._parsed[pin.snapshot]
