"""What every command starts with: find the project, read its files, compile as far as the command needs."""

from __future__ import annotations

import enum
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from mlc_compiler.backend.registry import Registry, installed
from mlc_compiler.backend.target import Artifact
from mlc_compiler.cli.console import Console
from mlc_compiler.cli.garbage import uncollected
from mlc_compiler.conventions import LOCK_FILE, PROJECT_FILE
from mlc_compiler.diagnostics import Finding, Place, Sink, Span, nearest
from mlc_compiler.frontend import workspace
from mlc_compiler.frontend.lock import LockFile
from mlc_compiler.frontend.lock_reading import parse_known_lock, parse_lock
from mlc_compiler.frontend.project import Project
from mlc_compiler.frontend.waivers import active_waivers
from mlc_compiler.gitops.pins import read_pins
from mlc_compiler.ir import ProjectRelease
from mlc_compiler.pipeline import Compilation, Inputs, check_emission, compile_project, emit, load_project
from mlc_compiler.records import dataclass


class LockUse(enum.Enum):
    """What a command does with mlc.lock."""

    ADVISED = "a dataset that was never measured is a warning"
    REQUIRED = "it is an error: what the command makes would rest on nothing"
    WRITTEN = "the command measures datasets itself"
    REPLACED = "so it does, and a lock of another mlc or a damaged one does not matter"


class Emission(enum.Enum):
    """What a command wants of the targets."""

    NOTHING = "what they would write does not matter"
    FINDINGS = "what they can't write is an error"
    ARTIFACTS = "and what they write is wanted"


@dataclass(frozen=True, slots=True)
class Workspace:
    """An opened project: its root, its bound specs, the installed targets."""

    root: Path
    project: Project
    lock: LockFile
    registry: Registry
    inputs: Inputs
    compilation: Compilation
    artifacts: tuple[Artifact, ...]
    findings: tuple[Finding, ...] = ()

    @property
    def releases(self) -> ProjectRelease:
        return self.compilation.releases


def find_root(directory: Path, console: Console) -> Path | None:
    """Return the project's root, or None after saying that there is none."""
    root = workspace.find_root(directory)
    if root is None:
        sink = Sink()
        sink.error(
            "MLC201",
            Span(PROJECT_FILE, 1, 1, 1, 1),
            f"no {PROJECT_FILE} in `{directory}` or above it",
            help="`mlc init` starts a project; -C names another folder",
        )
        console.findings(sink, directory)
    return root


def open_project(
    directory: Path,
    console: Console,
    *,
    preview: bool = False,
    lock: LockUse = LockUse.ADVISED,
    emission: Emission = Emission.ARTIFACTS,
) -> Workspace | None:
    """Return the compiled project, or None after showing its findings. Warnings are shown either way."""
    root = find_root(directory, console)
    if root is None:
        return None
    sink = Sink()
    opened = None
    with uncollected():
        project = read_project(root, sink)
        if project is not None:
            read, sink = sink, Sink(active_waivers(project, datetime.now(UTC).date().isoformat(), sink))
            sink.extend(read)
            opened = make(root, project, sink, lock, preview=preview, emission=emission)
    failed = console.findings(sink, root)
    return None if failed or opened is None else replace(opened, findings=tuple(sink))


def make(  # noqa: PLR0913  what a compilation depends on
    root: Path,
    project: Project,
    sink: Sink,
    use: LockUse,
    *,
    preview: bool = False,
    emission: Emission = Emission.ARTIFACTS,
    registry: Registry | None = None,
    known_lock: bool = False,
) -> Workspace | None:
    """Return the project compiled with its lock, pins and code, or None where that has errors."""
    before = len(sink)
    lock = read_lock(root, Sink() if use is LockUse.REPLACED else sink, known_lock)
    if use in (LockUse.ADVISED, LockUse.REQUIRED) and len(sink) == before:
        _check_lock(project, lock, use is LockUse.REQUIRED, sink)
    pairs = tuple((e.name, m.name) for e in project.environments for m in project.models)
    pins = read_pins(root, pairs, sink)
    registry = registry or installed()
    targets = registry.chosen(project.spec.targets)
    _check_targets(project, registry, sink)
    code = {m.name: workspace.code_digests(root, m.document, sink) for m in project.models if m.document.spec.code}
    if sink.failed():
        return None
    inputs = Inputs(lock, pins, code, targets, preview)
    compilation = compile_project(project, inputs, sink)
    if compilation is None:
        return None
    if emission is Emission.FINDINGS:
        check_emission(compilation, targets, sink)
    emitted = emit(compilation, targets, sink) if emission is Emission.ARTIFACTS else ()
    return Workspace(root, project, lock, registry, inputs, compilation, emitted)


def read_project(root: Path, sink: Sink) -> Project | None:
    """Read mlc.yaml, then the folders that it names; return the bound project."""
    first = workspace.read(root, PROJECT_FILE, sink)
    if first is None:
        return None
    folders = workspace.spec_folders(first)
    paths = [p for p in workspace.spec_paths(root, folders) if p != PROJECT_FILE]
    files = [f for f in (workspace.read(root, p, sink) for p in paths) if f is not None]
    if not paths and b"kind: Project" in first.content and b"\n---" not in first.content:
        sink.warn(
            "MLC213",
            Place(PROJECT_FILE).at("spec", "specs"),
            f"no spec files below {', '.join(folders)}",
            help="put them there, or name their folders under `specs:`",
        )
    return load_project((first, *files), sink)


def read_lock(root: Path, sink: Sink, known: bool = False) -> LockFile:
    """Return the project's lock, an empty one where there is none; `known` says that it was read without a finding."""
    path, parse = root / LOCK_FILE, parse_known_lock if known else parse_lock
    return parse(path.read_text("utf-8", "replace"), sink) if path.is_file() else LockFile()


def _check_lock(project: Project, lock: LockFile, required: bool, sink: Sink) -> None:
    """Report datasets that were never measured: the versions of their models would rest on nothing."""
    missing = [
        name
        for name, dataset in sorted(project.datasets.items())
        if dataset.spec.source.format != "query" and lock.dataset_digest(name) is None
    ]
    if missing:
        report = sink.error if required else sink.warn
        first = project.datasets[missing[0]]
        others = f" and {len(missing) - 1} more are" if len(missing) > 1 else " is"
        message = f"dataset `{missing[0]}`{others} not in {LOCK_FILE}"
        report("MLC901", first.at("source"), message, help="run `mlc lock`")


def _check_targets(project: Project, registry: Registry, sink: Sink) -> None:
    for name in project.spec.targets:
        if name not in registry.names():
            near = nearest(name, registry.names())
            sink.error(
                "MLC911",
                project.document.at("targets", name).name(),
                f"there is no target `{name}`",
                help=f"did you mean `{near}`?" if near else f"installed: {', '.join(registry.names())}",
                fix=near or "",
            )
