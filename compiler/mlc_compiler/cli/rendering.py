"""What a build would write if pins were others: compiled in memory, nothing on disk changes."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from mlc_compiler.backend.changes import Change
from mlc_compiler.backend.difference import diff
from mlc_compiler.backend.digests import Digests
from mlc_compiler.cli.project import LockUse, Workspace, make, read_project
from mlc_compiler.diagnostics import Finding, Sink
from mlc_compiler.frontend.waivers import active_waivers
from mlc_compiler.gitops.worktree import check_built
from mlc_compiler.ir import Pin
from mlc_compiler.middle.pins import Pins
from mlc_compiler.pipeline import compile_project, emit

Files = dict[str, str | None]


def opened_quietly(root: Path) -> Workspace | None:
    """Return the compiled project, or None where it has errors; nobody is told of them."""
    sink = Sink()
    project = read_project(root, sink)
    if project is None or sink.failed():
        return None
    sink = Sink(active_waivers(project, datetime.now(UTC).date().isoformat(), sink))
    opened = make(root, project, sink, LockUse.REQUIRED)
    return None if sink.failed() else opened


def texts(changes: Iterable[Change]) -> Files:
    """Return the new text of each file; None for one that is removed."""
    return {change.path: change.text for change in changes}


def unbuilt(opened: Workspace) -> Iterator[Finding]:
    """Yield why the generated files are not as built, files edited by hand first."""
    changes = diff(opened.root, opened.artifacts, Digests.load(opened.root))
    yield from changes.findings
    if not changes.findings:
        yield from check_built(changes.paths())


def rendered(
    opened: Workspace, pin: Pin, environment: str, model: str, snapshot: str, sink: Sink
) -> tuple[Change, ...] | None:
    """Return the generated files that differ once a pin is another, or None with findings."""
    known = opened.inputs.pins
    snapshots: Mapping[str, str] = ChainMap({pin.snapshot: snapshot}, known.snapshots)  # type: ignore[arg-type]  # read only
    pins = Pins({**known.pins, (environment, model): pin}, snapshots)
    compilation = compile_project(opened.project, replace(opened.inputs, pins=pins), sink)
    artifacts = () if compilation is None else emit(compilation, opened.inputs.targets, sink)
    if sink.failed():
        return None
    changes = diff(opened.root, artifacts, Digests.load(opened.root))
    sink.extend(changes.findings)
    return None if sink.failed() else tuple(changes.writes)
