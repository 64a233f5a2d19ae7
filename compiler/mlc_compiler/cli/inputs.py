"""What the answer of a command rests on: the files and folders that were read or looked for, and the code that read."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path

from mlc_compiler.conventions import ENVIRONMENTS_FOLDER, LOCK_FILE, PROJECT_FILE, snapshot_path
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
    """Yield what a glob matches and the folders where it could match more; "" when these can't be told."""
    steps = pattern.split("/")
    literal = next((i for i, step in enumerate(steps) if _MAGIC & set(step)), len(steps))
    base = "/".join(steps[:literal])
    yield from (p.relative_to(root).as_posix() for p in root.glob(pattern))
    if len(steps) - literal > 1 or "**" in steps[literal:]:
        yield from _folders(root, base)
    else:
        yield base or "."


def _folders(root: Path, base: str) -> Iterator[str]:
    """Yield the folder and all below it; "" for the root, whose .git changes all the time, and for links."""
    yield base
    for at, folders, _ in os.walk(root / base) if base else ():
        paths = [Path(at, folder) for folder in folders]
        yield from ("" if p.is_symlink() else p.relative_to(root).as_posix() for p in paths)


def own_code(packages: Iterable[str]) -> tuple[str, ...]:
    """Return the files that mlc and the packages of its targets are made of, and where distributions come and go."""
    files = [path for top in {"mlc_compiler", *packages} for path in _sources(top)]
    sites = (path for path in sys.path if path.endswith(("site-packages", "dist-packages")))
    return (*sites, *sorted(files))


def _sources(package: str) -> Iterator[str]:
    for folder in import_module(package).__path__:
        for at, _, names in os.walk(folder):
            yield from (f"{at}/{name}" for name in names if not name.endswith(".pyc"))
