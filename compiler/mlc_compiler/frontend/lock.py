"""`mlc.lock`: what a build rests on besides the specs, laid out so that changes of two entries do not meet in git."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from mlc_compiler import ir
from mlc_compiler.records import dataclass

FORMAT = 1
SECTIONS = ("datasets", "models", "actions", "images", "packages")


@dataclass(frozen=True, slots=True)
class LockFile:
    """The lock's sections: name to entry. Dataset entries hold digest, rows, files and column statistics; those of
    models what `middle.statistics` says they are `of`, rows, folds, groups and label delay.
    """

    mlc: str = ""
    datasets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    actions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

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
    """Return the file's text: JSON, entries sorted.

    What a retraining changes, datasets and models, stands on lines of its own, with lines around it that stay the
    same: git merges changes of neighbours only where it finds such a line between them.
    """
    lines = ["{", f'"format": {FORMAT},', f'"mlc": {json.dumps(lock.mlc)},']
    for section in SECTIONS:
        lines += _section(section, getattr(lock, section), last=section == SECTIONS[-1])
    return "\n".join([*lines, "}"]) + "\n"


def _section(name: str, entries: Mapping[str, Any], last: bool) -> list[str]:
    rows: list[str] = []
    for key in sorted(entries):
        quoted, entry = json.dumps(key), entries[key]
        if name == "datasets":
            rows += [f"{quoted}: {{", *_dataset_lines(entry), "}", ","]
        elif name == "models":
            rows += [f"{quoted}:", json.dumps(entry, sort_keys=True, ensure_ascii=False), ","]
        else:
            rows.append(f"{quoted}: {json.dumps(entry, sort_keys=True, ensure_ascii=False)},")
    if rows:
        rows = rows[:-1] if rows[-1] == "," else [*rows[:-1], rows[-1].removesuffix(",")]
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
