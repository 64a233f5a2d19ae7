"""The part of a project that differs from a git ref, on both sides: models of files that differ, and what they need.

Which files these are tell git's object ids; what rests on them, the memory of the last run. Wherever the whole project
might say something else, there is no part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlc_compiler.backend.target import Artifact
from mlc_compiler.cli.against import Before, compiled, lock_at
from mlc_compiler.cli.project import Workspace, read_lock
from mlc_compiler.cli.tree import CannotCompare, Tree
from mlc_compiler.conventions import ENVIRONMENTS_FOLDER, LOCK_FILE, PROJECT_FILE
from mlc_compiler.diagnostics import Sink
from mlc_compiler.frontend.check import check
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.project import Project
from mlc_compiler.frontend.resolve import resolve
from mlc_compiler.frontend.workspace import read, spec_tree
from mlc_compiler.frontend.yaml_source import load
from mlc_compiler.gitops.history import NO_ENVIRONMENTS
from mlc_compiler.incremental.memory import Memory, Unit
from mlc_compiler.incremental.part import Part
from mlc_compiler.incremental.units import ATTACHED_KINDS, is_common, units
from mlc_compiler.records import dataclass
from mlc_compiler.sql.query import parse_query

Documents = Mapping[str, Document[Any]]
"""Documents by label."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The files that differ between tree and disk, those of the tree as documents, and models that need them there."""

    files: frozenset[str]
    documents: tuple[Document[Any], ...]
    texts: Mapping[str, str]
    models: frozenset[str]


class Since:
    """What a run compiles for a comparison with a tree; `before` is the other side, once there is one."""

    def __init__(self, root: Path, tree: Tree) -> None:
        self._root, self.tree = root, tree
        self._difference: Difference | None = None
        self.before: Before | None = None

    def marked(self, memory: Memory) -> Memory | None:
        """Return the memory as if what differs from the tree had just been edited; None where that is no part."""
        self._difference = found = _difference(self._root, self.tree, memory)
        if found is None:
            return None
        edited = {path: "" if path in found.files else stamp for path, stamp in memory.inputs.items()}
        also = {name: replace(unit, ahead=name in found.models) for name, unit in memory.units.items()}
        return replace(memory, inputs=edited, units=also)

    def accepts(self, part: Part, made: Workspace | None) -> bool:
        """Tell whether the part, which has no errors, has its like in the tree; it is `before` then."""
        difference = self._difference
        if made is None or difference is None:
            return True  # nothing differs
        project = _project(self._root, made.project, part.memory, difference)
        if project is None:
            return False
        try:
            before = compiled(project, self.tree, difference.texts, made)
        except CannotCompare:
            return False
        if not _shares_alike(part.memory, before):
            return False
        seen = replace(before.compilation, project=_comparable(project, made.project, difference))
        own = tuple(a for a in before.artifacts if a.model)
        self.before = replace(before, compilation=seen, artifacts=own)
        return True


# --- what differs ----------------------------------------------------------------------------------------------------
def _difference(root: Path, tree: Tree, memory: Memory) -> Difference | None:
    own = {path for unit in memory.units.values() for path in unit.reads}
    files = {PROJECT_FILE, LOCK_FILE, *memory.labels, *own}
    differing = files - tree.same(root, files)
    gone = {path for path in tree.specs(memory.specs) if path not in files}
    if PROJECT_FILE in differing or differing & set(memory.common) or _lost_code(root, tree, memory, files):
        return None
    read, sink = tree.read(sorted((differing & memory.labels.keys()) | gone)), Sink()
    documents = tuple(d for path, text in read.items() for d in check(load(path, text, sink), sink))
    models = _models(documents, memory) | _pinned_once(tree, files)
    if LOCK_FILE in differing:
        locked = _locked(root, tree, memory)
        if locked is None:
            return None
        models |= locked
    if sink.failed() or any(map(is_common, documents)):
        return None
    texts = {path: text.decode("utf-8", "replace") for path, text in read.items()}
    return Difference(frozenset(differing - {LOCK_FILE}), documents, texts, frozenset(models & memory.units.keys()))


def _models(documents: Iterable[Document[Any]], memory: Memory) -> set[str]:
    """Return the models that need one of the documents, or that one is or is attached to."""
    found = tuple(documents)
    labels = {d.label for d in found}
    named = {d.spec.model for d in found if d.kind in ATTACHED_KINDS} | {d.name for d in found if d.kind == "Model"}
    return named | {name for name, unit in memory.units.items() if not labels.isdisjoint(unit.needs)}


def _pinned_once(tree: Tree, files: set[str]) -> set[str]:
    """Return the models of pins that are gone."""
    paths = (p for p in tree.files if p.startswith(f"{ENVIRONMENTS_FOLDER}/") and p not in files)
    parts = (p.removesuffix(".yaml").split("/") for p in paths if p.endswith(".yaml"))
    return {p[2] for p in parts if len(p) == 3 and f"{p[0]}/{p[1]}" not in NO_ENVIRONMENTS}


