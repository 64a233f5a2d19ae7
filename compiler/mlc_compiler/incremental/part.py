"""The part of a project that an edit concerns, compiled as a project of its own; None wherever a full run might differ.

What is relied upon: findings come from one document or one model with the documents it names, and an artifact with a
model is written from that model, its environment and the project alone, as `backend.target` says.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlc_compiler.backend.target import Artifact
from mlc_compiler.conventions import ENVIRONMENTS_FOLDER, PROJECT_FILE
from mlc_compiler.diagnostics import Finding, Place, Sink
from mlc_compiler.frontend.check import check
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import Project
from mlc_compiler.frontend.resolve import resolve
from mlc_compiler.frontend.waivers import active_waivers
from mlc_compiler.frontend.workspace import read, spec_tree
from mlc_compiler.frontend.yaml_source import load
from mlc_compiler.incremental.memory import Memory, Unit, stamps
from mlc_compiler.incremental.units import ATTACHED_KINDS, Made, is_common, units
from mlc_compiler.records import dataclass

# Said of all models at once, and decided by which pins there are and what the lock counted: the same, or all is read.
ABOUT_ALL = ("MLC906", "MLC931")


Compile = Callable[[Project, Sink], Made | None]


@dataclass(frozen=True, slots=True)
class Part:
    """What was compiled again. `findings` are those of the whole project; after an error there is nothing else."""

    artifacts: tuple[Artifact, ...]
    findings: Sink
    memory: Memory


@dataclass(frozen=True, slots=True)
class _Edit:
    """The files that changed, the stamps that all inputs have now, and the models to compile again."""

    files: tuple[str, ...]
    stamps: Mapping[str, str]
    models: frozenset[str]


def compile_part(root: Path, memory: Memory, today: str, compile: Compile, ahead: bool = False) -> Part | None:
    """Return the part that changed since the memory, whose outputs are on disk; None where all has to be compiled.

    `ahead` also compiles the models of which some environment runs something else.
    """
    now = stamps(root, memory.inputs)
    if memory.date not in ("", today):
        return None
    also = frozenset(name for name, unit in memory.units.items() if unit.ahead) if ahead else frozenset()
    if now == memory.inputs and not also:
        return Part((), _sink(memory.findings), memory)
    edit = _edit(root, now, memory, also)
    if edit is None:
        return None
    reading = Sink()
    documents = _documents(root, memory, edit, reading)
    if reading.failed():  # a full run reads the other files too, finds nothing there, and ends here as well
        return Part((), reading, memory)
    edit, documents = _attached(edit, documents, memory, root) if documents else (edit, [])
    first = next((d for d in documents if d.kind == "Project"), None)
    project = resolve((d for d in documents if d is not first), first, reading) if first else None
    if project is None or reading.failed() or _reads_other_code(project, edit):
        return None
    findings = Sink(active_waivers(project, today, reading))
    findings.extend(reading)
    made = compile(project, findings)
    return None if made is None or findings.failed() else _part(root, memory, edit, made, findings, today)


# --- what to compile -------------------------------------------------------------------------------------------------
def _edit(root: Path, now: Mapping[str, str], memory: Memory, also: frozenset[str]) -> _Edit | None:
    changed = {path for path, stamp in now.items() if stamp != memory.inputs[path]}
    specs = changed & memory.labels.keys()
    touched = {label for path in specs for label in memory.labels[path]}
    models = {n for n, u in memory.units.items() if not touched.isdisjoint(u.needs) or not changed.isdisjoint(u.reads)}
    rest = changed - specs - {path for name in models for path in memory.units[name].reads}
    if specs & set(memory.common) or not all(now[p] for p in changed) or not _same_files(root, rest, memory):
        return None
    return _limited(_Edit(tuple(sorted(changed)), now, frozenset(models | set(memory.anchors)) | also), memory)


def _same_files(root: Path, folders: set[str], memory: Memory) -> bool:
    """Tell whether these are folders that hold the files they held: many programs replace a file to change it."""
    tree = spec_tree(root, memory.specs)
    pins = {path for unit in memory.units.values() for path in unit.reads}
    for folder in folders:
        if folder == ENVIRONMENTS_FOLDER:
            continue  # what matters of it are the folders of the environments, which are looked at themselves
        if posixpath.dirname(folder) == ENVIRONMENTS_FOLDER:
            found = {f"{folder}/{name}.yaml" for name in memory.units if (root / folder / f"{name}.yaml").is_file()}
            if not found <= pins:
                return False
        elif folder not in tree.folders or tree.files != memory.files:
            return False
    return True


def _limited(edit: _Edit, memory: Memory) -> _Edit | None:
    """Give up where compiling everything would hardly take longer."""
    return edit if 2 * len(edit.models) <= len(memory.units) else None


def _documents(root: Path, memory: Memory, edit: _Edit, sink: Sink) -> list[Document[Any]]:
    """Return the documents of the changed files, the common ones and those that the models need; none after a doubt."""
    home = {label: path for path, labels in memory.labels.items() for label in labels}
    needed = {label for name in edit.models for label in memory.units[name].needs}
    whole = {PROJECT_FILE, *memory.common, *(path for path in edit.files if path in memory.labels)}
    found, same = [], True
    for path in sorted(whole | {home[label] for label in needed}):
        file = read(root, path, sink)
        documents = check(load(path, file.content, sink), sink) if file else ()
        same = same and tuple(d.label for d in documents) == memory.labels[path]
        found += [d for d in documents if path in whole or d.label in needed]
    return found if same else []


def _attached(
    edit: _Edit, documents: list[Document[Any]], memory: Memory, root: Path
) -> tuple[_Edit, list[Document[Any]]]:
    """Add the models that gates, rollouts and monitors of the changed files name now; no documents after a doubt."""
    changed = [d for d in documents if d.place.file in edit.files]
    models = edit.models | {d.spec.model for d in changed if d.kind in ATTACHED_KINDS}
    if any(is_common(d) for d in changed) or not models <= memory.units.keys():
        return edit, []
    if models == edit.models:
        return edit, documents
    wider = _limited(replace(edit, models=models), memory)
    return (edit, []) if wider is None else (wider, _documents(root, memory, wider, Sink()))


def _reads_other_code(project: Project, edit: _Edit) -> bool:
    """Tell whether a changed model has code of its own: other globs would look into other folders."""
    return any(m.document.spec.code and m.document.place.file in edit.files for m in project.models)


# --- what it comes to ------------------------------------------------------------------------------------------------
def _part(root: Path, memory: Memory, edit: _Edit, made: Made, findings: Sink, today: str) -> Part | None:
    """Return the part if what it shares with the other models stays as it is."""
    fresh = units(made, memory.watched)
    own = tuple(a for a in made.artifacts if a.model)
    shared = {a.path for a in made.artifacts if not a.model}
    kept = _kept(memory, fresh, made.compilation.project, findings)
    if kept is None or not shared <= set(memory.shared):
        return None
    if any(_outside(memory.units[name]) != _outside(unit) for name, unit in fresh.items()):
        return None
    total = _sink((*kept, *(f for f in findings if f.code not in ABOUT_ALL)))
    gone = {path for name in fresh for path in memory.units[name].reads}
    read = {path: stamp for path, stamp in edit.stamps.items() if path not in gone}
    inputs = {**read, **stamps(root, (path for unit in fresh.values() for path in unit.reads))}
    dated = memory.date or (today if any(d.waivers for d in made.compilation.project.documents()) else "")
    after = replace(memory, date=dated, inputs=inputs, units={**memory.units, **fresh}, findings=tuple(total), disk="")
    return Part(own, total, after)


def _sink(findings: Iterable[Finding]) -> Sink:
    sink = Sink()
    sink.extend(findings)
    return sink


def _outside(unit: Unit) -> tuple[object, ...]:
    """Return what else than the text of its artifacts a unit decides."""
    return unit.artifacts, unit.facts


def _kept(memory: Memory, fresh: Mapping[str, Unit], project: Project, findings: Sink) -> tuple[Finding, ...] | None:
    """Return the findings of what was not compiled now.

    None where one is gone from a document that other models share: it may have been theirs.
    """
    places = {(d.place.file, d.place.document): d.label for d in project.documents()}
    reads = {path for name in fresh for path in memory.units[name].reads}
    rest = (unit for name, unit in memory.units.items() if name not in fresh)
    elsewhere = {label for unit in rest for label in unit.needs} if memory.findings else set()
    now, kept = set(findings), []
    for finding in memory.findings:
        at = finding.at
        label = places.get((at.file, at.document)) if isinstance(at, Place) else None
        if finding.code in ABOUT_ALL or (label is None and at.file not in reads):
            kept.append(finding)
        elif finding not in now and (label in elsewhere or at.file in memory.common):
            return None
    return tuple(kept)
