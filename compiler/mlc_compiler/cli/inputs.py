"""What the answer of a command rests on: the files and folders that were read or looked for, and the code that read."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from mlc_compiler.backend.target import Target
from mlc_compiler.conventions import ENVIRONMENTS_FOLDER, LOCK_FILE, PROJECT_FILE, pin_path, snapshot_path
from mlc_compiler.frontend.project import Project
from mlc_compiler.frontend.workspace import SpecTree
from mlc_compiler.middle.pins import Pins

_MAGIC = frozenset("*?[")


def input_paths(root: Path, project: Project, tree: SpecTree, pins: Pins) -> tuple[str, ...]:
    """Return the paths below the root, folders where new files would count among them; empty if they can't be told."""
    environments = (f"{ENVIRONMENTS_FOLDER}/{e.name}" for e in project.environments)
    pinned = (path for (_, model), pin in pins.pins.items() for path in (pin.path, snapshot_path(model, pin.snapshot)))
    code = [path for m in project.models for pattern in m.document.spec.code for path in _matched(root, pattern)]
    if "" in code:
        return ()  # it looks through the whole project, .mlc and .git included
    paths = (PROJECT_FILE, LOCK_FILE, ENVIRONMENTS_FOLDER, *tree.folders, *tree.files, *environments, *pinned, *code)
    return tuple(dict.fromkeys(paths))


def _matched(root: Path, pattern: str) -> Iterator[str]:
    """Yield what a glob matches, and each folder where it could match more; "" for the root."""
    steps = pattern.split("/")
    literal = next((i for i, step in enumerate(steps) if _MAGIC & set(step)), len(steps) - 1)
    base = "/".join(steps[:literal])
    yield base
    if len(steps) - literal > 1 or "**" in steps[literal]:
        for at, folders, names in os.walk(root / base, followlinks=True):
            ...
