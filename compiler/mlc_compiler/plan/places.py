"""Finds where the fields of changes and risks stand: file and line, for the few that are shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from mlc_compiler.diagnostics import Place
from mlc_compiler.frontend.document import Document
from mlc_compiler.frontend.positions import Positions
from mlc_compiler.frontend.project import Project
from mlc_compiler.frontend.yaml_source import positions
from mlc_compiler.plan.leaves import dumped
from mlc_compiler.plan.meaning import Change, Hazard, Meaning

Read = Callable[[str], str | None]
Path = tuple[str | int, ...]


class Finder:
    """Finds fields of documents; reads each file once. What is gone is looked for in the project before."""

    def __init__(self, project: Project, read: Read, before: Finder | None = None, suffix: str = "") -> None:
        self._documents = {document.label: document for document in project.documents()}
        self._read, self._before, self._suffix = read, before, suffix
        self._files: dict[str, Mapping[int, Positions]] = {}

    def at(self, document: str, field: str) -> str:
        """Return file:line of a field, or of the deepest field above it that exists; the file for what is no spec."""
        found = self._documents.get(document)
        if found is None:
            earlier = self._before.at(document, field) if self._before else ""
            return earlier or ("" if document.partition("/")[0].isalpha() and "." not in document else document)
        place = self._place(found, field.partition("[")[0])
        there = self._positions(place.file).get(place.document)
        line = there.find(place).line if there else 1
        return f"{place.file}:{line}{self._suffix}"

    def _place(self, document: Document[Any], field: str) -> Place:
        if not field:
            return document.place.at("metadata", "name")
        part, _, rest = field.partition(".")
        value = dumped(document.spec if part == "spec" else document.metadata)
        return document.place.at(part, *steps_of(value, rest.split(".") if rest else []))

    def _positions(self, file: str) -> Mapping[int, Positions]:
        if file not in self._files:
            text = self._read(file)
            self._files[file] = {} if text is None else positions(file, text)
        return self._files[file]


def steps_of(value: object, names: list[str]) -> Path:
    """Return a path as the file has it: items by number, keys that hold dots whole.

    >>> steps_of({"set": {"a.b": 1}, "signals": [{"name": "x", "max": 2}]}, ["signals", "x", "max"])
    ('signals', 0, 'max')
    >>> steps_of({"set": {"a.b": 1}}, ["set", "a", "b"])
    ('set', 'a.b')
    """
    if not names:
        return ()
    if isinstance(value, list):
        named = (i for i, item in enumerate(value) if isinstance(item, dict) and item.get("name") == names[0])
        index = int(names[0]) if names[0].isdigit() else next(named, len(value))
        return (index, *steps_of(value[index] if index < len(value) else None, names[1:]))
    if isinstance(value, dict):
        for end in range(len(names), 0, -1):
            key = ".".join(names[:end])
            if key in value:
                return (key, *steps_of(value[key], names[end:]))
    return tuple(int(name) if name.isdigit() else name for name in names)


def located(meaning: Meaning, finder: Finder) -> Meaning:
    """Return the meaning with the places of its changes and risks."""
    changes = tuple(_change(change, finder) for change in meaning.changes)
    return replace(meaning, changes=changes, risks=tuple(_hazard(hazard, finder) for hazard in meaning.risks))


def _change(change: Change, finder: Finder) -> Change:
    edits = tuple(replace(e, at=finder.at(e.document, e.field)) for e in change.edits)
    return replace(change, edits=edits)


def _hazard(hazard: Hazard, finder: Finder) -> Hazard:
    risk = hazard.risk
    return replace(hazard, risk=replace(risk, at=finder.at(risk.document, risk.field)))
