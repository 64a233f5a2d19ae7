"""What validate, plan and build look at: the artifacts of a project, all of them or those that an edit concerns.

Afterwards they say what the next run may rely on: that nothing has to be done until an input or output changes, and
which models are to be compiled again when one does.
"""

from __future__ import annotations

import enum
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlc_compiler import __version__
from mlc_compiler.backend.digests import CACHE_FILE, Digests
from mlc_compiler.backend.registry import installed
from mlc_compiler.backend.target import Artifact
from mlc_compiler.cli.console import Console
from mlc_compiler.cli.inputs import input_paths, own_code
from mlc_compiler.cli.project import Emission, LockUse, Workspace, find_root, make, open_project
from mlc_compiler.cli.unchanged import TICK, fingerprint
from mlc_compiler.diagnostics import Finding, Severity, Sink
from mlc_compiler.frontend.project import Project
from mlc_compiler.frontend.workspace import spec_tree
from mlc_compiler.incremental import memory as memories
from mlc_compiler.incremental.memory import Memory, Summary
from mlc_compiler.incremental.part import Compile, Part, compile_part
from mlc_compiler.incremental.units import Run, memory_of, summary
from mlc_compiler.records import dataclass

if TYPE_CHECKING:
    from mlc_compiler.cli.against_part import Since


class Reach(enum.Enum):
    """Which models a command needs compiled, where it is remembered what the others come to."""

    EDITED = "those that an edit concerns"
    AHEAD = "those, too, of which some environment runs something else than the specs say"
    FINDINGS = "those that an edit concerns, whatever is on disk: nothing is written"


@dataclass(frozen=True, slots=True)
class Outputs:
    """The artifacts, which are all there are below the paths of `scope`, or anywhere where that is None.

    `inputs` were read or looked for, `code` read them; without inputs nothing is remembered. `made` is what was
    compiled for them, if anything was: all models, or those that an edit concerns.
    """

    root: Path
    artifacts: tuple[Artifact, ...]
    scope: tuple[str, ...] | None
    summary: Summary
    warned: bool
    digests: Digests
    code: tuple[str, ...]
    inputs: tuple[str, ...]
    dated: bool
    after: Callable[[], Memory]
    made: Workspace | None = None

    def remember(self, console: Console, on_disk: bool) -> None:
        """Let the next run rely on this one; `on_disk` says that the outputs are as the artifacts say."""
        if not self.inputs:
            return
        console.record.rests_on(str(self.root), self.inputs, self.code, self.dated)
        console.record.keep(self.digests.stamps() if on_disk else None)
        if on_disk:
            memory = self.after()
            if memories.newest(memory.inputs) < console.record.started - TICK:
                replace(memory, disk=_disk(self.root)).save(self.root)


def open_outputs(
    directory: Path,
    console: Console,
    *,
    preview: bool = False,
    lock: LockUse = LockUse.ADVISED,
    reach: Reach = Reach.EDITED,
    since: Since | None = None,
) -> Outputs | None:
    """Return the outputs, or None after showing why there are none. Warnings are shown either way.

    With `since` they are those of models that differ from another time, where it accepts that part for the whole.
    """
    root = find_root(directory, console)
    if root is None:
        return None
    judged = reach is Reach.FINDINGS
    registry, digests = installed(), Digests(root) if judged else Digests.load(root)
    code = own_code(registry.packages())

    made: list[Workspace] = []

    def compile(project: Project, sink: Sink) -> Workspace | None:
        # A part of a project is compiled only where the lock is the one that the memory rests on.
        found = make(root, project, sink, lock, registry=registry, known_lock=True)
        made[:] = [found] if found else []
        return found

    part = None if preview else _part(root, code, None if judged else digests, compile, reach is Reach.AHEAD, since)
    if part is not None and since and not part.findings.failed() and not since.accepts(part, made[0] if made else None):
        part = None
    if part is not None:
        failed = console.findings(part.findings, root)
        return None if failed else _some(root, part, digests, code, made[0] if made else None)
    emission = Emission.FINDINGS if judged else Emission.ARTIFACTS
    opened = open_project(directory, console, preview=preview, lock=lock, emission=emission)
    return None if opened is None else _all(opened, digests, code, preview)


def _part(
    root: Path, code: tuple[str, ...], digests: Digests | None, compile: Compile, ahead: bool, since: Since | None
) -> Part | None:
    memory = memories.load(root, _made_by(code))
    if memory is None or (digests and (memory.disk != _disk(root) or not digests.unchanged())):
        return None
    if since is not None:
        memory = since.marked(memory)
    return None if memory is None else compile_part(root, memory, _today(), compile, ahead)


def _some(root: Path, part: Part, digests: Digests, code: tuple[str, ...], made: Workspace | None) -> Outputs:
    scope, memory = tuple(a.path for a in part.artifacts), part.memory
    return Outputs(
        root, part.artifacts, scope, memory.summary, _warned(part.findings), digests, code,
        tuple(memory.inputs), bool(memory.date), lambda: memory, made,
    )  # fmt: skip


def _all(opened: Workspace, digests: Digests, code: tuple[str, ...], preview: bool) -> Outputs:
    tree = spec_tree(opened.root, tuple(opened.project.spec.specs))
    inputs = () if preview else input_paths(opened.root, opened.project, tree, opened.inputs.pins)
    told = summary(opened.compilation, opened.artifacts)
    dated = any(document.waivers for document in opened.project.documents())

    def after() -> Memory:
        run = Run(_made_by(code), _today() if dated else "", tree.files, memories.stamps(opened.root, inputs))
        return memory_of(opened, opened.findings, run)

    return Outputs(
        opened.root, opened.artifacts, None, told, _warned(opened.findings), digests, code, inputs, dated, after, opened
    )


def _warned(findings: Iterable[Finding]) -> bool:
    return any(f.severity is Severity.WARNING for f in findings)


def _made_by(code: tuple[str, ...]) -> str:
    return f"{__version__} {sys.version} {fingerprint(code)}"


def _disk(root: Path) -> str:
    """Return the stamp of what is known of the outputs: every build that writes one rewrites it."""
    return memories.stamps(root, (CACHE_FILE,))[CACHE_FILE]


def _today() -> str:
    return datetime.now(UTC).date().isoformat()
