"""`mlc.lock`: what a build rests on besides the specs, one entry a line so that two edits rarely meet in one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlc_compiler import __version__, ir
from mlc_compiler.conventions import LOCK_FILE
from mlc_compiler.diagnostics import Sink, Span

FORMAT = 1
SECTIONS = ("datasets", "actions", "images", "packages")


@dataclass(frozen=True, slots=True)
class LockFile:
    """The lock's sections: name to entry. Dataset entries hold digest, rows, files and column statistics."""

    mlc: str = ""
    datasets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    actions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)

    def dataset_digest(self, name: str) -> str | None:
        entry = self.datasets.get(name)
        return None if entry is None else str(entry["digest"])

    def pinned(self) -> ir.Lock:
        """Return what the releases need of the lock besides the datasets."""
        return ir.Lock(
            actions=tuple(ir.Action(name, a["sha"], a["version"]) for name, a in sorted(self.actions.items())),
            images=tuple(sorted(self.images.items())),
            packages=tuple(sorted(self.packages.items())),
            mlc=self.mlc,
        )


def minor(version: str) -> str:
    """Return major.minor of a version, which the lock binds a project to."""
    return ".".join(version.split(".")[:2])


def lock_text(lock: LockFile) -> str:
    """Return the file's text: JSON, each entry on its own line, entries sorted."""
    lines = ["{", f'"format": {FORMAT},', f'"mlc": {json.dumps(lock.mlc)},']
    for section in SECTIONS:
        lines += _section(section, getattr(lock, section), last=section == SECTIONS[-1])
    return "\n".join([*lines, "}"]) + "\n"


def _section(name: str, entries: Mapping[str, Any], last: bool) -> list[str]:
    rows = []
    for key in sorted(entries):
        entry = entries[key]
        if name == "datasets":
            rows += [f"{json.dumps(f'{key}')}: {{", *_dataset_lines(entry), "},"]
        else:
            rows.append(f"{json.dumps(key)}: {json.dumps(entry, sort_keys=True, ensure_ascii=False)},")
    if rows:
        rows[-1] = rows[-1].removesuffix(",")
    return [f'"{name}": {{', *rows, "}" if last else "},"]


def _dataset_lines(entry: Mapping[str, Any]) -> list[str]:
    lines = [
        f"  {json.dumps(key)}: {json.dumps(entry[key], sort_keys=True, ensure_ascii=False)},"
        for key in sorted(entry)
        if key != "columns"
    ]
    columns = [
        f"    {json.dumps(name)}: {json.dumps(entry['columns'][name], sort_keys=True, ensure_ascii=False)},"
        for name in sorted(entry.get("columns", {}))
    ]
    if columns:
        columns[-1] = columns[-1].removesuffix(",")
    return [*lines, '  "columns": {', *columns, "  }"]


def conflict_marker(text: str) -> int | None:
    """Return the number, from 1, of the first line that git marked as a conflict."""
    lines = enumerate(text.splitlines(), start=1)
    return next((n for n, line in lines if line.startswith(("<<<<<<<", ">>>>>>>", "======="))), None)


def parse_lock(text: str, sink: Sink) -> LockFile:
    """Return the lock, or an empty one with a finding when the text can't be used."""
    at = Span(LOCK_FILE, 1, 1, 1, 1)
    marker = conflict_marker(text)
    if marker is not None:
        where = Span(LOCK_FILE, marker, 1, marker, 8)
        sink.error("MLC902", where, "the lock holds conflict markers", help="take either side, then run `mlc lock`")
        return LockFile()
    try:
        value = json.loads(text)
        lock = LockFile(str(value["mlc"]), *(_mapping(value[s]) for s in SECTIONS))
        _check_entries(lock)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else 1
        sink.error(
            "MLC902",
            Span(LOCK_FILE, line, 1, line, 1),
            "the lock can't be read: it is cut short or was edited by hand",
            help="restore it from git, or delete it and run `mlc lock`",
        )
        return LockFile()
    if value.get("format") != FORMAT or minor(lock.mlc) != minor(__version__):
        sink.error(
            "MLC903",
            at,
            f"the lock was written by mlc {lock.mlc}, this is mlc {__version__}",
            help=f"run `mlc lock --upgrade` to move to {minor(__version__)}, or install mlc {minor(lock.mlc)}",
        )
    return lock


def _check_entries(lock: LockFile) -> None:
    """Raise KeyError, TypeError or ValueError for an entry that lacks what builds read."""
    for entry in lock.datasets.values():
        str(entry["digest"]), int(entry["rows"]), _mapping(entry["columns"])
    for action in lock.actions.values():
        _text(action["sha"]), _text(action["version"])
    for pinned in (*lock.images.values(), *lock.packages.values()):
        _text(pinned)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is wanted")
    return value


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("a mapping is wanted")
    return value