def _lost_code(root: Path, tree: Tree, memory: Memory, files: set[str]) -> bool:
    """Tell whether the tree has files where models' own code is looked for, and the disk has not."""
    known = {*files, *spec_tree(root, memory.specs).folders}
    folders = {p for p in memory.inputs if p not in known and p.partition("/")[0] != ENVIRONMENTS_FOLDER}
    return any(path not in files and _is_below(path, folders) for path in tree.files) if folders else False


def _is_below(path: str, folders: set[str]) -> bool:
    steps = path.split("/")[:-1]
    return "." in folders or any("/".join(steps[:end]) in folders for end in range(1, len(steps) + 1))


def _locked(root: Path, tree: Tree, memory: Memory) -> set[str] | None:
    """Return the models whose entries of the lock, or those of their datasets, differ; None if others do."""
    now, then = read_lock(root, Sink()), lock_at(tree)
    if replace(now, datasets=then.datasets, models=then.models) != then:
        return None
    labels = {f"Dataset/{name}" for name in _keys(now.datasets, then.datasets)}
    needing = {name for name, unit in memory.units.items() if not labels.isdisjoint(unit.needs)}
    return needing | _keys(now.models, then.models)


def _keys(one: Mapping[str, object], other: Mapping[str, object]) -> set[str]:
    return {key for key in {*one, *other} if one.get(key) != other.get(key)}


# --- the other side --------------------------------------------------------------------------------------------------
def _project(root: Path, now: Project, memory: Memory, difference: Difference) -> Project | None:
    """Return the part as the tree has it: documents of files that differ from there, all others as they are now."""
    home = {label: path for path, labels in memory.labels.items() for label in labels}
    same = {label for label, path in home.items() if path not in difference.files}
    there = {d.label: d for d in difference.documents}
    found = {**{d.label: d for d in now.documents() if d.label in same}, **there}
    known = home.keys() | there.keys()
    wanted = [name for document in found.values() for name in _names(document, known)]
    while wanted:
        label = wanted.pop()
        document = None if label in found else _on_disk(root, home, same, label)
        if document is not None:
            found[label] = document
            wanted += _names(document, known)
    sink = Sink()
    project = resolve((d for d in found.values() if d.kind != "Project"), now.document, sink)
    return None if project is None or sink.failed() else project


def _comparable(project: Project, now: Project, difference: Difference) -> Project:
    """Return the project without what it alone needs of files that are the same: that has not gone."""
    kept = {d.label for d in (*now.documents(), *difference.documents)}
    datasets = {name: d for name, d in project.datasets.items() if d.label in kept}
    views = {name: d for name, d in project.views.items() if d.label in kept}
    return replace(project, datasets=datasets, views=views)


def _on_disk(root: Path, home: Mapping[str, str], same: set[str], label: str) -> Document[Any] | None:
    """Return a document that the part now does without, of a file that is as in the tree."""
    file = read(root, home[label], Sink()) if label in same else None
    documents = check(load(file.path, file.content, Sink()), Sink()) if file else ()
    return next((d for d in documents if d.label == label), None)


def _names(document: Document[Any], labels: Iterable[str]) -> Iterator[str]:
    """Yield the labels of the documents that a document names."""
    spec = document.spec
    if document.kind == "Model":
        yield from (f"FeatureView/{entry.partition('.')[0]}" for entry in spec.features)
        yield from (f"Dataset/{name}" for name in (spec.label.over, spec.serving.input) if name)
    elif document.kind == "FeatureView":
        yield f"Dataset/{spec.from_}"
        yield from (f"Dataset/{join.dataset or name}" for name, join in spec.joins.items())
        yield from (f"Dataset/{feature.over}" for feature in spec.features.values() if feature.over)
        yield from (f"Dataset/{name}" for test in spec.tests for name in test.given)
    elif document.kind == "Dataset" and spec.source.format == "query" and spec.source.query:
        known = frozenset(label.partition("/")[2] for label in labels if label.startswith("Dataset/"))
        yield from (f"Dataset/{name}" for name in parse_query(spec.source.query, known).reads)


# --- what both share -------------------------------------------------------------------------------------------------
def _shares_alike(memory: Memory, before: Before) -> bool:
    """Tell whether artifacts about several models say of these the same on both sides."""
    if not memory.shared:
        return not _shared(before.artifacts)
    fresh = units(before, memory.watched)
    names = {m.name for m in before.compilation.project.models}
    return _shared(before.artifacts) <= set(memory.shared) and all(
        name in memory.units and _outside(memory.units[name]) == _outside(fresh[name]) for name in names
    )


def _shared(artifacts: Iterable[Artifact]) -> set[str]:
    return {a.path for a in artifacts if not a.model}


def _outside(unit: Unit) -> tuple[object, ...]:
    return unit.artifacts, unit.facts
