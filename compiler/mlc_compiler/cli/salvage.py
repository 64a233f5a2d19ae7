"""An environment as its pins and snapshots have it: no spec of a model is read, so that none can stand in the way."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mlc_compiler import ir
from mlc_compiler.backend.changes import Change
from mlc_compiler.backend.difference import diff
from mlc_compiler.backend.digests import Digests
from mlc_compiler.backend.registry import installed
from mlc_compiler.cli.project import read_lock
from mlc_compiler.conventions import DEPLOY_FOLDER, ENVIRONMENTS_FOLDER, PROJECT_FILE
from mlc_compiler.diagnostics import Sink
from mlc_compiler.frontend import workspace
from mlc_compiler.frontend.check import check
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import Project
from mlc_compiler.frontend.yaml_source import load
from mlc_compiler.gitops.pins import read_pins
from mlc_compiler.middle.pins import Pins
from mlc_compiler.middle.release import lowering, project_ir, release
from mlc_compiler.middle.resolved import parse_snapshot
from mlc_compiler.pipeline import emit_release
from mlc_compiler.records import dataclass
from mlc_compiler.spec.environment import Environment
from mlc_compiler.spec.project import Project as ProjectSpec


@dataclass(frozen=True, slots=True)
class Salvaged:
    """The project's own document and its environments, sound or not the rest; None where even these are damaged.

    `damaged` tells that some spec file has errors; `environments` are in no order.
    """

    root: Path
    project: Document[ProjectSpec] | None
    environments: Mapping[str, Document[Environment]]
    damaged: bool


def salvage(root: Path) -> Salvaged:
    """Read what can be read of mlc.yaml and of the environments."""
    first, sink = workspace.read(root, PROJECT_FILE, Sink()), Sink()
    paths = workspace.spec_paths(root, workspace.spec_folders(first)) if first else ()
    rest = (f for f in (workspace.read(root, p, sink) for p in paths if p != PROJECT_FILE) if f is not None)
    documents = [d for f in ((first, *rest) if first else rest) for d in check(load(f.path, f.content, sink), sink)]
    project = next((d for d in documents if d.kind == "Project" and d.place.file == PROJECT_FILE), None)
    environments = {d.name: d for d in documents if d.kind == "Environment"}
    return Salvaged(root, project, environments, sink.failed())


def rendered_from_snapshots(
    salvaged: Salvaged, environment: str, pin: ir.Pin, model: str, snapshot: str, sink: Sink
) -> tuple[Change, ...] | None:
    """Return the environment's manifests that differ once a pin is another, or None with findings."""
    document = salvaged.environments.get(environment)
    if salvaged.project is None or document is None:
        return None
    pins = _pins(salvaged.root, environment, sink)
    texts = {**{d: pins.snapshots[d] for d in pins.snapshots}, pin.snapshot: snapshot}
    pins = Pins({**pins.pins, (environment, model): pin}, texts)
    registry, lock = installed(), read_lock(salvaged.root, sink)
    targets = registry.chosen(salvaged.project.spec.targets)
    project = _project(salvaged.project, document)
    try:
        current = {name: parse_snapshot(texts[p.snapshot]) for (_, name), p in pins.pins.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None  # a snapshot that another mlc wrote
    controllers = frozenset(c for t in targets for c in t.controllers)
    made = release(project_ir(project, lock.pinned()), document, current, pins, lowering(controllers), sink)
    artifacts = emit_release(project, made, targets, sink)
    changes = diff(salvaged.root, artifacts, Digests.load(salvaged.root), (f"{DEPLOY_FOLDER}/{environment}",))
    sink.extend(changes.findings)
    return None if sink.failed() else tuple(changes.writes)


def _pins(root: Path, environment: str, sink: Sink) -> Pins:
    folder = root / ENVIRONMENTS_FOLDER / environment
    names = sorted(path.stem for path in folder.glob("*.yaml"))
    return read_pins(root, tuple((environment, name) for name in names), sink)


def _project(project: Document[ProjectSpec], environment: Document[Environment]) -> Project:
    return Project(
        document=project,
        datasets={},
        views={},
        models=(),
        gates={},
        rollouts={},
        monitors={},
        environments=(environment,),
        policies={},
    )
